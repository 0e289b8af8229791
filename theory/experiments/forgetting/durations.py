"""How long NegGrad with SGD takes to forget, over d, α and the number of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray

from simulate import SGD, NegGrad
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import predicted_boundary
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.unlearning import phase_from_end

__all__ = ["over_alpha", "over_dimension", "over_samples"]

_ABOVE = 2.5
"""Signals in units of the predicted boundary, at every d and n."""


def over_dimension(lab: Lab) -> xarray.Dataset:
    """Times ηT over d."""
    return _times(lab, {"d": lab.choose(quick=(500, 2000, 8000), full=(500, 1000, 2000, 4000, 8000))})


def over_alpha(lab: Lab) -> xarray.Dataset:
    """The same over α."""
    return _times(lab, {"alpha": (0.5, 0.7, 0.9)})


def over_samples(lab: Lab) -> xarray.Dataset:
    """The same over n, and with it |F|."""
    return _times(lab, {"n": lab.choose(quick=(20, 40), full=(20, 30, 40))})


def _times(lab: Lab, axes: Mapping[str, Sequence[Any]]) -> xarray.Dataset:
    """Unlearning over one factor.

    Returns:
        What `Lab.grid` returns, with "time", the steps of unlearning times their length η, and "forgotten".
    """
    course = Course(lab)

    def make(seed: int, d: int | None = None, n: int | None = None, alpha: float | None = None) -> Cell:
        sized = replace(course.standard, d=d or course.standard.d, n=n or course.standard.n)
        problem = course.problem(replace(sized, signal=_ABOVE * predicted_boundary(sized)), "SGD")
        before, weight = course.pretrain(problem, "SGD"), course.alpha if alpha is None else alpha
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=weight), SGD()), seed)

    data = lab.grid("durations", make, axes, replicates=lab.choose(quick=16, full=200))
    ((name, values),) = axes.items()
    lengths = [make(0, **{name: value}).phases[-1].optimizer.lr for value in values]
    length = xarray.DataArray(lengths, dims=name, coords={name: list(values)})
    steps = phase_from_end(data, "phase_steps")
    return data.assign(time=steps * length, forgotten=course.forgotten(data)).assign_attrs(data.attrs)
