"""Trainings where the boundary is: a coarse scan along one axis, then bisection around the crossing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, pairwise, product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray

from simulate.boundaries.boundary import critical_values
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.storage import check_path
from simulate.house.ties import at_most, levels, tied
from simulate.problems.problem import Problem
from simulate.runs.run import check_phases
from simulate.sweeps.axes import Axis, Names, read_axes
from simulate.sweeps.grid import read_seeds
from simulate.sweeps.sweep import sweep

__all__ = ["refine"]

_RESAMPLES = 200
"""Bootstrap resamples of each look."""

_FIRST_SEEDS = 8
"""Seeds a point starts with when more are taken as they are needed."""


def refine(
    problem: Problem,
    phases: Sequence[Phase],
    *,
    axes: Mapping[str | tuple[str, ...], Iterable[Any]],
    along: Mapping[str, Iterable[float]],
    level: float,
    seeds: Iterable[int],
    tolerance: float = 0.05,
    interval: float | None = None,
    budget: int | None = None,
    variable: str = "test_error",
    direction: Literal["falling", "rising"] = "falling",
    out: str | Path | None = None,
    **options: Any,
) -> xarray.Dataset:
    """Find the boundary with trainings around it only.

    Every point of the axes is first scanned coarsely. In each round after that, the gaps of the scan that hold the
    crossing or an end of its 95 % interval are halved in the logarithm, the widest first (of those that are tied, the
    ones of the first points), until all of them are narrower than the tolerance or the budget is spent. What was
    measured decides the next round, and nothing else does: the same call gives the same trainings, and with `out` an
    interrupted one resumes.

    Args:
        problem: The problem.
        phases: The phases.
        axes: The factors of the boundary, as in `simulate.sweep`.
        along: Name and coarse values of the axis along which the level is crossed, {"signal": [0.5, 2, 8, 32]};
            positive and ascending. Along a whole number ("d", "fit.steps") all values are rounded, and a gap between
            neighbours is not halved.
        level: The value that defines the boundary.
        seeds: The seeds a chosen cell is trained with; they make the interval, at least two.
        tolerance: Width, in the logarithm, at which a gap is not halved any more.
        interval: Width of the 95 % interval, in the logarithm, at which a point of the axes needs no more seeds: it
            starts with the first 8 of them, and takes twice as many as long as its interval is wider and there are
            any. None takes all seeds at once.
        budget: Most trainings, the coarse scan included; None sets no limit.
        variable: Name of the variable that crosses the level, one number for each training.
        direction: Whether it falls or rises along the axis.
        out: Folder for one store a round.
        **options: Other options of `simulate.sweep`: coupled, engine, client, test_directions, chunk, progress.

    Returns:
        Dataset along the dimensions of the axes with "critical", "low", "high" and "censored" of
        `simulate.boundaries.boundary.critical_values`, "gap" (the log width of the gap the crossing lies in, infinite
        outside the range) and "trainings" (at this point); the attribute "trainings" is the number of all.

    Raises:
        ValueError: if an argument is out of range.
    """
    check_phases(phases)
    factors = read_axes(axes)
    name, coarse = _check_along(along, Names(phases, factors))
    checks.real("tolerance", tolerance, positive=True)
    checks.real("level", level)
    checks.choice("direction", direction, ("falling", "rising"))
    check_path(out)
    if name in {each for axis in factors for each in axis.names}:
        checks.fail("along", "name an axis that is not in `axes`", name)
    numbers = read_seeds(seeds)
    if len(numbers) < 2:
        checks.fail("seeds", "hold at least two seeds, which make the interval", list(numbers))
    if interval is not None:
        checks.real("interval", interval, positive=True)
    counts = [len(numbers)] if interval is None else _doubled(_FIRST_SEEDS, len(numbers))
    if budget is not None:
        checks.integer("budget", budget, least=math.prod(map(len, factors)) * len(coarse) * counts[0])

    def train(turn: int, rows: Sequence[tuple[Any, ...]], chosen: Sequence[int]) -> np.ndarray:
        names = (*(each for axis in factors for each in axis.names), name)
        folder = None if out is None else Path(out) / f"round_{turn:03}.zarr"
        data = sweep(problem, phases, axes={names: rows}, seeds=chosen, out=folder, **options)
        numeric = [str(each) for each, array in data.items() if array.ndim == 2 and array.dtype.kind in "fiu"]
        checks.choice("variable", variable, numeric)
        return data[variable].values

    look = partial(critical_values, level=level, along=name, direction=direction, resamples=_RESAMPLES)
    points = product(*(axis.values for axis in factors))
    search = _Search(train, [_Scan(tuple(chain(*point)), name, look) for point in points], budget)
    active: Sequence[_Scan] = search.scans
    for used, count in zip([0, *counts], counts, strict=False):
        active = search.add_seeds(active, coarse, numbers[used:count])
        while wanted := search.gaps(active, tolerance, count):
            search.train(wanted, numbers[:count])
        active = [scan for scan in active if not at_most(scan.width, interval or 0.0)]
    attributes = {"level": level, "along": name, "tolerance": tolerance, "trainings": search.spent}
    return _packed(factors, search.scans, attributes)


class _Search:
    """The rounds of trainings.

    Args:
        train: Trains rows of values with some seeds in the round of a number; returns the errors, (rows, seeds).
        scans: The scans.
        budget: Most trainings, or None.

    Attributes:
        scans: The scans.
        spent: Trainings so far.
    """

    def __init__(
        self,
        train: Callable[[int, Sequence[tuple[Any, ...]], Sequence[int]], np.ndarray],
        scans: Sequence[_Scan],
        budget: int | None,
    ) -> None:
        self.scans, self.spent = scans, 0
        self._train, self._left, self._turn = train, math.inf if budget is None else budget, 0

    def train(self, wanted: Sequence[tuple[_Scan, float]], seeds: Sequence[int]) -> None:
        """One round: the wanted places of the scans, with these seeds."""
        errors = self._train(self._turn, [(*scan.point, place) for scan, place in wanted], seeds)
        for (scan, place), values in zip(wanted, errors, strict=True):
            scan.errors[place] = np.append(scan.errors.get(place, []), values)
        for scan in dict.fromkeys(scan for scan, _ in wanted):
            scan.look()
        self._turn += 1
        self._left -= errors.size
        self.spent += errors.size

    def add_seeds(self, scans: Sequence[_Scan], coarse: Sequence[float], seeds: Sequence[int]) -> list[_Scan]:
        """Train all places of the scans with more seeds; returns the scans that the budget had room for."""
        added: list[_Scan] = []
        wanted: list[tuple[_Scan, float]] = []
        for scan in scans:
            places = [(scan, place) for place in scan.errors or coarse]
            if (len(wanted) + len(places)) * len(seeds) <= self._left:
                added.append(scan)
                wanted.extend(places)
        if wanted:
            self.train(wanted, seeds)
        return added

    def gaps(self, scans: Sequence[_Scan], tolerance: float, each: int) -> list[tuple[_Scan, float]]:
        """The middles of the widest gaps that are left, as many as the budget has room for at `each` trainings."""
        found = [(width, scan, middle) for scan in scans for width, middle in scan.gaps(tolerance)]
        widest = np.argsort(levels(np.array([-width for width, _, _ in found])), kind="stable")
        room = len(found) if self._left == math.inf else int(self._left // each)
        return [found[place][1:] for place in widest[:room]]


def _doubled(first: int, last: int) -> list[int]:
    """Counts first, 2 first, … up to and with the last."""
    counts = [min(first, last)]
    while counts[-1] < last:
        counts.append(min(2 * counts[-1], last))
    return counts


class _Scan:
    """What is known along the axis at one point of the factors.

    Args:
        point: Values of the factors.
        along: Name of the axis.
        look: Finds the crossing in an array of errors along "seed" and the axis.

    Attributes:
        errors: Values of all seeds by place, (seeds,) each.
    """

    def __init__(self, point: tuple[Any, ...], along: str, look: Callable[[xarray.DataArray], xarray.Dataset]) -> None:
        self.point, self.errors = point, dict[float, np.ndarray]()
        self._along, self._look, self._crossing = along, look, xarray.Dataset()

    def look(self) -> None:
        """Find the crossing in what is known."""
        places = sorted(self.errors)
        table = np.stack([self.errors[place] for place in places], axis=-1)
        self._crossing = self._look(
            xarray.DataArray(table, dims=("seed", self._along), coords={self._along: places}, name="variable")
        )

    def value(self, name: str) -> Any:
        """One variable of the crossing."""
        return self._crossing[name].item()

    def gaps(self, tolerance: float) -> list[tuple[float, float]]:
        """Log widths and middles of the gaps to be halved: those that hold the crossing or an end of its interval."""
        ends = [self._on_scan(name) for name in ("low", "critical", "high")]
        pairs = [(a, b) for a, b in pairwise(sorted(self.errors)) if any(a <= end < b for end in ends)]
        found = [(math.log(b / a), self._middle(a, b), a, b) for a, b in pairs]
        return [(width, middle) for width, middle, a, b in found if a < middle < b and not at_most(width, tolerance)]

    def _on_scan(self, name: str) -> float:
        """One number of the crossing; a place of the scan, where it differs from it by rounding only."""
        value = float(self.value(name))
        return next((place for place in self.errors if tied(place, value)), value)

    def _middle(self, a: float, b: float) -> float:
        """The geometric mean of two places, rounded along a whole number; one of them where nothing is between."""
        middle = math.sqrt(a) * math.sqrt(b)
        return middle if isinstance(a, float) else round(middle)

    @property
    def width(self) -> float:
        """Log width of the interval; infinite where an end of it is outside of the range."""
        low, high = self.value("low"), self.value("high")
        return math.log(high / low) if low > 0.0 and high < math.inf else math.inf

    @property
    def gap(self) -> float:
        """Log width of the gap the crossing lies in."""
        critical, places = self._on_scan("critical"), sorted(self.errors)
        pairs = [(a, b) for a, b in pairwise(places) if a <= critical <= b]
        return min((math.log(b / a) for a, b in pairs), default=math.inf)


def _check_along(along: Mapping[str, Iterable[float]], names: Names) -> tuple[str, list[float]]:
    """Name and coarse values of the axis, whole numbers where the name stands for one."""
    if not isinstance(along, Mapping) or len(along) != 1:
        checks.fail("along", "be a dict of one name and its coarse values", along)
    ((name, values),) = along.items()
    if not isinstance(name, str):
        checks.fail("along", "be a dict of one name and its coarse values", along)
    coarse = checks.listed("along", "be a dict of one name and its coarse values", values)
    for value in coarse:
        checks.real("along", value, positive=True)
    if names.is_whole(name, "along"):
        coarse = [round(value) for value in coarse]
    if len(coarse) < 2 or coarse != sorted(set(coarse)):
        checks.fail("along", "hold at least two values, ascending", coarse)
    return name, coarse if names.is_whole(name, "along") else [float(value) for value in coarse]


def _packed(factors: Sequence[Axis], scans: Sequence[_Scan], attributes: dict[str, Any]) -> xarray.Dataset:
    """One array a variable, over the axes of the factors."""
    dims, shape = tuple(axis.dimension for axis in factors), tuple(map(len, factors))
    columns = {name: [scan.value(name) for scan in scans] for name in ("critical", "low", "high", "censored")}
    columns["gap"] = [scan.gap for scan in scans]
    columns["trainings"] = [sum(map(len, scan.errors.values())) for scan in scans]
    made = {name: (dims, np.array(values).reshape(shape)) for name, values in columns.items()}
    coordinates = {name: ((axis.dimension,), axis.labels(name)) for axis in factors for name in axis.names}
    return xarray.Dataset(made, coords=coordinates, attrs=attributes)
