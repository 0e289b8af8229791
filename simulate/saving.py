"""Figures and texts on disk: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, get_args

from matplotlib.figure import Figure

__all__ = ["FORMATS", "Format", "save_figure"]

Format = Literal["pdf", "png", "svg"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""Formats a figure can be written in."""

_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": "sharpmu", "Producer": "sharpmu"},
    "png": {"Software": "sharpmu"},
    "svg": {"Date": None, "Creator": "sharpmu"},
}
"""What a file says of its making: nothing that changes from day to day."""


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure; the suffix of the path chooses the format.

    Args:
        figure: The figure.
        path: The file, which is replaced in one move.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix.lstrip(".")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        figure.savefig(fresh, format=kind, metadata=_METADATA[kind])
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return path
