"""SAM, then SGD, at signals of the order of the noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulate import Phase, Problem
from theory.experiments import choices
from theory.experiments.boundaries import BASE, Line, Lines, noise_scale, run_lines
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import SIGNAL_TIME, initialised, pretrain

__all__ = ["TIMES", "over_dimension", "over_samples", "over_time"]

TIMES = (0.5, 2.0, 8.0)
"""Lengths η T q² / m of the SAM stage."""

_PLACES = (0.15, 0.25, 0.35, 0.45, 0.55, 0.7, 1.0, 1.5)


def _training(lab: Lab, time: float = SIGNAL_TIME) -> dict[str, Callable[[Problem], object]]:
    """SAM for a time, then SGD, from SAM's initial weights, as the protocol has it."""
    course = Course(lab)

    def prepare(problem: Problem) -> Problem:
        return initialised(course.sized(problem), "SAM")

    def phases(problem: Problem) -> tuple[Phase, ...]:
        step, batch = lab.pick(choices.STEP), lab.pick(choices.BATCH)
        return pretrain(problem, "SAM", loss=course.loss, time=time, step=step, batch=batch)

    return {"prepare": prepare, "phases": phases}


def over_dimension(lab: Lab) -> Lines:
    """The line over d at its theorem's initial weights and radius."""
    line = Line("d", lab.choose(quick=(1000, 2000), full=(1000, 2000, 4000, 8000)))
    return run_lines(
        lab, "sam dimension", (line,), _PLACES, scale=noise_scale, replicates=lab.choose(quick=6, full=24),
        **_training(lab),  # type: ignore[arg-type]
    )  # fmt: skip


def over_samples(lab: Lab) -> Lines:
    """The line over n."""
    line = Line("n", lab.choose(quick=(10, 20), full=(10, 20, 40)))
    base = replace(BASE, d=lab.choose(quick=1000, full=2000))
    return run_lines(
        lab, "sam samples", (line,), _PLACES, scale=noise_scale, base=base,
        replicates=lab.choose(quick=8, full=40), **_training(lab),  # type: ignore[arg-type]
    )  # fmt: skip


def over_time(lab: Lab) -> list[Lines]:
    """The same signals for each of TIMES."""
    return [
        run_lines(
            lab, "sam time", (Line("d", (1000,)),), (*_PLACES, 2.2), scale=noise_scale,
            replicates=lab.choose(quick=6, full=40), **_training(lab, time),  # type: ignore[arg-type]
        )
        for time in TIMES
    ]  # fmt: skip
