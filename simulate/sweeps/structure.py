"""What a store holds besides its chunks, metadata and coordinates: sealed when it is made, checked when it is opened.

Chunks have marks of their own; without this seal, a coordinate or a description of an array that was damaged would go
unnoticed, and give wrong labels to right numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulate.house.files import parse_json
from simulate.house.records.attributes import ATTRIBUTES, CONSOLIDATED, consolidate, read_attributes, write_attributes
from simulate.house.storage import MARK

__all__ = ["SEAL", "check_seal", "read_seal", "write_seal"]

SEAL = "seal"
"""Attribute with the SHA-256 of each file that is no chunk, as JSON: other tools want plain attributes."""


def read_seal(attributes: Mapping[str, Any]) -> dict[str, str] | None:
    """The seal among the attributes of a store; None if there is none. Once it was no text, but a dict."""
    seal: Any = attributes.get(SEAL)
    try:
        return dict(parse_json(seal) if isinstance(seal, str) else seal)
    except (ValueError, TypeError):
        return None


def write_seal(path: Path, chunked: Collection[str]) -> None:
    """Note the checksums of a new store among its attributes.

    Args:
        path: Folder of the store.
        chunked: Names of the arrays whose chunks are still to come.
    """
    seal = {name: _digest(path, name) for name in sorted(_files(path, chunked))}
    write_attributes(path, {**(read_attributes(path) or {}), SEAL: json.dumps(seal)})


def check_seal(path: Path) -> None:
    """Require that a store is as it was made, up to its chunks; the metadata in one file are made anew if they are not.

    Raises:
        ValueError: naming the files that are not.
    """
    seal = read_seal(read_attributes(path) or {}) or {}
    broken = [name for name, digest in seal.items() if _digest(path, name) != digest]
    if broken:
        raise ValueError(
            f"Argument `out` must hold a whole store, but {', '.join(broken[:10])} in {path} "
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
