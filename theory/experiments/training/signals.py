"""How much signal SAM and SGD learn, and the α each of them needs."""

from __future__ import annotations

from dataclasses import replace

import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase
from simulate.problems.scales import sam_radius
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.boundaries import predicted_boundary
from theory.experiments.course import STANDARD, Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import OPTIMIZERS, Pretraining, initialised
from theory.experiments.unlearning import ALPHAS
from theory.formulas.conditions import largest_step

__all__ = [
    "DIMENSIONS",
    "SIGNALS",
    "alpha_needed",
    "early",
    "early_without_radius",
    "over_dimension",
    "over_samples",
    "over_signal",
]

SIGNALS = (2.0, 2.5, 3.0, 4.0)
"""Signals ‖φ‖ that are compared, all at least P σ_p."""
DIMENSIONS = (1000, 2000, 4000)
"""Dimensions that are compared."""
SAMPLES = (10, 20, 40)
_BASE = replace(STANDARD, signal=3.0, forget=0.0)


def over_signal(lab: Lab) -> xarray.Dataset:
    """Networks at the end of training, over the signal."""
    return _end_of_training(lab, "signal", SIGNALS)


def over_dimension(lab: Lab) -> xarray.Dataset:
    """The same over d."""
    return _end_of_training(lab, "d", DIMENSIONS)


def over_samples(lab: Lab) -> xarray.Dataset:
    """The same over n."""
    return _end_of_training(lab, "n", SAMPLES)


def _end_of_training(lab: Lab, factor: str, values: tuple[float, ...]) -> xarray.Dataset:
    course = Course(lab)

    def make(seed: int, optimizer: Pretraining, **fields: float) -> Cell:
        sized = course.sized(replace(_BASE, **fields))  # type: ignore[arg-type]
        problem = initialised(sized, optimizer, lab.pick(choices.WEIGHTS))
        return Cell(problem, course.pretrain(problem, optimizer), seed)

    axes = {"optimizer": OPTIMIZERS, factor: values}
    return lab.grid("signal learned", make, axes, replicates=lab.choose(quick=24, full=200))


def early(lab: Lab) -> xarray.Dataset:
    """The first ten steps, at one step size, over the signal."""
    return _first_steps(lab, 1.0)


def early_without_radius(lab: Lab) -> xarray.Dataset:
    """The null experiment of it: SAM has the radius 0."""
    return _first_steps(lab, 0.0)


def _first_steps(lab: Lab, ratio: float) -> xarray.Dataset:
    course = Course(lab)

    def make(seed: int, optimizer: Pretraining, signal: float) -> Cell:
        sized = course.sized(replace(_BASE, signal=signal))
        lr = min(largest_step(initialised(sized, name)) for name in ("SGD", "SAM"))
        problem = initialised(sized, optimizer, lab.pick(choices.WEIGHTS))
        chosen = SGD(lr=lr) if optimizer == "SGD" else SAM(lr=lr, tau=ratio * sam_radius(problem))
        return Cell(problem, (Phase("early", Loss(), chosen, steps=10),), seed)

    axes = {"optimizer": OPTIMIZERS, "signal": SIGNALS}
    return lab.grid("early signal", make, axes, replicates=lab.choose(quick=64, full=400))


def alpha_needed(lab: Lab) -> xarray.Dataset:
    """NegGrad with SGD over d, n and α, after SGD and after SAM, each pretrained from its own theorem's weights.

    Signals are 2.5 d^¼ n^-¼ q, where both are benign before unlearning.
    """
    course = Course(lab)

    def make(seed: int, pretraining: Pretraining, d: int, n: int, alpha: float) -> Cell:
        base = replace(STANDARD, d=d, n=n)
        problem = course.problem(replace(base, signal=2.5 * predicted_boundary(base)), pretraining)
        before = course.pretrain(problem, pretraining)
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=alpha), SGD()), seed)

    axes = {
        "pretraining": OPTIMIZERS,
        "d": lab.choose(quick=DIMENSIONS[:2], full=DIMENSIONS),
        "n": (20, 30),
        "alpha": tuple(sorted({*lab.choose(quick=(0.3, 0.95), full=ALPHAS), course.alpha})),
    }
    return lab.grid("alpha needed", make, axes, replicates=lab.choose(quick=8, full=50))
