"""What is not installed, and how to install it: the one place that knows."""

from __future__ import annotations

from pathlib import Path

__all__ = ["installed_by"]

_ROOT = Path(__file__).parents[2]
"""Where the packages lie: the source checkout, or the folder that wheels are installed into."""


def installed_by(extra: str, root: Path = _ROOT) -> str:
    """The command that installs an extra of this package: from its checkout, if it runs from there.

    Args:
        extra: Name of the extra.
        root: The folder in which the packages lie.

    Example:
        >>> installed_by("deepnet", Path("/usr/lib/python3/site-packages"))
        'pip install "sharpmu[deepnet]"'
    """
    if (root / "pyproject.toml").exists():
        return f'pip install -e ".[{extra}]"'
    return f'pip install "sharpmu[{extra}]"'
