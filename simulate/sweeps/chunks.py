"""Where the chunks of a sweep go: arrays in memory, or a zarr store in which a chunk is either whole or not there.

A chunk fills exactly one zarr chunk of every variable, so chunks never share a file. When all its files are written,
their checksum is moved into place in one step: that mark, and nothing else, says that a chunk is finished. The marks
are themselves the zarr array "checksum".
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray

from simulate.house.storage import MARK, check_target, is_there
from simulate.house.version import __version__
from simulate.sweeps.grid import Block, Grid
from simulate.sweeps.rehearsal import Template
from simulate.sweeps.structure import SEAL, check_seal, read_attributes, write_seal

if TYPE_CHECKING:
    import zarr

__all__ = ["Memory", "Store", "read_configuration"]

_CHECKSUM = "checksum"
_CONFIGURATION = "configuration"


class Memory:
    """Arrays over the whole grid.

    Args:
        grid: The grid.
        template: What each training leaves.
        shape: Shape of the blocks.
        attributes: Attributes of the dataset.
    """

    def __init__(self, grid: Grid, template: Template, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> None:
        self.shape = shape
        self._template, self._attributes = template, dict(attributes)
        self._coordinates = _coordinates(grid, template)
        self._arrays = {
            name: ((*grid.dimensions, *dims), np.full((*grid.shape, *shape), _missing(dtype), dtype))
            for name, (dims, shape, dtype) in template.variables.items()
        }

    def finished(self) -> set[int]:
        """Numbers of the chunks that are there."""
        return set()

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

    Raises:
        ValueError: if what is there is damaged, or the folder cannot be written to.
        OSError: if the store cannot be made.
    """

    def __init__(
        self, path: Path, grid: Grid, template: Template, shape: tuple[int, ...], attributes: Mapping[str, Any]
    ) -> None:
        self.path, self.shape, self._grid, self._template = path, shape, grid, template
        if is_there(path):
            check_seal(path)
        else:
            self._create(attributes)
        with _zarr().config.set({"array.write_empty_chunks": True}):  # a chunk of NaN is a chunk, too
            group = _zarr().open_group(path, mode="r+", use_consolidated=False)
            self._arrays: dict[str, Any] = {name: group[name] for name in template.variables}
        self._count = int(np.prod([-(-size // step) for size, step in zip(grid.shape, shape, strict=True)]))

    def finished(self) -> set[int]:
        """Numbers of the chunks that are there, each compared with its checksum.

        Raises:
            ValueError: if a chunk is damaged, or some are missing and cannot be written.
        """
        marks = {int(mark.name) for mark in (self.path / _CHECKSUM).iterdir() if mark.name.isdigit()}
        complete = len(marks) == self._count and MARK in read_attributes(self.path)
        if not complete and not all(os.access(folder, os.W_OK) for folder in (self.path, self.path / _CHECKSUM)):
            raise ValueError(f"Argument `out` must be a folder that can be written to, but {self.path} is not one.")
        if not marks:
            return marks
        damaged = [
            block.number
            for block in self._grid.blocks(self.shape)
            if block.number in marks and self._mark(block.number).read_bytes() != self._checksum(block)
        ]
        if damaged:
            files = ", ".join(str(self._mark(number)) for number in damaged[:10])
            more = f" and {len(damaged) - 10} more" if len(damaged) > 10 else ""
            raise ValueError(
                f"Argument `out` must hold whole chunks, but {len(damaged)} of {len(marks)} in {self.path} are "
                f"damaged. Delete {files}{more} to have them computed again; the others are kept."
            )
        return marks

    def write(self, block: Block, chunk: xarray.Dataset) -> None:
        """Write a chunk (along "cell"), then its mark.

        Raises:
            OSError: if that fails; what is finished stays so.
        """
        try:
            for name, values in _shaped(self._template, block, chunk).items():
                self._arrays[name][block.region] = values
            _replace(self._mark(block.number), self._checksum(block))
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
        there = read_attributes(self.path)
        if MARK not in there:
            try:
                _replace(self.path / ".zattrs", json.dumps({**there, MARK: __version__}, indent=4).encode())
            except OSError as error:
                message = (
                    f"The store {self.path} has all chunks, but could not be marked as finished ({error.strerror})"
                )
                raise OSError(error.errno, message) from error
        return xarray.open_zarr(self.path, chunks=None, consolidated=False, drop_variables=[_CHECKSUM])

    def _create(self, attributes: Mapping[str, Any]) -> None:
        """Make the store in a hidden folder beside its place, and move it there when it is complete."""
        fresh = self.path.with_name(f".{self.path.name}.new")
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.parent.mkdir(parents=True, exist_ok=True)
            dataset = xarray.Dataset(coords=_coordinates(self._grid, self._template), attrs=dict(attributes))
            dataset.to_zarr(fresh, mode="w", zarr_format=2, consolidated=False)
            group = _zarr().open_group(fresh, mode="r+", use_consolidated=False)
            for name, (dims, shape, dtype) in self._template.variables.items():
                _add_array(
                    group, name, (*self._grid.dimensions, *dims), (*self._grid.shape, *shape),
                    (*self.shape, *shape), dtype, None if dtype.kind != "f" else np.nan,
                )  # fmt: skip
            count = sum(1 for _ in self._grid.blocks(self.shape))
            _add_array(group, _CHECKSUM, ("chunk",), (count,), (1,), np.dtype("S64"), None, compressors=None)
            write_seal(fresh, {*self._template.variables, _CHECKSUM})
            fresh.rename(self.path)
        except OSError as error:
            raced = isinstance(error, FileNotFoundError) or self.path.exists()  # the folder above was just made
            reason = "another sweep makes it at the same time" if raced else error.strerror
            if not isinstance(error, FileNotFoundError):  # the folder is ours
                shutil.rmtree(fresh, ignore_errors=True)
            raise OSError(error.errno, f"The store {self.path} could not be made ({reason})") from error
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    def _mark(self, number: int) -> Path:
        return self.path / _CHECKSUM / str(number)

    def _checksum(self, block: Block) -> bytes:
        """Digest of the files of a chunk as they are on disk, as 64 characters."""
        digest = hashlib.sha256()
        for name, (dims, _, _) in self._template.variables.items():
            file = self.path / name / ".".join(map(str, (*block.place, *(0 for _ in dims))))
            content = file.read_bytes() if file.exists() else b""
            digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.hexdigest().encode()


def read_configuration(path: Path) -> dict[str, Any] | None:
    """The configuration of the sweep whose store a path holds, or None if there is nothing.

    Raises:
        ValueError: if something else is there, or nothing can be written there.
    """
    if not is_there(path):
        check_target(path)
        return None
    try:
        there = read_attributes(path)
        configuration = json.loads(there[_CONFIGURATION])
    except (OSError, ValueError, KeyError, TypeError):
        configuration = None
    if not isinstance(configuration, dict) or "chunk" not in configuration or not (path / _CHECKSUM).is_dir():
        raise ValueError(
            f"Argument `out` must name the folder of this sweep, or a new one, but {path} holds something else."
        )
    if not isinstance(there.get(SEAL), dict):
        raise ValueError(
            f"Argument `out` must name the folder of this sweep, or a new one, but {path} is of an earlier version, "
            "whose stores do not say in which order their axes are: xarray can read it, no sweep can go on with it."
        )
    return configuration


def _coordinates(grid: Grid, template: Template) -> dict[str, Any]:
    phases = [phase.name for phase in grid.phases]
    return {**template.coordinates, "phase": ("phase", phases), **grid.coordinates()}


def _shaped(template: Template, block: Block, chunk: xarray.Dataset) -> dict[str, np.ndarray]:
    """The variables of a chunk, each with the axes of its block; what it did not observe is missing."""
    return {
        name: chunk[name].values.astype(dtype, copy=False).reshape(*block.shape, *shape)
        if name in chunk
        else np.full((*block.shape, *shape), _missing(dtype), dtype)
        for name, (_, shape, dtype) in template.variables.items()
    }


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
    **options: Any,
) -> None:
    names: dict[str, Any] = {"_ARRAY_DIMENSIONS": list(dimensions)}  # where xarray looks for them in this format
    group.create_array(
        name, shape=shape, chunks=chunks, dtype=dtype, fill_value=fill_value, attributes=names, **options
    )


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place in one step."""
    fresh = path.with_name(f".{path.name}.partial")
    fresh.write_bytes(content)
    fresh.replace(path)
