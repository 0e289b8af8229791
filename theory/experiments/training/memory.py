"""The noise coefficients all along a training, beside the bounds that the theory states for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate import Record, run
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining
from theory.formulas.conditions import problem_margins

__all__ = ["LEAST", "POINTS", "Path", "paths"]

POINTS = 60
"""Moments of a training that are looked at, spaced in its logarithm."""
LEAST = 10
"""Steps before which a bound in log T says nothing."""


@dataclass(frozen=True, eq=False)
class Path:
    """One training.

    Attributes:
        steps: Steps taken at each moment, (points,).
        own: Least and largest own-class ζ, (points, 2).
        opposite: The same of the opposite class.
        margins: Margins of the hypotheses.
    """

    steps: np.ndarray
    own: np.ndarray
    opposite: np.ndarray
    margins: dict[str, float]

    @property
    def of_bound(self) -> float:
        """Largest |ζ| over 4 log T, over all moments from `LEAST` steps on."""
        late = self.steps >= LEAST
        largest = np.maximum(np.abs(self.own), np.abs(self.opposite)).max(axis=1)
        return float((largest[late] / (4.0 * np.log(self.steps[late]))).max())

    @property
    def wrong_sign(self) -> float:
        """How far own-class ζ fall below 0 or opposite ones rise above it, over the largest |ζ|."""
        beyond = max(0.0, -float(self.own.min()), float(self.opposite.max()))
        return beyond / max(float(np.abs(self.own).max()), 1e-300)


def paths(lab: Lab, pretraining: Pretraining) -> list[Path]:
    """The standard problem trained to the loss of pretraining."""
    course = Course(lab)
    problem = course.problem(course.standard, pretraining)
    phases = course.pretrain(problem, pretraining)
    record = Record(points=POINTS, observe=("coefficients",))
    made = []
    for seed in lab.seeds("memory", lab.choose(quick=40, full=200)):
        trace = run(problem, phases, seed=seed, record=record, test_directions=16).trace
        made.append(_path(trace, problem_margins(problem, phases)))
    return made


def _path(trace: object, margins: dict[str, float]) -> Path:
    def ends(relation: str) -> np.ndarray:
        tables = [
            trace[name].sel(relation=relation, set=["retain", "forget"]).values  # type: ignore[index]
            for name in ("zeta_min", "zeta_max")
        ]
        return np.stack([np.nanmin(tables[0], axis=-1), np.nanmax(tables[1], axis=-1)], axis=-1)

    return Path(np.asarray(trace["step"].values), ends("own"), ends("opposite"), margins)  # type: ignore[index]
