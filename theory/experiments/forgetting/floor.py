"""Far above the boundary, over the label noise: networks after unlearning."""

from __future__ import annotations

from dataclasses import replace

import xarray

from simulate import SGD, NegGrad
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import predicted_boundary
from theory.experiments.course import Course
from theory.experiments.lab import Lab

__all__ = ["FAR", "FLIPS", "NEAR", "over_label_noise"]

NEAR, FAR = 1.0, 4.0
"""Signals in units of the predicted boundary: on it, and far above."""
FLIPS = (0.05, 0.1, 0.2)
"""Label noise p."""


def over_label_noise(lab: Lab) -> xarray.Dataset:
    """NegGrad with SGD after SGD, over p and the signal."""
    course = Course(lab)

    def make(seed: int, p: float, place: float) -> Cell:
        base = replace(course.standard, signal=place * predicted_boundary(course.standard))
        problem = replace(course.problem(base, "SGD"), label_flip=p)
        before = course.pretrain(problem, "SGD")
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=course.alpha), SGD()), seed)

    return lab.grid("floor", make, {"p": FLIPS, "place": (NEAR, FAR)}, replicates=lab.choose(quick=20, full=200))
