"""What is in a pack: which files, where in which parts each lies, and the checksums of all of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from simulate.house.files import write_text
from simulate.house.version import __version__

__all__ = ["Chunk", "Entry", "Manifest", "Part", "digest"]

_FORMAT = 1
_NAME = "manifest.json"


def digest(content: bytes | bytearray) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Part:
    """A file of the pack."""

    name: str
    """Its file name."""
    size: int
    """In bytes."""
    sha256: str
    """Checksum of its content."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive bytes of a file, and where they lie."""

    part: str
    """File name of the part."""
    offset: int
    """Where in the part they begin, in bytes."""
    size: int
    """How many they are."""


@dataclass(frozen=True)
class Entry:
    """A packed file."""

    path: str
    """Its path from the study's folder, with slashes."""
    sha256: str
    """Checksum of what is packed."""
    source: str
    """Checksum of the file it was made of; the same, but for weights that were rounded."""
    chunks: tuple[Chunk, ...]
    """Its bytes in order; empty for an empty file."""


@dataclass(frozen=True)
class Manifest:
    """The contents of a pack, complete after each part that was written."""

    parts: dict[str, Part] = field(default_factory=dict)
    """By name."""
    entries: dict[str, Entry] = field(default_factory=dict)
    """By path, in the order in which they were packed."""
    weights: str = "float16"
    """How models are packed."""

    def save(self, folder: Path) -> None:
        """Write it into the pack's folder, whole or not at all."""
        found = {
            "format": _FORMAT,
            "sharpmu": __version__,
            "weights": self.weights,
            "parts": [asdict(part) for part in self.parts.values()],
            "files": [asdict(entry) for entry in self.entries.values()],
        }
        write_text(folder / _NAME, json.dumps(found | {"seal": _seal(found)}, indent=1) + "\n")

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Whether a folder holds a manifest."""
        return (folder / _NAME).exists()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a pack.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it is damaged, of another format, or names files outside of the folder.
        """
        path = folder / _NAME
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: the manifest must travel with the parts.")
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
            seal = found.pop("seal")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error}); fetch it again.") from error
        if seal != _seal(found):
            raise ValueError(f"{path} is damaged (its seal does not fit); fetch it again.")
        if found["format"] != _FORMAT:
            raise ValueError(f"{path} has the format {found['format']}, but this version reads {_FORMAT}.")
        parts = {one["name"]: Part(**one) for one in found["parts"]}
        entries = {one["path"]: _entry(one) for one in found["files"]}
        for name in (*parts, *entries):
            _check_inside(path, name)
        return cls(parts, entries, found["weights"])


def _entry(found: dict[str, Any]) -> Entry:
    return Entry(**{**found, "chunks": tuple(Chunk(**chunk) for chunk in found["chunks"])})


def _seal(found: dict[str, Any]) -> str:
    return digest(json.dumps(found, sort_keys=True).encode())


def _check_inside(manifest: Path, name: str) -> None:
    """Refuse what would be read or written elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise ValueError(f"{manifest} names {name!r}, which does not lie in its folder.")
