"""Figures on disk: whole or not at all, and the same bytes for the same figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from simulate.house import checks
from simulate.house.files import check_files, in_one_move

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "Format", "check_figure", "save_figure"]

Format = Literal["pdf", "png", "svg"]
"""Name of one of them, and suffix of its files."""
FORMATS: tuple[Format, ...] = get_args(Format)
"""Formats a figure can be written in."""

_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": "sharpmu", "Producer": "sharpmu"},
    "png": {"Software": "sharpmu"},
    "svg": {"Date": None, "Creator": "sharpmu"},
}
"""What a file says of its making: nothing that changes from day to day."""


def check_figure(path: Path, *, name: str) -> None:
    """Require that a figure can be written, before anything runs that would then be lost.

    Args:
        path: The file.
        name: The argument that chose it, for the error.

    Raises:
        ValueError: if its suffix is no format, it cannot be written there, or a picture is there that is not ours.
    """
    if path.suffix.lstrip(".") not in FORMATS:
        checks.fail(name, f"end in {', '.join(f'.{kind}' for kind in FORMATS)}", str(path))
    check_files(path, name=name)
    if path.is_file() and not _is_ours(path):
        raise ValueError(f"Argument `{name}` must not name something already there, but {path} exists and is not ours.")


def _is_ours(path: Path) -> bool:
    """Whether a picture says that we made it."""
    try:
        return b"sharpmu" in path.read_bytes()
    except OSError:
        return False


def save_figure(figure: Figure, path: Path, *, dpi: float | None = None) -> Path:
    """Write a figure; the suffix of the path chooses the format.

    Args:
        figure: The figure.
        path: The file, which is replaced in one move.
        dpi: Dots per inch of a PNG; None takes the style's `savefig.dpi`, which is the figure's unless it is set.

    Returns:
        The path.
    """
    kind = path.suffix.lstrip(".")
    with in_one_move(path) as partial:
        figure.savefig(partial, format=kind, metadata=_METADATA[kind], dpi=dpi)
    return path
