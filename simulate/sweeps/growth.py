"""A sweep that grows: more seeds, or more values of an axis, beside trainings that stay as they are, bit for bit.

In the store new points stand behind the old ones, wherever they were asked for, so that a chunk keeps its place and its
bytes. A chunk at the end of an axis that was not full keeps its old trainings, too: a note beside the marks says which
they are, with the checksum of their numbers, until the others are there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulate.sweeps.grid import Grid

__all__ = ["arranged", "carry", "earlier", "places_of"]


def arranged(grid: Grid, stored: Mapping[str, Any]) -> Grid | None:
    """A grid with the points of a stored one first, in their order; None if it lacks one of them.

    Args:
        grid: The grid that is asked for.
        stored: Configuration of the store.
    """
    described = grid.describe()
    if list(stored.get("dimensions", ())) != described["dimensions"] or [*stored["axes"]] != [*described["axes"]]:
        return None
    orders = [_order(stored["axes"][name], described["axes"][name]) for name in described["axes"]] + [
        _order(stored["seeds"], described["seeds"])
    ]
    *of_axes, of_seeds = orders
    if of_seeds is None or any(order is None for order in of_axes):
        return None
    axes = [
        replace(axis, values=tuple(axis.values[place] for place in order or ()))
        for axis, order in zip(grid.axes, of_axes, strict=True)
    ]
    return replace(grid, axes=tuple(axes), seeds=tuple(grid.seeds[place] for place in of_seeds))


def earlier(grid: Grid, stored: Mapping[str, Any]) -> Grid:
    """The grid of a store, given the arranged one that holds it."""
    counts = [len(values) for values in stored["axes"].values()]
    axes = [replace(axis, values=axis.values[:count]) for axis, count in zip(grid.axes, counts, strict=True)]
    return replace(grid, axes=tuple(axes), seeds=grid.seeds[: len(stored["seeds"])])


def places_of(asked: Grid, there: Grid) -> dict[str, list[int]]:
    """Where the points that are asked for stand in the store, by dimension; only those in another order."""
    columns = [[*map(_key, axis.values)] for axis in there.axes] + [[*map(_key, there.seeds)]]
    wanted = [[*map(_key, axis.values)] for axis in asked.axes] + [[*map(_key, asked.seeds)]]
    found = {}
    for dimension, column, points in zip(asked.dimensions, columns, wanted, strict=True):
        if points != column:
            known = {key: place for place, key in enumerate(column)}
            found[dimension] = [known[key] for key in points]
    return found


def carry(files: Sequence[str], old: Path, fresh: Path, *, whole: bool) -> None:
    """Take the files of a finished chunk over to a new store.

    Args:
        files: Their paths from the folder of a store.
        old: The folder that they are in.
        fresh: The new one.
        whole: Whether the chunk is full, so that nobody will write to it: it is then linked, not copied.
    """
    for name in files:
        if whole:
            try:
                os.link(old / name, fresh / name)
                continue
            except OSError:  # a file system without links, or another one
                pass
        shutil.copyfile(old / name, fresh / name)


def _order(stored: Sequence[Any], asked: Sequence[Any]) -> list[int] | None:
    """Places of the asked points in their new order, the stored ones first; None if one of those is not asked for."""
    places = {_key(value): place for place, value in enumerate(asked)}
    first = [places.get(_key(value)) for value in stored]
    if None in first:
        return None
    known = {place for place in first if place is not None}
    return [*(place for place in first if place is not None), *(k for k in range(len(asked)) if k not in known)]


def _key(value: Any) -> Hashable:
    """What is equal for equal points: 1 and 1.0 are one, 1 and True are not."""
    if isinstance(value, list | tuple):
        return tuple(map(_key, value))
    return (type(value) is bool, value) if isinstance(value, int | float | str) else repr(value)
