"""What experiments would run, without running it: a laboratory that keeps the cells of every grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import xarray

from simulate.runs.ensemble import Cell
from tests.theory.made_up import PHASES
from theory.experiments.lab import Grid, Lab


@dataclass(frozen=True)
class Asked:
    """A grid as it was asked for."""

    grid: Grid
    """It, with one seed."""
    replicates: int
    """Seeds it was to have."""

    def cell(self, **labels: Any) -> Cell:
        """The only cell of some labels, or of all."""
        (found,) = self.cells(**labels)
        return found

    def cells(self, **labels: Any) -> list[Cell]:
        """The cells of some labels."""
        every = [dict(zip(self.grid.axes, each, strict=True)) for each in product(*self.grid.axes.values())]
        return [cell for cell, own in zip(self.grid.cells, every, strict=True) if labels.items() <= own.items()]


class Recorder(Lab):
    """A laboratory whose runs all end at once, with numbers of no meaning.

    Args:
        protocol: See `Lab`.
        only: Labels that are made; of all other axes the last label alone. None makes every cell.
    """

    def __init__(self, protocol: Mapping[str, Any] | None = None, only: Mapping[str, Any] | None = None) -> None:
        super().__init__(protocol=protocol)
        self.asked: list[Asked] = []
        self.axes: list[Mapping[str, Sequence[Any]]] = []
        self._replicates = 0
        self._only = only

    def seeds(self, name: str, count: int) -> list[int]:
        """The first one."""
        self._replicates = count
        return super().seeds(name, count)[:1]

    def grid(self, name: str, make: Any, axes: Mapping[str, Sequence[Any]], **options: Any) -> xarray.Dataset:
        """Keep what is asked for."""
        self.axes.append(axes)
        if self._only is not None:
            axes = {axis: [self._only.get(axis, labels[-1])] for axis, labels in axes.items()}
        return super().grid(name, make, axes, **options)

    def _made(self, grid: Grid, progress: Callable[[int], None] | None) -> xarray.Dataset:
        self.asked.append(Asked(grid, self._replicates))
        axes = {**grid.axes, "seed": range(self._replicates)}
        shape = [len(labels) for labels in axes.values()]
        coords = {axis: list(labels) for axis, labels in axes.items()}
        zero = xarray.DataArray(np.zeros(shape), dims=tuple(axes), coords=coords)
        phases = zero.expand_dims(phase=max(PHASES.values()) + 1).transpose(..., "phase")
        sets = phases.expand_dims(set=["retain", "forget"]).transpose(..., "phase", "set")
        found = {
            "test_error": zero, "phase_steps": phases, "phase_test_error": phases, "accuracy": sets,
            "status": xarray.full_like(zero, "converged", dtype="U9"),
        }  # fmt: skip
        return xarray.Dataset(found).assign(margin=zero.isel(seed=0, drop=True)).assign_attrs(
            n_runs=len(grid.cells), conditions={}, endings={}
        )  # fmt: skip


def asked(experiment: Callable[..., Any], only: Mapping[str, Any] | None = None, **protocol: Any) -> list[Asked]:
    """The grids of an experiment under a protocol."""
    lab = Recorder(protocol, only=only)
    experiment(lab)
    return lab.asked


def check_alike(found: Any, expected: Any) -> None:
    """Require equal fields of problems, phases and all that is in them; numbers up to rounding."""
    if is_dataclass(expected):
        assert type(found) is type(expected)
        for field in fields(expected):
            check_alike(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9)
    else:
        assert found == expected
