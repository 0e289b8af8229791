"""Packages that only some metrics, methods and networks need: a study without these does without the packages."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["CURVLINOPS", "POT", "TENSORBOARD", "TIMM", "UMAP", "is_installed", "need"]

POT = "POT"
"""Solves optimal transport."""
CURVLINOPS = "curvlinops-for-pytorch"
"""Makes products with the Hessian."""
UMAP = "umap-learn"
"""Draws maps of features."""
TIMM = "timm"
"""Has networks that torchvision lacks."""
TENSORBOARD = "tensorboard"
"""Draws curves of trainings."""
_MODULES = {POT: "ot", CURVLINOPS: "curvlinops", UMAP: "umap", TIMM: "timm", TENSORBOARD: "tensorboard"}


def is_installed(package: str) -> bool:
    """Whether one of these packages can be imported."""
    return find_spec(_MODULES[package]) is not None


def need(package: str, purpose: str) -> None:
    """Require one of these packages.

    Args:
        package: Its name.
        purpose: What needs it, as the beginning of a sentence.

    Raises:
        ModuleNotFoundError: if it is not installed.
    """
    if not is_installed(package):
        raise ModuleNotFoundError(f"{purpose} needs the package {package}, which is not installed")
