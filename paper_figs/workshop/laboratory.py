"""The theory's laboratory, with a memory on disk: an experiment that was run once is read the next time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

import xarray

from paper_figs.workshop.caption import Source
from paper_figs.workshop.store import Store
from simulate import Problem
from theory.experiments.lab import Budget, Grid, Lab

__all__ = ["KeptLab"]

_Made = TypeVar("_Made")


class KeptLab(Lab):
    """A laboratory whose grids are kept in a store, under everything their cells are made of.

    Args:
        budget: "quick" or "full".
        seed: Master seed.
        store: The store.
    """

    def __init__(self, budget: Budget, seed: int, store: Store) -> None:
        super().__init__(budget, seed)
        self._store = store
        self._sources: dict[Callable[[Lab], Any], list[Source]] = {}

    def once(self, experiment: Callable[[Lab], _Made]) -> _Made:
        """The result of an experiment, whose sources are noted at every call, not at the first alone."""
        used = self._store.used
        if experiment in self._sources:
            used.extend(self._sources[experiment])
            return super().once(experiment)
        before = len(used)
        made = super().once(experiment)
        self._sources[experiment] = used[before:]
        return made

    def _made(self, grid: Grid, progress: Callable[[int], None] | None) -> xarray.Dataset:
        """What comes of a grid, run now or before; grids of a user's own data are run every time."""
        cells = grid.cells
        if not all(isinstance(cell.problem, Problem) for cell in cells):
            return super()._made(grid, progress)
        configuration = {
            "axes": {axis: ", ".join(map(str, values)) for axis, values in grid.axes.items()},
            "replicates": len(grid.seeds),
            "test_directions": grid.test_directions,
            "observe": list(grid.observe),
            "tau": grid.tau,
            "first cell": repr(cells[0]),
            "all cells": hashlib.sha256("\n".join(map(repr, cells)).encode()).hexdigest(),
        }
        drawn = f'{len(grid.seeds)} drawn from master seed {self.seed} and the name "{grid.name}"'
        data = self._store.dataset(
            grid.name,
            lambda progress: _packed(super(KeptLab, self)._made(grid, progress)),
            configuration=json.dumps(configuration, indent=1, ensure_ascii=False),
            seeds=f"{drawn}, the first is {grid.seeds[0]}",
            n_runs=len(cells),
        )
        return _unpacked(data)


_TABLES = ("conditions", "endings")
"""Attributes that are tables, kept as JSON."""


def _packed(data: xarray.Dataset) -> xarray.Dataset:
    return data.assign_attrs({name: json.dumps(data.attrs[name]) for name in _TABLES})


def _unpacked(data: xarray.Dataset) -> xarray.Dataset:
    conditions, endings = (json.loads(data.attrs[name]) for name in _TABLES)
    return data.assign_attrs(conditions={name: tuple(pair) for name, pair in conditions.items()}, endings=endings)
