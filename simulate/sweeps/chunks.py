"""Where the chunks of a sweep go: arrays in memory, or a zarr store in which a chunk is either whole or not there.

A chunk fills exactly one zarr chunk of every variable, so chunks never share a file. When all its files are written,
their checksum is moved into place in one step: that mark, and nothing else, says that a chunk is finished. The marks
are themselves the zarr array "checksum". A chunk that a grown sweep has begun with old trainings has a note instead.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray

from simulate.house.files import take_place
from simulate.house.records.attributes import read_attributes, write_attributes
from simulate.house.records.seals import check_seal, write_seal
from simulate.house.storage import MARK, foreign_files_ignored, is_there, write_plain
from simulate.house.version import __version__
from simulate.sweeps.grid import Block, Grid
from simulate.sweeps.growth import carry
from simulate.sweeps.places import aside, beside
from simulate.sweeps.rehearsal import Template

if TYPE_CHECKING:
    import zarr

__all__ = ["Memory", "Store"]

_CHECKSUM = "checksum"


class Memory:
    """Arrays over the whole grid.

    Args:
        grid: The grid.
        template: What each training leaves.
        shape: Shape of the blocks.
        attributes: Attributes of the dataset.
    """

    def __init__(self, grid: Grid, template: Template, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> None:
        self._grid, self._shape = grid, shape
        self._template, self._attributes = template, dict(attributes)
        self._coordinates = _coordinates(grid, template)
        self._arrays = {
            name: ((*grid.dimensions, *dims), np.full((*grid.shape, *shape), _missing(dtype), dtype))
            for name, (dims, shape, dtype) in template.variables.items()
        }

    def missing(self) -> list[Block]:
        """The blocks that are not there."""
        return list(self._grid.blocks(self._shape))

    def write(self, block: Block, chunk: xarray.Dataset) -> None:
        """Put a chunk (along "cell") in its place."""
        for name, values in _shaped(self._template, block, chunk).items():
            self._arrays[name][1][block.region] = values

    def finish(self) -> xarray.Dataset:
        """The dataset, once all chunks are there."""
        return xarray.Dataset(self._arrays, coords=self._coordinates, attrs=self._attributes)


class Store:
    """A zarr store that a killed sweep goes on with.

    Args:
        path: Folder of the store; it is made if it is not there.
        grid: The grid.
        template: What each training leaves.
        shape: Shape of the blocks.
        attributes: Attributes of the dataset.
        instead: Whether it is made anew, in the place of another one.
        compressors: How the chunks of each variable are compressed; those of a new store are not, since other tools
            could not write it again.

    Raises:
        ValueError: if what is there is damaged, or the folder cannot be written to.
        OSError: if the store cannot be made.
    """

    def __init__(
        self, path: Path, grid: Grid, template: Template, shape: tuple[int, ...], attributes: Mapping[str, Any], *,
        instead: bool = False, compressors: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self._compressors = compressors or {}
        self._grid, self._template, self._shape = grid, template, shape
        self._count = int(np.prod([-(-size // step) for size, step in zip(grid.shape, shape, strict=True)]))
        self._open(path) if is_there(path) and not instead else self._create(path, attributes)

    def missing(self) -> list[Block]:
        """The blocks that are not there, or in part; those that are there are compared with their checksums.

        Raises:
            ValueError: if a chunk is damaged, or some are missing and cannot be written.
        """
        finished, begun = self._marks("[0-9]*"), self._marks(".kept.*")
        complete = len(finished) == self._count and MARK in (read_attributes(self.path) or {})
        if not complete and not all(os.access(folder, os.W_OK) for folder in (self.path, self.path / _CHECKSUM)):
            raise ValueError(f"Argument `out` must be a folder that can be written to, but {self.path} is not one.")
        blocks, damaged = list[Block](), list[Path]()
        for block in self._grid.blocks(self._shape):
            mark = self._mark(block.number)
            if block.number in finished:
                damaged += [] if mark.read_bytes() == self._checksum(block) else [mark]
                continue
            kept = self._read_note(block) if block.number in begun else ()
            if kept is None:
                damaged.append(self._note(block.number))
            else:
                blocks.append(replace(block, kept=kept))
        if damaged:
            files = ", ".join(map(str, damaged[:10]))
            more = f" and {len(damaged) - 10} more" if len(damaged) > 10 else ""
            raise ValueError(
                f"Argument `out` must hold whole chunks, but {len(damaged)} of {len(finished | begun)} in {self.path} "
                f"are damaged. Delete {files}{more} to have them computed again; the others are kept."
            )
        return blocks

    def grown(self, grid: Grid, attributes: Mapping[str, Any]) -> Store:
        """The store of a larger grid in the place of this one, with all that is finished here.

        Args:
            grid: The grid, which begins with the points of this one.
            attributes: Attributes of the dataset.

        Raises:
            ValueError: if a chunk is damaged.
            OSError: if it cannot be made; this one then stays.
        """
        unfinished = {block.number: block for block in self.missing()}
        mine = {block.place: block for block in self._grid.blocks(self._shape)}
        compressed = {name: array.compressors for name, array in self._arrays.items()}  # in stores of old
        made = Store(
            aside(self.path), grid, self._template, self._shape, attributes, instead=True, compressors=compressed
        )
        try:
            for block in grid.blocks(self._shape):
                old = mine.get(block.place)
                if old is not None and (unfinished.get(old.number, old).kept or old.number not in unfinished):
                    self._give(unfinished.get(old.number, replace(old, kept=old.shape)), made, block)
            take_place(made.path, self.path, beside(self.path))
        except BaseException:
            shutil.rmtree(made.path, ignore_errors=True)
            raise
        shutil.rmtree(beside(self.path), ignore_errors=True)
        made._open(self.path)
        return made

    def _give(self, old: Block, made: Store, block: Block) -> None:
        """Take what is finished of a block over to the store of a larger grid."""
        whole = old.kept == block.shape
        carry(self._files(old), self.path, made.path, whole=whole)
        if whole:
            _replace(made._mark(block.number), self._mark(old.number).read_bytes())
        else:
            digest = self._digest_of(old.kept_region)
            _replace(made._note(block.number), json.dumps({"kept": old.kept, "digest": digest}).encode())

    def write(self, block: Block, chunk: xarray.Dataset) -> None:
        """Write a chunk (along "cell"), then its mark.

        Raises:
            OSError: if that fails; what is finished stays so.
        """
        try:
            for name, values in _shaped(self._template, block, chunk).items():
                if block.kept:
                    values[tuple(map(slice, block.kept))] = self._arrays[name][block.kept_region]
                self._arrays[name][block.region] = values
            _replace(self._mark(block.number), self._checksum(block))
            if block.kept:
                self._note(block.number).unlink(missing_ok=True)
        except OSError as error:
            raise OSError(
                error.errno,
                f"Chunk {block.number + 1} of {self._count} could not be written to {self.path} ({error.strerror}). "
                "The finished chunks are kept, and the same sweep goes on with the others",
            ) from error

    def finish(self) -> xarray.Dataset:
        """Mark the store as finished and open it; values are read when they are looked at.

        Raises:
            OSError: if the mark cannot be written; the chunks stay so.
        """
        there = read_attributes(self.path) or {}
        if MARK not in there:
            try:
                write_attributes(self.path, {**there, MARK: __version__})
            except OSError as error:
                message = (
                    f"The store {self.path} has all chunks, but could not be marked as finished ({error.strerror})"
                )
                raise OSError(error.errno, message) from error
        with foreign_files_ignored():
            opened = xarray.open_zarr(self.path, chunks=None, consolidated=False, drop_variables=[_CHECKSUM])
        for coordinate in opened.coords.values():
            coordinate.load()  # the only files that change when the sweep grows while somebody looks at this
        return opened.drop_encoding()

    def _open(self, path: Path) -> None:
        check_seal(path)
        self.path = path
        with _zarr().config.set({"array.write_empty_chunks": True}):  # a chunk of NaN is a chunk, too
            group = _zarr().open_group(path, mode="r+", use_consolidated=False)
            self._arrays: dict[str, Any] = {name: group[name] for name in self._template.variables}

    def _create(self, path: Path, attributes: Mapping[str, Any]) -> None:
        """Make the store in a hidden folder beside its place, and move it there when it is complete."""
        fresh, old = aside(path, "made"), beside(path)
        there = path.exists()
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.parent.mkdir(parents=True, exist_ok=True)
            dataset = xarray.Dataset(coords=_coordinates(self._grid, self._template), attrs=dict(attributes))
            write_plain(dataset, fresh)
            group = _zarr().open_group(fresh, mode="r+", use_consolidated=False)
            for name, (dims, shape, dtype) in self._template.variables.items():
                _add_array(
                    group, name, (*self._grid.dimensions, *dims), (*self._grid.shape, *shape),
                    (*self._shape, *shape), dtype, None if dtype.kind != "f" else np.nan,
                    self._compressors.get(name) or None,
                )  # fmt: skip
            _add_array(group, _CHECKSUM, ("chunk",), (self._count,), (1,), np.dtype("S64"), None, None)
            write_seal(fresh, {*self._template.variables, _CHECKSUM})
            take_place(fresh, path, old) if there else fresh.rename(path)
        except OSError as error:
            raced = isinstance(error, FileNotFoundError) or (not there and path.exists())  # the folder above was made
            reason = "another sweep makes it at the same time" if raced else error.strerror
            if not isinstance(error, FileNotFoundError):  # the folder is ours
                shutil.rmtree(fresh, ignore_errors=True)
            raise OSError(error.errno or errno.EEXIST, f"The store {path} could not be made ({reason})") from error
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        shutil.rmtree(old, ignore_errors=True)
        self._open(path)

    def _marks(self, pattern: str) -> set[int]:
        """Numbers of the marks of a kind; what others leave beside them, such as "0~", is none."""
        numbers = (file.name.rpartition(".")[2] for file in (self.path / _CHECKSUM).glob(pattern))
        return {int(number) for number in numbers if number.isdecimal()}

    def _mark(self, number: int) -> Path:
        return self.path / _CHECKSUM / str(number)

    def _note(self, number: int) -> Path:
        return self.path / _CHECKSUM / f".kept.{number}"

    def _read_note(self, block: Block) -> tuple[int, ...] | None:
        """Points along each axis whose trainings a block has already; None if they are damaged."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            note = json.loads(self._note(block.number).read_bytes())
            kept = replace(block, kept=tuple(map(int, note["kept"])))
            if len(kept.kept) == len(kept.shape) and note["digest"] == self._digest_of(kept.kept_region):
                return kept.kept
        return None

    def _digest_of(self, region: tuple[slice, ...]) -> str:
        """Digest of the numbers of a part of the grid."""
        digest = hashlib.sha256()
        for name, array in self._arrays.items():
            digest.update(name.encode() + np.ascontiguousarray(array[region]).tobytes())
        return digest.hexdigest()

    def _files(self, block: Block) -> list[str]:
        """The files of a chunk, as paths from the folder."""
        return [
            f"{name}/{'.'.join(map(str, (*block.place, *(0 for _ in dims))))}"
            for name, (dims, _, _) in self._template.variables.items()
        ]

    def _checksum(self, block: Block) -> bytes:
        """Digest of the files of a chunk as they are on disk, as 64 characters."""
        digest = hashlib.sha256()
        for name, path in zip(self._template.variables, self._files(block), strict=True):
            file = self.path / path
            content = file.read_bytes() if file.exists() else b""
            digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.hexdigest().encode()


def _coordinates(grid: Grid, template: Template) -> dict[str, Any]:
    phases = [phase.name for phase in grid.phases]
    return {**template.coordinates, "phase": ("phase", phases), **grid.coordinates()}


def _shaped(template: Template, block: Block, chunk: xarray.Dataset) -> dict[str, np.ndarray]:
    """The variables of a chunk, each with the axes of its block; what it did not observe is missing."""
    made = {}
    for name, (_, shape, dtype) in template.variables.items():
        values = np.full((*block.shape, *shape), _missing(dtype), dtype)
        if name in chunk and block.kept:
            computed = np.ones(block.shape, dtype=bool)
            computed[tuple(map(slice, block.kept))] = False
            values[computed] = chunk[name].values
        elif name in chunk:
            values = chunk[name].values.astype(dtype, copy=False).reshape(values.shape)
        made[name] = values
    return made


def _missing(dtype: np.dtype) -> Any:
    return np.nan if dtype.kind == "f" else np.zeros((), dtype)[()]


def _zarr() -> ModuleType:
    """The package, imported when something is written: a quarter of what importing this room would take."""
    import zarr

    return zarr


def _add_array(
    group: zarr.Group,
    name: str,
    dimensions: tuple[str, ...],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: np.dtype,
    fill_value: Any,
    compressors: Any,
) -> None:
    names: dict[str, Any] = {"_ARRAY_DIMENSIONS": list(dimensions)}  # where xarray looks for them in this format
    group.create_array(
        name, shape=shape, chunks=chunks, dtype=dtype, fill_value=fill_value, attributes=names, compressors=compressors
    )


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place in one step."""
    fresh = path.with_name(f".{path.name}.partial")
    fresh.write_bytes(content)
    fresh.replace(path)
