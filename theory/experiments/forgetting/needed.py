"""The α that every replicate needs, over d, n, the signal and the optimizer of pretraining, with its censoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import xarray

from simulate import SGD, NegGrad, Problem
from simulate.house import ties
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.boundaries import predicted_boundary
from theory.experiments.choices import Stop
from theory.experiments.course import STANDARD, Course
from theory.experiments.forgetting.censoring import LogOdds, brackets
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, has_forgotten, matched, retrain, unlearn

__all__ = [
    "ABOVE", "ALPHAS", "FACTORS", "LEAST", "PLACES", "Needed", "beyond", "needed", "retrained", "thresholds_of",
    "unlearned", "well",
]  # fmt: skip

ABOVE = 0.05
"""A replicate is well at an α if it forgets and its test error is at most this above that of the retrained network."""
LEAST = (0.02, 0.3)
"""Weights that are tried at the match."""
ALPHAS = (0.02, 0.1, 0.4, 0.8)
"""Weights that are tried beyond it."""
FACTORS = ("constant", "SGD", "d", "n", "signal")
"""What the mean of the log-odds is linear in; the last three by their logarithm, less its mean over the settings."""
PLACES = (1.2, 2.5)
"""Signals in units of the predicted boundary; with the full budget 4, too."""


def _axes(lab: Lab) -> dict[str, Sequence[Any]]:
    return {
        "pretraining": ("SGD", "SAM"),
        "d": lab.choose(quick=(500,), full=(500, 2000)),
        "n": lab.choose(quick=(10,), full=(10, 20)),
        "place": lab.choose(quick=PLACES, full=(*PLACES, 4.0)),
    }


def _problem(lab: Lab, pretraining: Pretraining, d: int, n: int, place: float) -> Problem:
    base = replace(STANDARD, d=d, n=n)
    return Course(lab).problem(replace(base, signal=place * predicted_boundary(base)), pretraining)


def unlearned(lab: Lab) -> xarray.Dataset:
    """NegGrad with SGD over d, n, the signal and two α, after SGD and after SAM, to where the protocol ends it."""
    return _grid(lab, lab.pick(choices.STOP), LEAST)


def beyond(lab: Lab) -> xarray.Dataset:
    """The same over more α, until F is guessed."""
    return _grid(lab, "accuracy 1/2", ALPHAS)


def _grid(lab: Lab, stop: Stop, alphas: tuple[float, ...]) -> xarray.Dataset:
    course = Course(lab)

    def make(seed: int, alpha: float, **setting: Any) -> Cell:
        problem = _problem(lab, **setting)
        before = course.pretrain(problem, setting["pretraining"])
        batched = SGD(batch=lab.pick(choices.BATCH))
        last = unlearn(problem, NegGrad(alpha=alpha), batched, step=lab.pick(choices.STEP))
        return Cell(problem, matched(before, last, stop), seed)

    data = lab.grid("needed", make, {**_axes(lab), "alpha": alphas}, replicates=lab.choose(quick=10, full=25))
    return data.assign(forgotten=has_forgotten(data, stop)).assign_attrs(data.attrs)


def retrained(lab: Lab) -> xarray.Dataset:
    """The networks retrained without F, of the same seeds."""
    course = Course(lab)

    def make(seed: int, **setting: Any) -> Cell:
        problem = _problem(lab, **setting)
        return Cell(problem, retrain(course.pretrain(problem, setting["pretraining"])), seed)

    return lab.grid("needed", make, _axes(lab), replicates=lab.choose(quick=10, full=25))


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
    """Thresholds over d, n and the signal, until F is guessed."""
    return thresholds_of(lab.once(beyond), lab.once(retrained)["test_error"])


_SETTINGS = ("pretraining", "d", "n", "place")


def well(data: xarray.Dataset, target: xarray.DataArray) -> np.ndarray:
    """Which runs were forgotten at a test error near that of the retrained network, (seed, settings, alpha) of bool.

    Args:
        data: Test errors and "forgotten" over pretraining, d, n, place, alpha and seed.
        target: Test error of the retrained network, without alpha.
    """
    error = data["test_error"].transpose("seed", *_SETTINGS, "alpha")
    most = target.transpose("seed", *_SETTINGS).values[..., None] + ABOVE
    found = ties.at_most(error.values, most) & data["forgotten"].transpose(*error.dims).values
    return np.asarray(found.reshape(error.sizes["seed"], -1, error.sizes["alpha"]))


def thresholds_of(data: xarray.Dataset, target: xarray.DataArray) -> Needed:
    """Thresholds of a grid; see `well`."""
    low, high = brackets(data["alpha"].values, well(data, target))
    rows = np.array(
        [
            (1.0, float(name == "SGD"), np.log(d), np.log(n), np.log(place))
            for name, d, n, place in product(*(data[setting].values for setting in _SETTINGS))
        ]
    )
    rows[:, 2:] -= rows[:, 2:].mean(axis=0)
    return Needed(rows, low, high)
