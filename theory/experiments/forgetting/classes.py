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

__all__ = ["ENDS", "better_and_worse", "by_class", "errors_by_class", "gap"]

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


def errors_by_class(data: xarray.Dataset, of: str) -> dict[str, np.ndarray]:
    """Errors without label flips of the better and of the worse class of every run, by words for what they are of."""
    by_label = [dim for dim in data["clean_error_by_label"].dims if dim != "label"]
    ordered = np.sort(data["clean_error_by_label"].transpose(*by_label, "label").values.reshape(-1, 2), axis=1)
    return {f"clean error of the {word} class, {of}": ordered[:, k] for k, word in enumerate(("better", "worse"))}


def better_and_worse(data: xarray.Dataset, end: str) -> np.ndarray:
    """Errors without label flips of both classes, the better one first, (replicates, 2)."""
    table = data["clean_error_by_label"].sel(end=end).transpose("seed", "label")
    return np.sort(table.values, axis=1)


def gap(data: xarray.Dataset, end: str) -> np.ndarray:
    """Error of the worse class, less that of the better one, (replicates,)."""
    better, worse = better_and_worse(data, end).T
    return np.asarray(worse - better)
