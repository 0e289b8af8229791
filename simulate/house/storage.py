"""Datasets on disk: written whole or not at all, and never over what is not ours."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from simulate.house import checks
from simulate.house.files import check_folder_above, is_there, naming, parse_json, take_place
from simulate.house.records.attributes import MARK, read_attributes
from simulate.house.records.differences import differences
from simulate.house.records.record import check_same, refusal
from simulate.house.records.seals import SEAL, check_seal, write_seal
from simulate.house.version import __version__

__all__ = [
    "MADE_BY", "MARK", "check_path", "check_store", "check_target", "foreign_files_ignored", "is_there", "load",
    "record_of", "save", "write_plain",
]  # fmt: skip

MADE_BY = "made_by"
"""Attribute with the record of what made a store; see `simulate.house.records.record`."""

_OF_SWEEPS = "configuration"
"""Attribute in which sweeps keep theirs."""


def record_of(path: Path, *, name: str = "out") -> dict[str, Any] | None:
    """The record of the store at a path, finished or not; None if nothing is there.

    A store without one is described by its attributes.

    Raises:
        ValueError: if what is there is damaged, or not ours.
    """
    if not is_there(path, name=name):
        return None
    attributes = read_attributes(path) or {}
    for attribute, more in ((MADE_BY, {}), (_OF_SWEEPS, {"command": "simulate sweep"})):
        if attribute in attributes:
            try:
                return {**more, **parse_json(attributes[attribute])}
            except (ValueError, TypeError):
                raise ValueError(
                    f"Argument `{name}` must hold a whole store, but the attribute {attribute} of {path} is damaged."
                ) from None
    if MARK in attributes:
        return {key: value for key, value in attributes.items() if key not in (MARK, SEAL)}
    raise ValueError(f"Argument `{name}` must not name something already there, but {path} exists and is not ours.")


def check_target(path: str | Path, *, name: str = "out") -> Path:
    """Require that a path is free, or holds a dataset of ours.

    Args:
        path: Where something is to be written.
        name: Name of the argument, for the error.

    Returns:
        The path.

    Raises:
        ValueError: if something else is there, it is damaged, or the folder above it cannot be written to.
    """
    path = Path(path)
    record_of(path, name=name)
    check_folder_above(path, name=name)
    return path


def check_store(path: Path, asked: Mapping[str, Any], *, name: str = "out", overwrite: bool = False) -> bool:
    """Whether the store at a path is what is asked for, and finished; if not, that it can be written there.

    Args:
        path: Its place.
        asked: The record of what is asked for.
        name: Name of the argument, for the error.
        overwrite: Whether another store of ours may be replaced.

    Raises:
        ValueError: if something else is there; of another store of ours it names the differences.
    """
    there = record_of(path, name=name)
    if there is not None and check_same(there, asked, path, name=name, overwrite=overwrite):
        return MARK in (read_attributes(path) or {})
    check_folder_above(path, name=name)
    return False


def check_path(path: str | Path | None, *, name: str = "out") -> None:
    """Require a path, or nothing."""
    if path is not None and not isinstance(path, str | Path):
        checks.fail(name, "be a path", path)


def save(dataset: xarray.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a dataset as a zarr store, in a single move.

    Args:
        dataset: The dataset.
        path: Folder of the store.
        overwrite: Whether another dataset of ours may be replaced; the same one may.

    Returns:
        The path.

    Raises:
        ValueError: if the path holds another dataset, whose differences are named, or something that is not ours.
        OSError: if it cannot be written; what was there stays.
    """
    path = check_target(path)
    if not overwrite and is_there(path) and (lines := _differences(path, dataset)):
        raise ValueError(refusal(path, lines, name="out"))
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            fresh, old = Path(folder) / "fresh", Path(folder) / "old"
            _write(dataset.assign_attrs({MARK: __version__}), fresh)
            take_place(fresh, path, old)
    return path


def _write(dataset: xarray.Dataset, fresh: Path) -> None:
    """Write a new store that other tools read and write again: plain chunks, and metadata in one file, too."""
    write_plain(dataset, fresh)
    write_seal(fresh)


def write_plain(dataset: xarray.Dataset, folder: Path) -> None:
    """Write a dataset into a new folder, one file after another, without compression.

    zarr would write in threads that go on when one of them fails, as on a full disk, and fill the folder again while it
    is removed.

    Args:
        dataset: The dataset.
        folder: The folder.

    Raises:
        OSError: if it cannot be written.
    """
    from zarr.storage import MemoryStore  # a quarter of what importing this room would take

    held: dict[str, Any] = {}
    plain = dataset.drop_encoding()
    encoding = {name: {"compressors": (), "filters": ()} for name in plain.variables}
    plain.to_zarr(MemoryStore(held), zarr_format=2, consolidated=False, encoding=encoding)
    for name, content in held.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.to_bytes())


def load(path: str | Path, *, name: str = "path") -> xarray.Dataset:
    """Read a dataset written by `save` into memory.

    Args:
        path: Folder of the store.
        name: Name of the argument that chose it, for the error.

    Raises:
        ValueError: if the path does not hold one, or it is damaged.
    """
    path = Path(path)
    attributes = read_attributes(path, name=name) or {}
    if MARK not in attributes:
        raise ValueError(f"Argument `{name}` must name a dataset written by sharpmu, but {path} is not one.")
    check_seal(path, name=name)
    with foreign_files_ignored(), xarray.open_zarr(path, consolidated=False) as dataset:
        found = dataset.load().drop_encoding()
    found.attrs.pop(SEAL, None)
    return found


@contextmanager
def foreign_files_ignored() -> Iterator[None]:
    """Silence zarr's warnings of what others left in a store, such as `.DS_Store`; the seal tells what is ours."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Object at .* is not recognized as a component of a Zarr hierarchy")
        yield


def _differences(path: Path, dataset: xarray.Dataset) -> list[str]:
    """One line for each attribute and variable in which a store and a dataset differ."""
    asked = json.loads(dataset.attrs[MADE_BY]) if MADE_BY in dataset.attrs else None
    if asked is not None or MARK not in (read_attributes(path) or {}):
        return differences(record_of(path) or {}, _plain(dataset.attrs) if asked is None else asked)
    old = load(path)
    lines = differences(_plain(old.attrs), _plain(dataset.attrs))
    names = dict.fromkeys([*old.variables, *dataset.variables])
    changed = [str(name) for name in names if not _same_values(old, dataset, str(name))]
    return lines + ([f"  values: others of {', '.join(changed[:10])}"] if changed else [])


def _plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes as JSON gives them back, without our mark."""
    plain = {str(name): value for name, value in attributes.items() if name not in (MARK, SEAL)}
    return dict(json.loads(json.dumps(plain, default=_listed)))


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else repr(value)


def _same_values(one: xarray.Dataset, other: xarray.Dataset, name: str) -> bool:
    if name not in one.variables or name not in other.variables:
        return False
    first, second = one[name], other[name]
    alike = first.dims == second.dims and first.shape == second.shape
    return alike and np.array_equal(first.values, second.values, equal_nan=first.dtype.kind == "f")
