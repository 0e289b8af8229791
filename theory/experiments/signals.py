"""How much signal SAM and SGD learn from the same start, and the α each of them needs."""

from __future__ import annotations

from dataclasses import replace

import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import predicted_boundary
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, pretrain, unlearn
from theory.experiments.unlearning import ALPHAS, PRETRAINED_LOSS, STANDARD

__all__ = ["DIMENSIONS", "SIGNALS", "alpha_needed", "early", "over_dimension", "over_samples", "over_signal"]

SIGNALS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Signals ‖φ‖ that are compared."""
DIMENSIONS = (2000, 8000, 32_000)
"""Dimensions that are compared."""
SAMPLES = (20, 40, 80)
_BASE = replace(STANDARD, n=20, signal=3.0, forget=0.0)
_OPTIMIZERS = ("SGD", "SAM")


def over_signal(lab: Lab) -> xarray.Dataset:
    """Networks fitted to a loss of 0.01, over the signal."""
    return _end_of_training(lab, "signal", SIGNALS)


def over_dimension(lab: Lab) -> xarray.Dataset:
    """The same over d."""
    return _end_of_training(lab, "d", DIMENSIONS)


def over_samples(lab: Lab) -> xarray.Dataset:
    """The same over n."""
    return _end_of_training(lab, "n", SAMPLES)


def _end_of_training(lab: Lab, factor: str, values: tuple[float, ...]) -> xarray.Dataset:

    def make(seed: int, optimizer: Pretraining, **fields: float) -> Cell:
        problem = with_sam_weights(replace(_BASE, **fields))  # type: ignore[arg-type]
        return Cell(problem, pretrain(problem, optimizer), seed)

    axes = {"optimizer": _OPTIMIZERS, factor: values}
    return lab.grid("signal learned", make, axes, replicates=lab.choose(quick=64, full=400))


def early(lab: Lab) -> xarray.Dataset:
    """The first ten steps, at one step size, over the signal."""

    def make(seed: int, optimizer: Pretraining, signal: float) -> Cell:
        problem = with_sam_weights(replace(_BASE, signal=signal))
        lr = step_size(problem, 0.01)
        chosen = SGD(lr=lr) if optimizer == "SGD" else SAM(lr=lr, tau=sam_radius(problem))
        return Cell(problem, (Phase("early", Loss(), chosen, steps=10),), seed)

    axes = {"optimizer": _OPTIMIZERS, "signal": SIGNALS}
    return lab.grid("early signal", make, axes, replicates=lab.choose(quick=64, full=400))


def alpha_needed(lab: Lab) -> xarray.Dataset:
    """NegGrad with SGD over d, n and α, after SGD and after SAM, each pretrained from its own theorem's weights.

    Signals are 2.5 d^¼ n^-¼ q, where both are benign before unlearning.
    """

    def make(seed: int, pretraining: Pretraining, d: int, n: int, alpha: float) -> Cell:
        problem = replace(STANDARD, d=d, n=n)
        problem = replace(problem, signal=2.5 * predicted_boundary(problem))
        problem = with_small_weights(problem) if pretraining == "SGD" else with_sam_weights(problem)
        last = unlearn(problem, NegGrad(alpha=alpha), SGD())
        return Cell(problem, (*pretrain(problem, pretraining, loss=PRETRAINED_LOSS), last), seed)

    axes = {"pretraining": _OPTIMIZERS, "d": DIMENSIONS, "n": (20, 40), "alpha": ALPHAS}
    return lab.grid("alpha needed", make, axes, replicates=lab.choose(quick=24, full=200))
