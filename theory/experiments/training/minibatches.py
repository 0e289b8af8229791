"""SGD at its boundary with batches of one sample, of five, and of all."""

from __future__ import annotations

from dataclasses import replace

import xarray

from simulate import Problem
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.boundaries import BASE, predicted_boundary
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import initialised, pretrain

__all__ = ["BATCHES", "PLACES", "SAMPLES", "boundary_by_batch"]

BATCHES = (1, 5, 10)
"""Samples of a step; the last is all of them."""
SAMPLES = 10
"""n: steps inside the hypotheses are as short as batches are small, so that there are few."""
PLACES = (0.45, 0.65, 0.9, 1.3)
"""Signals in units of the predicted boundary."""


def boundary_by_batch(lab: Lab) -> xarray.Dataset:
    """Training from SGD's weights over the batch, d and the signal."""
    course = Course(lab)

    def make(seed: int, batch: int, d: int, place: float) -> Cell:
        problem = initialised(course.sized(placed(replace(BASE, n=SAMPLES, d=d), place)), "SGD")
        step = lab.pick(choices.STEP)
        return Cell(problem, pretrain(problem, "SGD", loss=course.loss, step=step, batch=batch), seed)

    axes = {"batch": BATCHES, "d": lab.choose(quick=(400, 3200), full=(400, 800, 1600, 3200)), "place": PLACES}
    return lab.grid("batches", make, axes, replicates=lab.choose(quick=8, full=50))


def placed(problem: Problem, place: float) -> Problem:
    """A problem with its signal at a multiple of the predicted boundary."""
    return replace(problem, signal=place * predicted_boundary(problem))
