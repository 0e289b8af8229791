"""From parts to a study's folder: all files or none, and nothing is overwritten."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepnet.packing.manifest import Entry, Manifest, Part, digest_of

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
    """Restore the files of a pack, all of them or none. Killed, it leaves a folder ".unpacking-…" that can go.

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
        OSError: if a file cannot be written; those before it are gone again.
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
    _restore_all(pack, folder, [entry for entry in here if states[entry.path] == "absent"])
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
        elif path.stat().st_size != part.size or digest_of(path) != part.sha256:
            raise ValueError(f"The part {path} is damaged (its checksum does not fit); fetch it again.")
    return missing


def _state(path: Path, entry: Entry) -> str:
    """Whether a file is absent, the same, or other."""
    if not path.exists():
        return "absent"
    return "same" if path.is_file() and digest_of(path) == entry.sha256 else "other"


def _restore_all(pack: Path, folder: Path, entries: Sequence[Entry]) -> None:
    """Put files together aside, and move them to their places when all of them are whole."""
    if not entries:
        return
    _check_room(folder, entries)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as aside:
            for entry in entries:
                _restore(pack, Path(aside, entry.path), entry)
            _place(Path(aside), folder, entries)
    except BaseException:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _place(aside: Path, folder: Path, entries: Sequence[Entry]) -> None:
    """Move files to their places, all of them or none."""
    placed: list[Path] = []
    try:
        for entry in entries:
            place = folder / entry.path
            place.parent.mkdir(parents=True, exist_ok=True)
            (aside / entry.path).rename(place)
            placed.append(place)
    except BaseException:
        for place in placed:
            place.unlink()
        raise


def _check_room(folder: Path, entries: Sequence[Entry]) -> None:
    """Require as much free space as the files take, before any is written."""
    needed = sum(chunk.size for entry in entries for chunk in entry.chunks)
    above = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(above).free
    if needed > free:
        raise ValueError(f"The files need {needed:,} bytes, but {folder} has room for {free:,}.")


def _restore(pack: Path, path: Path, entry: Entry) -> None:
    """Put a file together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for chunk in entry.chunks:
            with (pack / chunk.part).open("rb") as part:
                part.seek(chunk.offset)
                file.write(part.read(chunk.size))
    if digest_of(path) != entry.sha256:
        raise ValueError(f"{entry.path} does not come out of {pack} as it was packed; fetch the pack again.")
