"""SGD at its boundary, far above it, and at initial weights its theorem excludes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulate import Phase, Problem
from simulate.problems.scales import with_sam_weights, with_small_weights
from theory.experiments.boundaries import BASE, Line, Lines, predicted_boundary, run_lines
from theory.experiments.lab import Lab
from theory.experiments.protocols import fit

__all__ = ["decay", "large_weights", "small_weights"]

_PLACES = (0.25, 0.5, 0.7, 0.9, 1.1, 1.4, 1.8, 2.5)


def _fit(problem: Problem) -> tuple[Phase, ...]:
    return (fit(problem),)


def small_weights(lab: Lab) -> Lines:
    """Lines over d, n and the noise from small initial weights, trained until the loss is 0.01."""
    lines = (
        Line(
            "d", lab.choose(quick=(10**4, 10**5, 10**6, 10**7, 10**8, 10**9), full=tuple(10**k for k in range(3, 10)))
        ),
        Line("n", (20, 40, 80, 160)),
        Line("noise", (0.25, 1.0, 4.0)),
    )
    return run_lines(
        lab, "sgd small weights", lines, _PLACES, scale=predicted_boundary, prepare=with_small_weights, phases=_fit,
        replicates=lab.choose(quick=24, full=200),
    )  # fmt: skip


def large_weights(lab: Lab) -> Lines:
    """The line over d from the initial weights of SAM's theorem, σ_0 = 1 / (P σ_p √d)."""
    places = (0.5, 0.8, 1.3, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
    return run_lines(
        lab, "sgd large weights", (Line("d", (10**4, 10**5, 10**6, 10**7, 10**8)),), places, scale=predicted_boundary,
        prepare=with_sam_weights, phases=_fit, replicates=lab.choose(quick=12, full=100),
    )  # fmt: skip


def decay(lab: Lab) -> Lines:
    """Far into the benign regime, where only the closed-form radius of the test noise can see an error at all."""
    lines = (Line("d", (10**7, 10**8, 10**9)), Line("n", (20, 40, 80, 160)))
    return run_lines(
        lab, "sgd decay", lines, tuple(np.geomspace(3.2, 10.0, 7)),
        scale=predicted_boundary, prepare=with_small_weights, phases=_fit, base=replace(BASE, d=10**8),
        replicates=lab.choose(quick=20, full=100),
    )  # fmt: skip
