"""SAM, then SGD, at signals of the order of the noise."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from simulate import Phase, Problem
from simulate.problems.scales import with_sam_weights
from theory.experiments.boundaries import BASE, Line, Lines, noise_scale, run_lines
from theory.experiments.lab import Lab
from theory.experiments.protocols import pretrain

__all__ = ["TIMES", "over_dimension", "over_samples", "over_time"]

TIMES = (0.5, 2.0, 8.0)
"""Lengths η T q² / m of the SAM stage."""

_PLACES = (0.15, 0.25, 0.35, 0.45, 0.55, 0.7, 1.0, 1.5)


def _train(problem: Problem) -> tuple[Phase, ...]:
    return pretrain(problem, "SAM")


def over_dimension(lab: Lab) -> Lines:
    """The line over d at its theorem's initial weights and radius."""
    line = Line("d", lab.choose(quick=(10**4, 10**5, 10**6), full=(10**4, 10**5, 10**6, 10**7)))
    return run_lines(
        lab, "sam dimension", (line,), _PLACES, scale=noise_scale, prepare=with_sam_weights, phases=_train,
        replicates=lab.choose(quick=8, full=24),
    )  # fmt: skip


def over_samples(lab: Lab) -> Lines:
    """The line over n at d = 10^5."""
    return run_lines(
        lab, "sam samples", (Line("n", (20, 40, 80)),), _PLACES, scale=noise_scale, prepare=with_sam_weights,
        phases=_train, base=replace(BASE, d=10**5), replicates=lab.choose(quick=14, full=80),
    )  # fmt: skip


def over_time(lab: Lab) -> list[Lines]:
    """The same signals at d = 10^4 for each of TIMES."""
    return [
        run_lines(
            lab, "sam time", (Line("d", (10**4,)),), (*_PLACES, 2.2), scale=noise_scale,
            prepare=with_sam_weights, phases=partial(pretrain, optimizer="SAM", time=time),
            replicates=lab.choose(quick=8, full=60),
        )
        for time in TIMES
    ]  # fmt: skip
