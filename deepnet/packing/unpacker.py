"""From parts to a study's folder: nothing is written that is not whole, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deepnet.packing.manifest import Entry, Manifest, Part, digest
from simulate.house.files import in_one_move

__all__ = ["Unpacked", "unpack"]


@dataclass(frozen=True)
class Unpacked:
    """What became of the files of a pack, by their paths."""

    written: tuple[str, ...]
    """New in the folder."""
    same: tuple[str, ...]
    """There already, with the same bytes."""
    kept: tuple[str, ...]
    """There already with other bytes, and left alone."""
    awaited: tuple[str, ...]
    """Not written, since a part of them is not here."""


def unpack(pack: Path, folder: Path, *, keep: bool = False, available: bool = False) -> Unpacked:
    """Restore the files of a pack. What is killed goes on when it is called again.

    Args:
        pack: Folder of the manifest and the parts.
        folder: The study's folder; made if it is missing. It may hold results already.
        keep: Leave files alone that are there with other bytes; without it they are an error.
        available: Restore the files whose parts are here, and leave the others for later; without it a missing part
            is an error.

    Returns:
        What was done.

    Raises:
        FileNotFoundError: if the manifest or a part is missing; the message names it, and nothing was written.
        ValueError: if the manifest or a part is damaged, or a file is there with other bytes; the message names it,
            and nothing was written.
        OSError: if a file cannot be written.
    """
    manifest = Manifest.read(pack)
    missing = _missing_parts(pack, manifest.parts.values())
    if missing and not available:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FileNotFoundError(
            f"The part {pack / missing[0]} is missing{more}; with `available` what does not need it is restored."
        )
    lacking = set(missing)
    here: list[Entry] = []
    awaited: list[Entry] = []
    for entry in manifest.entries.values():
        (here if lacking.isdisjoint(chunk.part for chunk in entry.chunks) else awaited).append(entry)
    states = {entry.path: _state(folder / entry.path, entry) for entry in here}
    other = [name for name, state in states.items() if state == "other"]
    if other and not keep:
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        raise ValueError(
            f"{folder / other[0]} is there with other contents than in the pack{more}; take another folder, or `keep` "
            "what is there."
        )
    for entry in here:
        if states[entry.path] == "absent":
            _restore(pack, folder / entry.path, entry)
    chosen = {word: tuple(name for name, state in states.items() if state == word) for word in ("absent", "same")}
    return Unpacked(chosen["absent"], chosen["same"], tuple(other), tuple(entry.path for entry in awaited))


def _missing_parts(pack: Path, parts: Iterable[Part]) -> list[str]:
    """The parts that are not here; those that are, are whole.

    Raises:
        ValueError: if one of them is not.
    """
    missing = []
    for part in parts:
        path = pack / part.name
        if not path.exists():
            missing.append(part.name)
        elif path.stat().st_size != part.size or digest(path.read_bytes()) != part.sha256:
            raise ValueError(f"The part {path} is damaged (its checksum does not fit); fetch it again.")
    return missing


def _state(path: Path, entry: Entry) -> str:
    """Whether a file is absent, the same, or other."""
    if not path.exists():
        return "absent"
    return "same" if path.is_file() and digest(path.read_bytes()) == entry.sha256 else "other"


def _restore(pack: Path, path: Path, entry: Entry) -> None:
    """Put a file together; it appears whole or not at all."""
    content = bytearray()
    for chunk in entry.chunks:
        with (pack / chunk.part).open("rb") as file:
            file.seek(chunk.offset)
            content += file.read(chunk.size)
    if digest(content) != entry.sha256:
        raise ValueError(f"{entry.path} does not come out of {pack} as it was packed; fetch the pack again.")
    with in_one_move(path) as partial:
        partial.write_bytes(content)
