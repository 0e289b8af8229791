"""Datasets on disk: written whole or not at all, and never over what is not ours."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import xarray

from simulate.house import checks
from simulate.house.files import check_folder_above, is_there, take_place
from simulate.house.version import __version__

__all__ = ["MARK", "check_path", "check_target", "is_there", "load", "save"]

MARK = "sharpmu_version"
"""Attribute by which a store is known as ours; it is written last."""


def check_target(path: str | Path, *, name: str = "out") -> Path:
    """Require that a path is free, or holds a dataset written by `save`.

    Args:
        path: Where something is to be written.
        name: Name of the argument, for the error.

    Returns:
        The path.

    Raises:
        ValueError: if something else is there, or the folder above it cannot be written to.
    """
    path = Path(path)
    if is_there(path, name=name) and not _is_ours(path):
        raise ValueError(f"Argument `{name}` must not name something already there, but {path} exists and is not ours.")
    check_folder_above(path, name=name)
    return path


def check_path(path: str | Path | None, *, name: str = "out") -> None:
    """Require a path, or nothing."""
    if path is not None and not isinstance(path, str | Path):
        checks.fail(name, "be a path", path)


def save(dataset: xarray.Dataset, path: str | Path) -> Path:
    """Write a dataset as a zarr store; an older one of ours is replaced in a single move.

    Args:
        dataset: The dataset.
        path: Folder of the store.

    Returns:
        The path.

    Raises:
        ValueError: if the path holds something that is not ours.
    """
    path = check_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        fresh, old = Path(folder) / "fresh", Path(folder) / "old"
        dataset.assign_attrs({MARK: __version__}).to_zarr(fresh, zarr_format=2, consolidated=False)
        take_place(fresh, path, old)
    return path


def load(path: str | Path) -> xarray.Dataset:
    """Read a dataset written by `save` into memory.

    Raises:
        ValueError: if the path does not hold one.
    """
    if not _is_ours(Path(path)):
        raise ValueError(f"Argument `path` must name a dataset written by sharpmu, but {path} is not one.")
    with xarray.open_zarr(path, consolidated=False) as dataset:
        return dataset.load()


def _is_ours(path: Path) -> bool:
    """Whether a folder is a zarr group that carries our mark."""
    try:
        return MARK in json.loads((path / ".zattrs").read_text())
    except (OSError, ValueError):
        return False
