"""The attributes of a zarr store, read and written without zarr: who made it, and what other tools read first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulate.house.files import in_one_move, parse_json

__all__ = ["ATTRIBUTES", "CONSOLIDATED", "MARK", "consolidate", "read_attributes", "write_attributes"]

ATTRIBUTES = ".zattrs"
"""File of the attributes of a group or an array."""

MARK = "sharpmu_version"
"""Attribute by which a store is known as ours and finished; it is written last."""

CONSOLIDATED = ".zmetadata"
"""File in which all metadata stand together; it follows from the others."""


def read_attributes(path: Path, *, name: str = "out") -> dict[str, Any] | None:
    """The attributes of a store; None if the folder has none.

    Args:
        path: Folder of the store.
        name: Name of the argument that chose it, for the error.

    Raises:
        ValueError: if they are damaged.
    """
    file = path / ATTRIBUTES
    try:
        return dict(parse_json(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        reason = f": {error.strerror}" if isinstance(error, OSError) else ""
        raise ValueError(
            f"Argument `{name}` must hold a whole store, but {ATTRIBUTES} in {path} is damaged{reason}. "
            "Put a copy in place, or name a new folder."
        ) from None


def write_attributes(path: Path, attributes: Mapping[str, Any]) -> None:
    """Write the attributes of a store, then all metadata together."""
    with in_one_move(path / ATTRIBUTES) as partial:
        partial.write_text(json.dumps(attributes, indent=4), encoding="utf-8")
    consolidate(path)


def consolidate(path: Path) -> None:
    """Write the metadata of a store together, as zarr does: other tools read them first, and would warn.

    Nothing is written if that is what is there.
    """
    names = [file.name for file in path.iterdir() if file.name in (".zgroup", ATTRIBUTES)]
    for folder in (folder for folder in path.iterdir() if folder.is_dir()):
        names += [f"{folder.name}/{name}" for name in (".zarray", ATTRIBUTES) if (folder / name).is_file()]
    metadata = {name: json.loads((path / name).read_text(encoding="utf-8")) for name in sorted(names)}
    text = json.dumps({"metadata": metadata, "zarr_consolidated_format": 1}, indent=4)
    file = path / CONSOLIDATED
    if not file.is_file() or file.read_bytes() != text.encode():
        with in_one_move(file) as partial:
            partial.write_text(text, encoding="utf-8")
