"""The α that every replicate needs, over d, n, the signal and the optimizer of pretraining, with its censoring."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray

from simulate import SGD, NegGrad
from simulate.house import ties
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.boundaries import predicted_boundary
from theory.experiments.course import STANDARD, Course
from theory.experiments.forgetting.censoring import LogOdds, brackets
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining
from theory.experiments.signals import alpha_needed

__all__ = ["ABOVE", "FACTORS", "Needed", "needed", "over_signal", "thresholds_of"]

ABOVE = 0.05
"""A replicate is well at an α if it forgets and its test error is at most p plus this."""
FACTORS = ("constant", "SGD", "d", "n", "signal")
"""What the mean of the log-odds is linear in; the last three by their logarithm over that of the standard problem."""
_PLACES = (1.2, 4.0)
_PLACE = 2.5
"""Signals in units of the predicted boundary; the grid over d and n has the last."""


def over_signal(lab: Lab) -> xarray.Dataset:
    """NegGrad with SGD over the signal and α, after SGD and after SAM."""
    course = Course(lab)

    def make(seed: int, pretraining: Pretraining, place: float, alpha: float) -> Cell:
        base = replace(STANDARD, d=1000)
        problem = course.problem(replace(base, signal=place * predicted_boundary(base)), pretraining)
        before = course.pretrain(problem, pretraining)
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=alpha), SGD()), seed)

    grid = lab.once(alpha_needed)
    axes = {"pretraining": ("SGD", "SAM"), "place": _PLACES, "alpha": tuple(grid["alpha"].values.tolist())}
    return lab.grid("alpha over signal", make, axes, replicates=grid.sizes["seed"])


@dataclass(frozen=True, eq=False)
class Needed:
    """Thresholds of all replicates and settings.

    Attributes:
        factors: FACTORS of each setting, (settings, 5).
        low: Lower ends of the log-odds, (replicates, settings).
        high: Upper ends, same shape.
    """

    factors: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def law(self, rows: np.ndarray, start: LogOdds | None = None) -> LogOdds:
        """The law of some replicates."""
        factors = np.tile(self.factors, (len(rows), 1))
        return LogOdds.fit(factors, self.low[rows].ravel(), self.high[rows].ravel(), start)

    def exchanged(self, rng: np.random.Generator) -> Needed:
        """The same where chance decides in every replicate which pretraining is which: the null experiment.

        Settings of the two are in the same order.
        """
        sgd = self.factors[:, FACTORS.index("SGD")] == 1.0
        order = np.arange(len(sgd))
        other = order.copy()
        other[sgd], other[~sgd] = order[~sgd], order[sgd]
        swapped = rng.integers(2, size=(len(self.low), 1)).astype(bool)
        low, high = (np.where(swapped, ends[:, other], ends) for ends in (self.low, self.high))
        return replace(self, low=low, high=high)


def needed(lab: Lab) -> Needed:
    """Thresholds over d and n, and over the signal."""
    course, most = Course(lab), lab.pick(choices.FLIP) + ABOVE
    over_sizes, over_strength = lab.once(alpha_needed), lab.once(over_signal)
    parts = [
        thresholds_of(over_sizes, course.forgotten(over_sizes), most, _PLACE, None, None),
        thresholds_of(over_strength, course.forgotten(over_strength), most, None, 1000, STANDARD.n),
    ]
    return Needed(
        np.concatenate([part.factors for part in parts]),
        *(np.concatenate([getattr(part, end) for part in parts], axis=1) for end in ("low", "high")),
    )


def thresholds_of(
    data: xarray.Dataset, forgotten: xarray.DataArray, most: float, place: float | None, d: int | None, n: int | None
) -> Needed:
    """Thresholds of a grid.

    Args:
        data: Test errors over pretraining, two of place, d and n, alpha and seed.
        forgotten: Whether each run was forgotten.
        most: Largest test error of a replicate that is well.
        place: The signal over the predicted boundary if it is no axis.
        d: The dimension if it is none.
        n: The number of samples if it is none.
    """
    fixed = {name: [value] for name, value in (("place", place), ("d", d), ("n", n)) if value is not None}
    well = (ties.at_most(data["test_error"].values, most) & forgotten.values).astype(bool)
    table = data["test_error"].copy(data=well).expand_dims(fixed)
    table = table.transpose("seed", "pretraining", "d", "n", "place", "alpha")
    low, high = brackets(data["alpha"].values, table.values.reshape(table.sizes["seed"], -1, table.sizes["alpha"]))
    rows = [
        (1.0, float(name == "SGD"), np.log(dim / STANDARD.d), np.log(size / STANDARD.n), np.log(x / _PLACE))
        for name in table["pretraining"].values
        for dim in table["d"].values
        for size in table["n"].values
        for x in table["place"].values
    ]
    return Needed(np.array(rows, dtype=float), low, high)
