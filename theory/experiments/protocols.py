"""How networks are trained in the experiments: pretraining, unlearning, retraining, each on the theory's scales.

Step sizes keep one number fixed: the step by which an own-class noise neuron moves its sample's output, per |ℓ'|.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem
from simulate.dynamics.optimizers import Optimizer
from simulate.dynamics.phases import Objective
from simulate.house import ties
from simulate.problems.scales import sam_radius, step_size

__all__ = [
    "FIT_LOSS", "FORGOTTEN", "Pretraining", "fit", "pretrain", "retrain", "sam_stage", "unlearn", "unlearning_radius",
]  # fmt: skip

Pretraining = Literal["SGD", "SAM"]
"""Optimizer of pretraining."""

FIT_LOSS = 0.01
"""Training loss at which a network counts as fitted."""
FORGOTTEN = 0.5
"""Accuracy on the forget set at which its samples count as forgotten: that of guessing."""
SIGNAL_TIME = 2.0
"""Length η T q² / m of the SAM stage; a signal of strength q is learned in it, at every d."""
OWN_STEP_UNLEARNING = 0.2
"""Largest own-noise step of an unlearning step, over retain and forget samples."""


def fit(problem: Problem, *, loss: float = FIT_LOSS, own_step: float = 0.1) -> Phase:
    """SGD until the training loss is small."""
    return Phase("fit", Loss(), SGD(lr=step_size(problem, own_step)), steps=5000, stop_loss=loss)


def sam_stage(problem: Problem, *, loss: float = 0.4, time: float = SIGNAL_TIME) -> Phase:
    """SAM at the theory's radius, until the loss or the time η T q² / m is reached.

    Its step grows with √d, up to d = 10^6: noise neurons are switched off, so that the signal alone limits the step.
    """
    q = (problem.P - 1) * problem.sigma_p
    lr = step_size(problem) * math.sqrt(min(problem.d, 10**6) / 1000.0)
    steps = ties.rounded_up(time * problem.m / q**2 / lr)
    return Phase("sam", Loss(), SAM(lr=lr, tau=sam_radius(problem)), steps=steps, stop_loss=loss)


def pretrain(
    problem: Problem, optimizer: Pretraining, *, loss: float = FIT_LOSS, time: float = SIGNAL_TIME
) -> tuple[Phase, ...]:
    """SGD alone, or SAM for a time and then SGD, as their theorems ask."""
    last = fit(problem, loss=loss)
    return (last,) if optimizer == "SGD" else (sam_stage(problem, time=time), last)


def retrain(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """The same training on the retain set alone: the network that unlearning should have led to."""
    return tuple(replace(phase, objective=Loss(on="retain")) for phase in phases)


def unlearning_radius(problem: Problem, ratio: float = 1.0) -> float:
    """SAM's radius while unlearning, τ = ratio · τ_theory / √m, where τ_theory is that of pretraining.

    At the radius of pretraining forgetting all but stops: ε̂ raises the margins of the forget set, and its slopes vanish
    exponentially in them.
    """
    return ratio * sam_radius(problem) / math.sqrt(problem.m)


def unlearn(
    problem: Problem,
    objective: Objective,
    optimizer: Optimizer,
    *,
    until: float | None = FORGOTTEN,
    steps: int = 4000,
) -> Phase:
    """Unlearn until the accuracy on the forget set has fallen to a value.

    Args:
        problem: The problem.
        objective: NegGrad or RandomLabel.
        optimizer: Its step size is replaced by the one at which no sample's own-noise step exceeds
            `OWN_STEP_UNLEARNING`.
        until: Accuracy on the forget set; None takes all steps.
        steps: Number of steps at most.
    """
    share = problem.n_forget / problem.n
    weight = (
        max(objective.alpha / (1.0 - share), (1.0 - objective.alpha) / share) if isinstance(objective, NegGrad) else 1.0
    )
    lr = step_size(problem, OWN_STEP_UNLEARNING) / weight
    return Phase("unlearn", objective, replace(optimizer, lr=lr), steps=steps, stop_forget_below=until)
