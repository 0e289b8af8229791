"""The laboratory: where experiments get their seeds, run their grids and count their trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import xarray

from simulate import Problem
from simulate.house import checks
from simulate.machine.parallel import one_blas_thread
from simulate.problems.streams import stream
from simulate.runs.ensemble import Cell, run_ensemble, unfold
from theory.formulas.conditions import CASES, CONDITIONS, problem_margins
from theory.ledger.choice import Choice, Protocol, check_protocol

__all__ = ["BUDGETS", "Budget", "Grid", "Lab", "conditions_of", "lies_outside"]

Budget = Literal["quick", "full"]
"""How many replicates an experiment runs."""
BUDGETS: tuple[Budget, ...] = get_args(Budget)
"""quick: some three minutes for the whole ledger on two cores; full: within an hour."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid that is to be run; `Lab.grid` says what its fields are."""

    name: str
    """Name of the experiment."""
    axes: Mapping[str, Sequence[Any]]
    """Labels along each axis."""
    seeds: Sequence[int]
    """Seeds of the replicates."""
    cells: Sequence[Cell]
    """Every cell with every replicate."""
    test_directions: int
    """Noise directions of each test error."""
    observe: Sequence[str]
    """What is observed when a phase ends."""
    tau: float | None
    """Radius of observed sharpness."""


class Lab:
    """Runs experiments for claims.

    Args:
        budget: "quick" or "full".
        seed: Master seed: the same seed and budget give the same ledger, byte for byte.
        images: Folder of real images by class, for claims that can use them.
        protocol: Values of choices that are not to have their primary one, by name.
        progress: Called with the number of trainings just finished.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self,
        budget: Budget = "quick",
        seed: int = 0,
        images: Path | None = None,
        protocol: Protocol | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        checks.choice("budget", budget, BUDGETS)
        checks.integer("seed", seed, least=0)
        if images is not None and not (isinstance(images, str | Path) and Path(images).is_dir()):
            checks.fail("images", "name a folder", str(images))
        if progress is not None and not callable(progress):
            checks.fail("progress", "be a function or None", progress)
        self.budget, self.seed = budget, seed
        self.images = None if images is None else Path(images)
        if not isinstance(protocol, Mapping | None):
            checks.fail("protocol", "be a dict or None", protocol)
        self.protocol = dict(protocol or {})
        self._progress = progress
        self._shared: dict[Callable[[Lab], Any], Any] = {}

    def choose(self, *, quick: _Made, full: _Made) -> _Made:
        """Whichever belongs to the budget."""
        return quick if self.budget == "quick" else full

    def pick(self, choice: Choice[_Made]) -> _Made:
        """The value of a choice in the laboratory's protocol.

        Raises:
            ValueError: if the protocol gives it a value that the choice does not have.
        """
        check_protocol({name: value for name, value in self.protocol.items() if name == choice.name}, [choice])
        return choice.of(self.protocol)

    def once(self, experiment: Callable[[Lab], _Made]) -> _Made:
        """The result of an experiment that several claims share; it runs at the first call, on one BLAS thread.

        Its matrices are small: several threads would wait for each other most of the time, and round otherwise.
        """
        if experiment not in self._shared:
            with one_blas_thread():
                self._shared[experiment] = experiment(self)
        made: _Made = self._shared[experiment]
        return made

    def rng(self, *name: str | int) -> np.random.Generator:
        """Generator for what is drawn outside of the trainings, such as bootstrap samples."""
        return stream(self.seed, "theory", *name)

    def seeds(self, name: str, count: int) -> list[int]:
        """Seeds of the replicates of an experiment; different experiments have different ones."""
        return [int(word) for word in self.rng("seeds", name).integers(2**48, size=count)]

    def grid(
        self,
        name: str,
        make: Callable[..., Cell],
        axes: Mapping[str, Sequence[Any]],
        *,
        replicates: int,
        test_directions: int = 64,
        observe: Sequence[str] = (),
        tau: float | None = None,
    ) -> xarray.Dataset:
        """Run every cell of a grid with every replicate; cells of a replicate share their random numbers.

        Args:
            name: Name of the experiment, from which its seeds follow.
            make: Makes the run of a seed and the labels of a grid cell: make(seed, d=..., signal=...).
            axes: Labels along each axis.
            replicates: Number of seeds.
            test_directions: See `simulate.runs.ensemble.run_ensemble`.
            observe: What to observe at the end of every phase.
            tau: Radius at which it is observed.

        Returns:
            Dataset of `simulate.runs.ensemble.run_ensemble` with the axes and "seed" in place of "cell", and with the
            "margin" of each hypothesis of the theory, (condition, axes); its attributes "n_runs", "conditions" (those
            margins over all cells, see `conditions_of`) and "endings" are what `Evidence` wants.

        Raises:
            ValueError: if an argument is out of range.
        """
        if not isinstance(name, str):
            checks.fail("name", "be a text", name)
        if not callable(make):
            checks.fail("make", "be a function", make)
        checks.integer("replicates", replicates, least=1, most=10**6)
        axes = _labels(axes)
        _check_takes(make, axes)
        seeds = self.seeds(name, replicates)
        named = [dict(zip(axes, labels, strict=True)) for labels in product(*axes.values())]
        cells = [make(seed, **labels) for labels in named for seed in seeds]
        return self._made(Grid(name, axes, seeds, cells, test_directions, observe, tau), self._progress)

    def _made(self, grid: Grid, progress: Callable[[int], None] | None) -> xarray.Dataset:
        """What comes of a grid; a laboratory with a memory looks there first."""
        cells = grid.cells
        with one_blas_thread():  # sums that do not depend on the number of cores
            flat = run_ensemble(
                cells, test_directions=grid.test_directions, observe=grid.observe, tau=grid.tau, progress=progress
            )
        data = unfold(flat, {**grid.axes, "seed": grid.seeds})
        data = data.assign(margin=_margins(cells[:: len(grid.seeds)], grid.axes))
        return data.assign_attrs(
            n_runs=len(cells), conditions=conditions_of(data), endings=_endings(flat["status"].values)
        )


def _check_takes(make: Callable[..., Cell], axes: Iterable[str]) -> None:
    """Require a function of a seed and the labels of these axes; what has no signature is taken at its word."""
    try:
        taken = signature(make)
    except (TypeError, ValueError):
        return
    try:
        taken.bind(0, **dict.fromkeys(axes))
    except TypeError as error:
        checks.fail("make", "be a function of the seed and the names of the axes", make, hint=str(error))


def _labels(axes: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The axes, each with a label at least."""
    if not isinstance(axes, Mapping) or not all(isinstance(name, str) and name != "seed" for name in axes):
        checks.fail("axes", 'be a dict of names other than "seed" and labels', axes)
    read = {name: checks.listed("axes", f"hold a list of labels for {name}", labels) for name, labels in axes.items()}
    if not all(read.values()):
        checks.fail("axes", "hold at least one label each", axes)
    return read


def conditions_of(data: xarray.Dataset) -> dict[str, tuple[float, float]]:
    """Least margin of each hypothesis over the cells of a dataset, or of a part of it, and the fraction outside.

    Args:
        data: What `Lab.grid` returned, or what selecting from it left.
    """
    found: dict[str, tuple[float, float]] = {}
    for name in data["condition"].values if "margin" in data else ():
        values = data["margin"].sel(condition=name).values.ravel()
        known = values[~np.isnan(values)]
        if known.size:
            found[str(name)] = (float(known.min()), float(np.mean(lies_outside(known))))
    return found


def lies_outside(margin: np.ndarray | float) -> np.ndarray:
    """Whether margins, in decades, are outside of a hypothesis; a problem on the scale itself, up to rounding, is not.

    Example:
        >>> lies_outside(np.array([0.1, -1e-12, -0.1])).tolist()
        [False, False, True]
    """
    return np.asarray(margin) < -1e-9


def _margins(cells: Sequence[Cell], axes: Mapping[str, Sequence[Any]]) -> xarray.DataArray:
    """Margins of the hypotheses, (condition, axes); NaN where one says nothing of a cell."""
    rows = [problem_margins(c.problem, c.phases) if isinstance(c.problem, Problem) else {} for c in cells]
    names = [name for name in CONDITIONS if name not in CASES and any(name in row for row in rows)]
    table = np.array([[row.get(name, np.nan) for row in rows] for name in names], dtype=float)
    shape = (len(names), *map(len, axes.values()))
    coords = {"condition": names, **{axis: list(labels) for axis, labels in axes.items()}}
    return xarray.DataArray(table.reshape(shape), dims=("condition", *axes), coords=coords)


def _endings(status: np.ndarray) -> dict[str, float]:
    """Fraction of the runs that ended in each way."""
    words, counts = np.unique(status, return_counts=True)
    return {str(word): float(count / status.size) for word, count in zip(words, counts, strict=True)}
