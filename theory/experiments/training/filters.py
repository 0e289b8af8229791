"""SGD at its boundary over the number of filters."""

from __future__ import annotations

from dataclasses import replace

import xarray

from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import BASE
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import initialised
from theory.experiments.training.minibatches import placed

__all__ = ["FEW", "FILTERS", "PLACES", "boundary_by_filters"]

FEW = 2
"""So few filters that every fourth sample has no active noise neuron of its class."""
FILTERS = (FEW, 5, 20)
"""Numbers m of filters of each sign; with the full budget 10 and 50, too."""
PLACES = (0.2, 0.35, 0.55, 0.75, 1.0)
"""Signals in units of the predicted boundary."""


def boundary_by_filters(lab: Lab) -> xarray.Dataset:
    """Training from SGD's weights over m and the signal."""
    course = Course(lab)

    def make(seed: int, m: int, place: float) -> Cell:
        sized = replace(course.sized(placed(replace(BASE, d=1000, n=10), place)), m=m)
        problem = initialised(sized, "SGD")
        return Cell(problem, course.pretrain(problem, "SGD"), seed)

    axes = {"m": lab.choose(quick=FILTERS, full=(2, 5, 10, 20, 50)), "place": PLACES}
    return lab.grid("filters", make, axes, replicates=lab.choose(quick=16, full=200))
