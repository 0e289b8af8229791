"""The boundary between benign and harmful overfitting, along lines over d, n and the scale of the noise.

Signals are placed relative to the boundary that Theorem 3.2 predicts, ‖φ‖ = x d^¼ n^-¼ (P - 1) σ_p, so that few of them
see its neighbourhood at every size; the exponents are fitted freely afterwards. Signals for SAM are placed relative to
(P - 1) σ_p alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import xarray

from simulate import Phase, Problem
from simulate.boundaries.boundary import critical_signal
from simulate.house import ties
from simulate.runs.ensemble import Cell
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.surface import boundary_exponents
from theory.statistics import Estimate, bootstrap, slope

__all__ = ["BASE", "LEVELS", "NOISE", "Line", "Lines", "noise_scale", "predicted_boundary", "run_lines"]

BASE = Problem(d=10**6, n=20, m=10, label_flip=0.1, forget=0.0)
"""Where the lines cross."""

LEVELS = (0.2, 0.3, 0.4)
"""Test errors at which the critical signal is also read off, level by level."""

NOISE: dict[float, dict[str, Any]] = {
    0.25: {"P": 2, "sigma_p": 0.25},
    1.0: {"P": 2, "sigma_p": 1.0},
    4.0: {"P": 5, "sigma_p": 1.0},
}
"""Problems by the scale of their noise (P - 1) σ_p."""


def predicted_boundary(problem: Problem) -> float:
    """Signal d^¼ n^-¼ (P - 1) σ_p: the boundary of Theorem 3.2 without its unknown constant."""
    return float((problem.d / problem.n) ** 0.25 * noise_scale(problem))


def noise_scale(problem: Problem) -> float:
    """(P - 1) σ_p."""
    return (problem.P - 1) * problem.sigma_p


@dataclass(frozen=True)
class Line:
    """One factor of the boundary varied, the others at their base."""

    factor: str
    """d, n or noise."""
    values: tuple[float, ...]
    """Its values, ascending."""

    def problem(self, base: Problem, value: float) -> Problem:
        """The problem at a value of the factor."""
        return replace(base, **(NOISE[value] if self.factor == "noise" else {self.factor: value}))


@dataclass(frozen=True, eq=False)
class Lines:
    """What was measured along all lines.

    Attributes:
        factors: Signal, d, n and noise of each cell, (C,) each.
        error: Test errors, (replicates, C).
        line: Name of the line that each cell belongs to, (C,).
        place: Position x of each cell relative to where its boundary is predicted, (C,).
        data: The dataset of each line.
        flip: Label noise p of all cells.
    """

    factors: dict[str, np.ndarray]
    error: np.ndarray
    line: np.ndarray
    place: np.ndarray
    data: dict[str, xarray.Dataset]
    flip: float = BASE.label_flip

    @property
    def n_runs(self) -> int:
        """Number of trainings."""
        return int(self.error.size)

    @property
    def conditions(self) -> dict[str, tuple[float, float]]:
        """Margins of the hypotheses over the cells of all lines; see `Evidence`."""
        return self.conditions_where(np.ones(len(self.place), dtype=bool))

    def conditions_where(self, cells: np.ndarray) -> dict[str, tuple[float, float]]:
        """The same over the cells where a mask, (C,), is True."""
        tables = [data["margin"].stack(cell=list(data["margin"].dims[1:])) for data in self.data.values()]
        bare = [table.drop_vars([name for name in table.coords if name != "condition"]) for table in tables]
        return conditions_of(xarray.Dataset({"margin": xarray.concat(bare, "cell", join="outer").isel(cell=cells)}))

    @property
    def endings(self) -> dict[str, float]:
        """How the trainings ended, over all lines; see `Evidence`."""
        shares = [(data.attrs["endings"], data.attrs["n_runs"] / self.n_runs) for data in self.data.values()]
        words = sorted({word for table, _ in shares for word in table})
        return {word: sum(table.get(word, 0.0) * part for table, part in shares) for word in words}

    def exponents(
        self, rng: np.random.Generator, *factors: str, where: np.ndarray | None = None
    ) -> dict[str, Estimate]:
        """Exponents of the boundary in the pooled model, over the cells of all lines, or those where a mask is True."""
        cells = self._pooled(factors, where)
        chosen = {name: self.factors[name][cells] for name in ("signal", *factors)}
        return boundary_exponents(chosen, self.error[:, cells], self.flip, rng)

    def exponent_of_halves(
        self, rng: np.random.Generator, *factors: str, where: np.ndarray | None = None
    ) -> dict[str, Estimate]:
        """Exponents in one half of the replicates, less those in the other half: the null experiment."""
        cells = self._pooled(factors, where)
        chosen = {name: self.factors[name][cells] for name in ("signal", *factors)}
        pairs = len(self.error) // 2
        if pairs < 2:
            return dict.fromkeys(factors, Estimate(np.nan, np.nan, 0))
        halves = [self.error[start : 2 * pairs : 2][:, cells] for start in (0, 1)]
        first, second = (boundary_exponents(chosen, half, self.flip, rng) for half in halves)
        return {
            name: Estimate(
                first[name].value - second[name].value,
                float(np.hypot(first[name].standard_error, second[name].standard_error)),
                2 * pairs - 2,
            )
            for name in factors
        }

    def drift(self, factor: str, rng: np.random.Generator) -> dict[str, Estimate]:
        """Exponents of a factor between neighbouring sizes, and where they lead as d/n grows, by name.

        A predicted exponent is that of large d/n; what is measured at finite sizes drifts towards it. The exponents are
        extrapolated linearly in √(n/d), a choice of ours; the error is the sum of theirs, as if they erred together.
        """
        values = np.unique(self.factors[factor][self.line == factor])
        found: dict[str, Estimate] = {}
        distance = []
        for low, high in pairwise(values):
            cells = (self.line == factor) & np.isin(self.factors[factor], (low, high))
            found[f"exponent from {factor} = {low:g} to {high:g}"] = self.exponents(rng, factor, where=cells)[factor]
            distance.append(np.exp(0.5 * np.mean(np.log(self.factors["n"][cells] / self.factors["d"][cells]))))
        if len(distance) > 1:
            found["exponent extrapolated to large d/n"] = _intercept(np.array(distance), list(found.values()))
        return found

    def _pooled(self, factors: Sequence[str], where: np.ndarray | None) -> np.ndarray:
        """The cells that the model is fitted to, (C,) of bool; without a choice no cell that another line has, too."""
        if where is not None:
            return where
        return np.ones(self.error.shape[1], dtype=bool) if "noise" in factors else self._different

    @cached_property
    def _different(self) -> np.ndarray:
        """Marks one of each set of equal cells: lines cross, and problems that differ in scale alone are the same."""
        scaled = [self.factors["signal"] / self.factors["noise"], self.factors["d"], self.factors["n"]]
        rows = np.column_stack([ties.levels(column) for column in scaled])
        different = np.zeros(len(rows), dtype=bool)
        different[np.unique(rows, axis=0, return_index=True)[1]] = True
        return different

    def critical(self, factor: str, level: float, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Values along a line and the critical signal at each, for some replicates (all if None)."""
        mask = self.line == factor
        error = (self.error if rows is None else self.error[rows])[:, mask].mean(axis=0)
        values, signal = self.factors[factor][mask], self.factors["signal"][mask]
        unique = np.unique(values)
        found = [critical_signal(signal[values == value], error[values == value], level) for value in unique]
        return unique, np.array(found)

    def level_slope(self, factor: str, level: float, rng: np.random.Generator) -> Estimate:
        """Exponent of a factor in the critical signal at one level; NaN if it is censored."""

        def statistic(rows: np.ndarray) -> float:
            values, signal = self.critical(factor, level, rows)
            if not np.all((signal > 0) & np.isfinite(signal)):
                return np.nan
            return slope(np.log(values), np.log(signal))

        return bootstrap(statistic, len(self.error), rng)


def _intercept(x: np.ndarray, estimates: Sequence[Estimate]) -> Estimate:
    """The line through estimates at x = 0, and the most that their errors can amount to there."""
    centred = x - x.mean()
    weights = 1.0 / len(x) - x.mean() * centred / (centred @ centred)
    value = float(weights @ [each.value for each in estimates])
    error = float(np.abs(weights) @ [each.standard_error for each in estimates])
    return Estimate(value, error, min(each.degrees_of_freedom for each in estimates))


def run_lines(
    lab: Lab,
    name: str,
    lines: Sequence[Line],
    places: Sequence[float],
    *,
    scale: Callable[[Problem], float],
    prepare: Callable[[Problem], Problem],
    phases: Callable[[Problem], tuple[Phase, ...]],
    replicates: int,
    base: Problem = BASE,
    test_directions: int = 64,
) -> Lines:
    """Train along lines.

    Args:
        lab: The laboratory.
        name: Name of the experiment.
        lines: The lines.
        places: Positions x of the signals, ascending.
        scale: Signal at x = 1.
        prepare: Sets the initial weights.
        phases: Phases of a run.
        replicates: Number of seeds; they are the same along all lines.
        base: Where the lines cross.
        test_directions: See `simulate.runs.ensemble.run_ensemble`.

    Returns:
        What was measured.
    """
    data: dict[str, xarray.Dataset] = {}
    factors: dict[str, list[float]] = {"signal": [], "d": [], "n": [], "noise": []}
    names: list[str] = []
    for line in lines:

        def make(seed: int, *, line: Line = line, **labels: float) -> Cell:
            problem = line.problem(base, labels[line.factor])
            problem = prepare(replace(problem, signal=labels["place"] * scale(problem)))
            return Cell(problem, phases(problem), seed)

        axes: Mapping[str, Sequence[Any]] = {line.factor: line.values, "place": places}
        data[line.factor] = lab.grid(name, make, axes, replicates=replicates, test_directions=test_directions)
        for value in line.values:
            problem = line.problem(base, value)
            for place in places:
                row = (place * scale(problem), problem.d, problem.n, noise_scale(problem))
                for factor, number in zip(factors, row, strict=True):
                    factors[factor].append(number)
                names.append(line.factor)
    error = [data[line.factor]["test_error"].values.reshape(-1, replicates) for line in lines]
    return Lines(
        factors={factor: np.array(values, dtype=float) for factor, values in factors.items()},
        error=np.concatenate(error).T,
        line=np.array(names),
        place=np.tile(np.array(places, dtype=float), len(names) // len(places)),
        data=data,
        flip=prepare(replace(base, signal=scale(base))).label_flip,
    )
