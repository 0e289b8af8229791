"""What is in a pack: which files, where in which parts each lies, and the checksums of all of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from simulate.house.files import parse_json, write_text
from simulate.house.version import __version__

__all__ = ["WEIGHTS", "Chunk", "Entry", "Manifest", "Part", "digest", "digest_of"]

_FORMAT = 1
_NAME = "manifest.json"
WEIGHTS = ("float16", "exact", "none")
"""How models can be packed: rounded, as they are, or not at all."""


def digest(content: bytes | bytearray) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file, however large, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
            found = dict(parse_json(path.read_text(encoding="utf-8")))
            seal = found.pop("seal")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error}); fetch it again.") from error
        if seal != _seal(found):
            raise ValueError(f"{path} is damaged (its seal does not fit); fetch it again.")
        if found["format"] != _FORMAT:
            raise ValueError(f"{path} has the format {found['format']}, but this version reads {_FORMAT}.")
        try:
            return _contents(found)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is no manifest of a pack ({error}); fetch it again.") from error


def _contents(found: dict[str, Any]) -> Manifest:
    """The contents that a text describes, which a seal alone does not make sound: anybody can seal.

    Raises:
        ValueError, KeyError, TypeError: if something is not what `Manifest` says it is.
    """
    parts = [Part(**one) for one in found["parts"]]
    entries = [Entry(**one | {"chunks": tuple(Chunk(**chunk) for chunk in one["chunks"])}) for one in found["files"]]
    for part in parts:
        _check(part, size=int, sha256=str)
        _check_inside(part.name)
    sizes = {part.name: part.size for part in parts}
    for entry in entries:
        _check(entry, sha256=str, source=str)
        _check_inside(entry.path)
        for chunk in entry.chunks:
            _check(chunk, part=str, offset=int, size=int)
            if chunk.offset + chunk.size > sizes.get(chunk.part, -1):
                raise ValueError(f"{entry.path} has bytes that lie in no part")
    paths = [entry.path for entry in entries]
    within = {str(above) for path in paths for above in PurePosixPath(path).parents}
    if len(sizes) < len(parts) or len({*paths}) < len(paths) or not within.isdisjoint(paths):
        raise ValueError("two files have one place")
    if found["weights"] not in WEIGHTS:
        raise ValueError(f"its weights are {found['weights']!r}")
    return Manifest({part.name: part for part in parts}, {entry.path: entry for entry in entries}, found["weights"])


def _check(described: Part | Chunk | Entry, **kinds: type) -> None:
    """Require fields to be texts, or whole numbers from 0."""
    for name, kind in kinds.items():
        value = getattr(described, name)
        if type(value) is not kind or (isinstance(value, int) and value < 0):
            raise ValueError(f"{name} is {value!r}"[:100])


def _check_inside(name: Any) -> None:
    """Refuse what would be read or written elsewhere."""
    if type(name) is not str or not name.isprintable():
        raise ValueError(f"{name!r} is no path"[:100])
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name or not path.parts:
        raise ValueError(f"{name!r} does not lie in its folder")


def _seal(found: dict[str, Any]) -> str:
    return digest(json.dumps(found, sort_keys=True).encode())
