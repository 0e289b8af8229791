"""Packages that only some metrics, methods and networks need: a study without these does without the packages."""

from __future__ import annotations

from importlib.util import find_spec

from simulate.house.extras import MissingExtraError, installed_by

__all__ = ["CURVLINOPS", "POT", "TENSORBOARD", "TIMM", "UMAP", "installing", "is_installed", "need"]

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
_EXTRAS = {TIMM: "timm", TENSORBOARD: "tensorboard"}
"""Extras of this project that have a package alone; the others come with `deepnet`."""


def is_installed(package: str) -> bool:
    """Whether one of these packages can be imported."""
    return find_spec(_MODULES[package]) is not None


def installing(package: str) -> str:
    """The command that installs one of these packages."""
    return installed_by(_EXTRAS.get(package, "deepnet"))


def need(package: str, purpose: str) -> None:
    """Require one of these packages.

    Args:
        package: Its name.
        purpose: What needs it, as the beginning of a sentence.

    Raises:
        MissingExtraError: if it is not installed.
    """
    if not is_installed(package):
        raise MissingExtraError(purpose, package, _EXTRAS.get(package, "deepnet"))
