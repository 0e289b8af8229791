"""Unlearning to the match and on to accuracy 1/2, beside the retrained network: the errors of both classes."""

from __future__ import annotations

import numpy as np
import xarray

from simulate import SGD, NegGrad
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import matched, retrain, unlearn

__all__ = ["ENDS", "better_and_worse", "by_class", "gap"]

ENDS = ("retrained", "matched", "accuracy 1/2")
"""Where a network is looked at: retrained without F, unlearned as the protocol says, and until F is guessed."""


def by_class(lab: Lab) -> xarray.Dataset:
    """The standard problem after SGD and NegGrad with SGD, over ENDS."""
    course = Course(lab)

    def make(seed: int, end: str) -> Cell:
        problem = course.problem(course.standard, "SGD")
        before, objective = course.pretrain(problem, "SGD"), NegGrad(alpha=course.alpha)
        phases = course.unlearn(problem, before, objective, SGD())
        if end == "retrained":
            phases = retrain(before)
        if end == "accuracy 1/2":
            last = unlearn(problem, objective, phases[-1].optimizer, step=lab.pick(choices.STEP))
            phases = matched(before, last, "accuracy 1/2")
        return Cell(problem, phases, seed)

    return lab.grid("by class", make, {"end": ENDS}, replicates=lab.choose(quick=32, full=300))


def better_and_worse(data: xarray.Dataset, end: str) -> np.ndarray:
    """Errors without label flips of both classes, the better one first, (replicates, 2)."""
    table = data["clean_error_by_label"].sel(end=end).transpose("seed", "label")
    return np.sort(table.values, axis=1)


def gap(data: xarray.Dataset, end: str) -> np.ndarray:
    """Error of the worse class, less that of the better one, (replicates,)."""
    better, worse = better_and_worse(data, end).T
    return np.asarray(worse - better)
