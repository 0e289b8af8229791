"""What a store holds besides its chunks, metadata and coordinates: sealed when it is made, checked when it is opened.

Chunks have marks of their own; without this seal, a coordinate or a description of an array that was damaged would go
unnoticed, and give wrong labels to right numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from simulate.house.storage import MARK

__all__ = ["SEAL", "check_seal", "read_attributes", "write_seal"]

SEAL = "seal"
"""Attribute with the SHA-256 of each file that is no chunk."""

_ATTRIBUTES = ".zattrs"


def read_attributes(path: Path) -> dict[str, Any]:
    """The attributes of a store.

    Raises:
        OSError: if they cannot be read.
        ValueError: if they are not JSON of a dict.
    """
    return dict(json.loads((path / _ATTRIBUTES).read_text(encoding="utf-8")))


def write_seal(path: Path, chunked: Collection[str]) -> None:
    """Note the checksums of a new store among its attributes.

    Args:
        path: Folder of the store.
        chunked: Names of the arrays whose chunks are still to come.
    """
    seal = {name: _digest(path, name) for name in sorted(_files(path, chunked))}
    (path / _ATTRIBUTES).write_text(json.dumps({**read_attributes(path), SEAL: seal}, indent=4), encoding="utf-8")


def check_seal(path: Path) -> None:
    """Require that a store is as it was made, up to its chunks.

    Raises:
        ValueError: naming the files that are not.
    """
    seal = read_attributes(path)[SEAL]
    broken = [name for name, digest in seal.items() if _digest(path, name) != digest]
    if broken:
        raise ValueError(
            f"Argument `out` must hold a whole store, but {', '.join(broken[:10])} in {path} "
            f"{'is' if len(broken) == 1 else 'are'} damaged or missing. Put a copy in place, or name a new folder."
        )


def _files(path: Path, chunked: Collection[str]) -> Iterator[str]:
    """All files but the chunks, as paths from the folder."""
    yield from (file.name for file in path.iterdir() if file.is_file())
    for folder in (folder for folder in path.iterdir() if folder.is_dir()):
        files = (file.name for file in folder.iterdir())
        yield from (f"{folder.name}/{name}" for name in files if name.startswith(".") or folder.name not in chunked)


def _digest(path: Path, name: str) -> str:
    """Checksum of a file, "" if it cannot be read; of the attributes, without what is written after the seal."""
    try:
        if name == _ATTRIBUTES:
            fixed = {key: value for key, value in read_attributes(path).items() if key not in (SEAL, MARK)}
            return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
        return hashlib.sha256((path / name).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return ""
