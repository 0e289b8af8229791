"""SGD at its boundary, far above it, and at initial weights its theorem excludes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from simulate import Phase, Problem
from theory.experiments.boundaries import BASE, Line, Lines, predicted_boundary, run_lines
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, initialised

__all__ = ["decay", "large_weights", "small_weights"]

_PLACES = (0.25, 0.5, 0.7, 0.9, 1.1, 1.4, 1.8, 2.5)
_BASE = replace(BASE, d=6400)


def _training(lab: Lab, weights: Pretraining) -> dict[str, Callable[[Problem], object]]:
    """SGD from the initial weights of a theorem, as the protocol has it."""
    course = Course(lab)

    def prepare(problem: Problem) -> Problem:
        return initialised(course.sized(problem), weights)

    def phases(problem: Problem) -> tuple[Phase, ...]:
        return course.pretrain(problem, "SGD")

    return {"prepare": prepare, "phases": phases}


def small_weights(lab: Lab) -> Lines:
    """Lines over d, n and the noise from the initial weights of SGD's theorem."""
    dimensions = lab.choose(quick=(1000, 4000, 16_000), full=(1000, 2000, 4000, 8000, 16_000, 32_000))
    sizes = lab.choose(quick=(10, 20, 80), full=(10, 20, 40, 80))
    scales = lab.choose(quick=(0.25, 4.0), full=(0.25, 1.0, 4.0))
    lines = (Line("d", dimensions), Line("n", sizes), Line("noise", scales))
    return run_lines(
        lab, "sgd small weights", lines, _PLACES, scale=predicted_boundary, base=_BASE,
        replicates=lab.choose(quick=10, full=60), **_training(lab, "SGD"),  # type: ignore[arg-type]
    )  # fmt: skip


def large_weights(lab: Lab) -> Lines:
    """The line over d from the initial weights of SAM's theorem, σ_0 = 1 / (P σ_p √d)."""
    places = (0.5, 0.8, 1.3, 2.0, 3.0, 5.0, 8.0)
    dimensions = lab.choose(quick=(1000, 4000, 16_000), full=(1000, 2000, 4000, 8000, 16_000))
    return run_lines(
        lab, "sgd large weights", (Line("d", dimensions),), places, scale=predicted_boundary, base=_BASE,
        replicates=lab.choose(quick=10, full=60), **_training(lab, "SAM"),  # type: ignore[arg-type]
    )  # fmt: skip


def decay(lab: Lab) -> Lines:
    """Far into the benign regime, where only the closed-form radius of the test noise can see an error at all.

    Not farther: where d no longer exceeds n‖φ‖² many times, the signal alone fits the samples, and the law bends.
    """
    dimensions, sizes = lab.choose(quick=((16_000, 64_000), (20, 80)), full=((16_000, 64_000, 256_000), (20, 40, 80)))
    lines = (Line("d", dimensions), Line("n", sizes))
    return run_lines(
        lab, "sgd decay", lines, tuple(np.geomspace(3.0, 6.0, lab.choose(quick=3, full=5))),
        scale=predicted_boundary, base=replace(BASE, d=64_000), replicates=lab.choose(quick=8, full=30),
        **_training(lab, "SGD"),  # type: ignore[arg-type]
    )  # fmt: skip
