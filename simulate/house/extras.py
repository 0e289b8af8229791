"""What is not installed, and how to install it: the one place that knows."""

from __future__ import annotations

from pathlib import Path

__all__ = ["MissingExtraError", "installed_by"]

_ROOT = Path(__file__).parents[2]
"""Where the packages lie: the source checkout, or the folder that wheels are installed into."""

_ONE_OF = {"gpu": ("gpu12", "gpu13")}
"""Extras that stand for others, of which a machine has one: that of its CUDA."""


class MissingExtraError(ModuleNotFoundError):
    """A package that one of our extras brings is not installed; the message says how to install it.

    Args:
        purpose: What needs the package, as the beginning of a sentence.
        package: Its name.
        extra: The extra that brings it.
    """

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed: {installed_by(extra)}", name=package
        )


def installed_by(extra: str, root: Path = _ROOT) -> str:
    """The command that installs an extra of this package: from its checkout, if it runs from there.

    Args:
        extra: Name of the extra; of `gpu` the two are told that there are.
        root: The folder in which the packages lie.

    Example:
        >>> installed_by("deepnet", Path("/usr/lib/python3/site-packages"))
        'pip install "sharpmu[deepnet]"'
    """
    project = '-e ".' if (root / "pyproject.toml").exists() else '"sharpmu'
    return "pip install " + " or ".join(f'{project}[{one}]"' for one in _ONE_OF.get(extra, (extra,)))
