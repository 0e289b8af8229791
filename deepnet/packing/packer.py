"""From a study's folder to parts: what tells most comes first, and what is packed already is not packed again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from deepnet.packing.manifest import WEIGHTS, Chunk, Entry, Manifest, Part, digest
from deepnet.packing.rounding import rounded_model
from simulate.house import checks
from simulate.house.files import in_one_move, require_folder

__all__ = ["MIN_PART", "Weights", "pack"]

Weights = Literal["float16", "exact", "none"]
"""What is done with weights: rounded, left as they are, or left out."""
MIN_PART = 1024
"""Smallest size of a part, in bytes."""
_LAST = ("models", "journals")
"""Folders of weights, which are most of the bytes and can be made again."""


def pack(
    folder: Path, out: Path, *, part_size: int = 16 * 2**20, weights: Weights = "float16", overwrite: bool = False
) -> Manifest:
    """Pack a folder of results into parts.

    Packing into the same folder again adds parts for what is new or has changed and leaves the others alone, so that
    only new parts have to travel. What is killed goes on after the last part that was written. Rows come first,
    then tables and pictures, arrays, models, and the states of unfinished trainings.

    Args:
        folder: A study, matched or not.
        out: Folder for the parts and their manifest.
        part_size: Largest size of a part, in bytes.
        weights: "float16" rounds finished models (see `rounded_model`), "exact" packs them as they are, and "none"
            leaves out models and unfinished trainings. All other files are packed as they are.
        overwrite: Whether results may leave the pack that the folder does not have (any more). Models and unfinished
            trainings may always: a study drops them once they are measured.

    Returns:
        The manifest.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if an argument is out of range, there is nothing to pack, a model or an earlier manifest is
            damaged, or the pack is one of other results.
        OSError: if a part cannot be written.
    """
    checks.integer("part_size", part_size, least=MIN_PART)
    checks.choice("weights", weights, WEIGHTS)
    require_folder(folder, "The folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"Argument `out` must lie outside of {folder}, but is {out}.")
    out.mkdir(parents=True, exist_ok=True)
    before = Manifest.read(out) if Manifest.exists(out) else Manifest(weights=weights)
    if before.weights != weights:
        raise ValueError(f"{out} was packed with weights {before.weights!r}, not {weights!r}; take another folder.")
    files = _files(folder, weights)
    if not overwrite:
        _check_same_results(before, {path.relative_to(folder).as_posix() for path in files}, folder, out)
    writer = _Writer(out, part_size, before)
    for path in files:
        writer.add(path.relative_to(folder).as_posix(), path)
    manifest = writer.finish()
    if not manifest.entries:
        raise ValueError(f"The folder {folder} holds nothing to pack.")
    return manifest


def _check_same_results(before: Manifest, names: set[str], folder: Path, out: Path) -> None:
    """Require that nothing which cost computation would leave a pack.

    Raises:
        ValueError: naming one of the results that the folder does not have.
    """
    gone = [name for name in before.entries if name not in names and Path(name).parent.name not in _LAST]
    if gone:
        raise ValueError(
            f"Argument `out` must name the pack of these results, or a new folder, or come with `overwrite`, but {out} "
            f"has {len(gone)} files that are not in {folder}, such as {gone[0]}."
        )


def _files(folder: Path, weights: Weights) -> list[Path]:
    """All files of a folder in the order in which they are packed."""
    found = []
    for parent, _, names in os.walk(folder):
        kind = Path(parent).name
        if weights == "none" and kind in _LAST:
            continue
        rank = {"rows": 0, "arrays": 2, "models": 3, "journals": 4}.get(kind, 1)
        found += [(rank, Path(parent, name)) for name in names if not name.startswith(".") and ".partial" not in name]
    for _, path in found:
        if not path.is_file():
            raise ValueError(f"The folder {folder} must hold files alone, but {path} is none.")
    return [path for _, path in sorted(found)]


class _Writer:
    """Cuts what it is given into parts, and keeps the manifest up to date with those that are on disk."""

    def __init__(self, out: Path, size: int, before: Manifest) -> None:
        self.out, self.size, self.before = out, size, before
        self.parts, self.done = dict(before.parts), dict(before.entries)
        self.seen: set[str] = set()
        self.waiting: list[Entry] = []
        self.buffer = bytearray()
        self.number = max((int(name[5:10]) for name in before.parts), default=0) + 1

    def add(self, name: str, path: Path) -> None:
        """Pack a file, unless it is packed already or has gone since it was listed."""
        try:
            source = path.read_bytes()
            known = self.done.get(name)
            if known is None or known.source != digest(source):
                is_model = path.parent.name == "models" and self.before.weights == "float16"
                content = rounded_model(path) if is_model else source
                self._pack(name, content, digest(source))
            self.seen.add(name)
        except FileNotFoundError:
            return

    def finish(self) -> Manifest:
        """Write what is left, and forget what the folder does not hold any more."""
        self._flush()
        self.done = {name: entry for name, entry in self.done.items() if name in self.seen}
        used = {chunk.part for entry in self.done.values() for chunk in entry.chunks}
        unused = [name for name in self.parts if name not in used]
        self.parts = {name: part for name, part in self.parts.items() if name in used}
        manifest = self._save()
        for name in unused:
            (self.out / name).unlink(missing_ok=True)
        return manifest

    def _pack(self, name: str, content: bytes, source: str) -> None:
        chunks, start = [], 0
        while start < len(content):
            if len(self.buffer) == self.size:
                self._flush()
            piece = content[start : start + self.size - len(self.buffer)]
            chunks.append(Chunk(self._name, len(self.buffer), len(piece)))
            self.buffer += piece
            start += len(piece)
        self.waiting.append(Entry(name, digest(content), source, tuple(chunks)))

    @property
    def _name(self) -> str:
        return f"part-{self.number:05d}.bin"

    def _flush(self) -> None:
        """Write the part in hand; the files that are whole by then are in the manifest."""
        if self.buffer:
            path = self.out / self._name
            with in_one_move(path) as partial:
                partial.write_bytes(self.buffer)
            self.parts[path.name] = Part(path.name, len(self.buffer), digest(self.buffer))
            self.buffer, self.number = bytearray(), self.number + 1
        self.done |= {entry.path: entry for entry in self.waiting}
        self.waiting = []
        self._save()

    def _save(self) -> Manifest:
        manifest = Manifest(self.parts, self.done, self.before.weights)
        manifest.save(self.out)
        return manifest
