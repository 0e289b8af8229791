"""SAM, then SGD, at signals of the order of the noise."""

from __future__ import annotations

from dataclasses import replace

from simulate import Phase, Problem
from simulate.scales import with_sam_weights
from theory.experiments.boundaries import BASE, Line, Lines, noise_scale, run_lines
from theory.lab import Lab
from theory.protocols import pretrain

__all__ = ["over_dimension", "over_samples"]

_PLACES = (0.15, 0.25, 0.35, 0.45, 0.55, 0.7, 1.0, 1.5)


def _train(problem: Problem) -> tuple[Phase, ...]:
    return pretrain(problem, "SAM")


def over_dimension(lab: Lab) -> Lines:
    """The line over d at its theorem's initial weights and radius."""
    line = Line("d", lab.choose(quick=(10**4, 10**5, 10**6), full=(10**4, 10**5, 10**6, 10**7, 10**8)))
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
