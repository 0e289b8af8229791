"""What the files of a store are: sealed when it is made, checked when it is opened.

Without a seal, a chunk that is missing would be read as empty, and a coordinate or a description of an array that was
damaged would give wrong labels to right numbers. The chunks of a sweep, which come later, have marks of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulate.house.files import parse_json
from simulate.house.records.attributes import (
    ATTRIBUTES,
    CONSOLIDATED,
    MARK,
    consolidate,
    read_attributes,
    write_attributes,
)  # fmt: skip

__all__ = ["SEAL", "check_seal", "read_seal", "write_seal"]

SEAL = "seal"
"""Attribute with the SHA-256 of each file that was there when it was sealed, as JSON: other tools want plain ones."""


def read_seal(attributes: Mapping[str, Any]) -> dict[str, str] | None:
    """The seal among the attributes of a store; None if there is none. Once it was no text, but a dict."""
    seal: Any = attributes.get(SEAL)
    try:
        return dict(parse_json(seal) if isinstance(seal, str) else seal)
    except (ValueError, TypeError):
        return None


def write_seal(path: Path, chunked: Collection[str] = ()) -> None:
    """Note the checksums of a new store among its attributes.

    Args:
        path: Folder of the store.
        chunked: Names of the arrays whose chunks are still to come.
    """
    seal = {name: _digest(path, name) for name in sorted(_files(path, chunked))}
    write_attributes(path, {**(read_attributes(path) or {}), SEAL: json.dumps(seal)})


def check_seal(path: Path, *, name: str = "out") -> None:
    """Require that a store is as it was sealed; the metadata in one file are made anew if they are not.

    Args:
        path: Folder of the store.
        name: Name of the argument that chose it, for the error.

    Raises:
        ValueError: naming the files that are not.
    """
    seal = read_seal(read_attributes(path, name=name) or {}) or {}
    broken = [file for file, digest in seal.items() if _digest(path, file) != digest]
    if broken:
        raise ValueError(
            f"Argument `{name}` must hold a whole store, but {', '.join(broken[:10])} in {path} "
            f"{'is' if len(broken) == 1 else 'are'} damaged or missing. Put a copy in place, or name a new folder."
        )
    with suppress(OSError):  # in a folder that cannot be written to, other tools read all files
        consolidate(path)


def _files(path: Path, chunked: Collection[str]) -> Iterator[str]:
    """All files but the chunks, as paths from the folder."""
    yield from (file.name for file in path.iterdir() if file.is_file() and file.name != CONSOLIDATED)
    for folder in (folder for folder in path.iterdir() if folder.is_dir()):
        files = (file.name for file in folder.iterdir())
        yield from (f"{folder.name}/{name}" for name in files if name.startswith(".") or folder.name not in chunked)


def _digest(path: Path, name: str) -> str:
    """Checksum of a file, "" if it cannot be read; of the attributes, without what is written after the seal."""
    try:
        if name == ATTRIBUTES:
            fixed = {key: value for key, value in (read_attributes(path) or {}).items() if key not in (SEAL, MARK)}
            return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
        return hashlib.sha256((path / name).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return ""
