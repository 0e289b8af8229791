"""How networks are trained in the experiments: pretraining, unlearning, retraining, each on the theory's scales.

Steps are the largest that the theory's hypotheses allow, or "large": then one number is fixed, the step by which an
own-class noise neuron moves its sample's output, per |ℓ'|.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal, get_args

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer
from simulate.house import ties
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
from theory.experiments.choices import Step, Stop, Weights
from theory.formulas.conditions import largest_step

__all__ = [
    "FIT_LOSS", "FORGOTTEN", "OPTIMIZERS", "REFERENCE", "SHORTER", "TINY_WEIGHTS", "Pretraining", "fit",
    "has_forgotten", "initialised", "matched", "pretrain", "retrain", "sam_stage", "tiny_radius", "unlearn",
    "unlearning_radius",
]  # fmt: skip

Pretraining = Literal["SGD", "SAM"]
"""Optimizer of pretraining."""
OPTIMIZERS: tuple[Pretraining, ...] = get_args(Pretraining)
"""Both of them, the plain one first."""

FIT_LOSS = 0.01
"""Training loss at which a network counts as fitted."""
FORGOTTEN = 0.5
"""Accuracy on the forget set at which its samples count as forgotten by the reading of guessing."""
SIGNAL_TIME = 2.0
"""Length η T q² / m of the SAM stage; a signal of strength q is learned in it, at every d."""
OWN_STEP = 0.1
"""Own-noise step of a large step."""
OWN_STEP_UNLEARNING = 0.2
"""The largest own-noise step of a large step of unlearning, over retain and forget samples."""
REFERENCE = "reference_"
"""What the names of the phases begin with in which the retrained network is trained, aside."""
TINY_WEIGHTS = 1e-9
"""σ_0 at which outputs vanish, so that all samples pull equally; the laws of deactivation are about this limit."""
SHORTER = 25
"""How many times as many steps are allowed where they are inside the hypotheses."""


def initialised(problem: Problem, optimizer: Pretraining, weights: Weights = "own") -> Problem:
    """The problem at the initial weights of a theorem: the optimizer's own, SAM's, or the small ones of SGD."""
    small = weights == "small" or (weights == "own" and optimizer == "SGD")
    return with_small_weights(problem) if small else with_sam_weights(problem)


def fit(
    problem: Problem, *, loss: float = FIT_LOSS, own_step: float = OWN_STEP, step: Step = "large",
    batch: int | None = None,
) -> Phase:  # fmt: skip
    """SGD until the training loss is small."""
    lr = step_size(problem, own_step) if step == "large" else largest_step(problem, batch=batch, epsilon=loss)
    return Phase("fit", Loss(), SGD(lr=lr, batch=batch), steps=_at_most(5000, step), stop_loss=loss)


def sam_stage(
    problem: Problem, *, loss: float = 0.4, time: float = SIGNAL_TIME, step: Step = "large", batch: int | None = None
) -> Phase:
    """SAM at the theory's radius, until the loss or the time η T q² / m is reached.

    A large step grows with √d, up to d = 10^6: noise neurons are switched off, so that the signal alone limits it.
    """
    q = (problem.P - 1) * problem.sigma_p
    large = step_size(problem) * math.sqrt(min(problem.d, 10**6) / 1000.0)
    lr = large if step == "large" else largest_step(problem, batch=batch, epsilon=loss)
    steps = ties.rounded_up(time * problem.m / q**2 / lr)
    tau = sam_radius(problem, batch)
    return Phase("sam", Loss(), SAM(lr=lr, tau=tau, batch=batch), steps=steps, stop_loss=loss)


def pretrain(
    problem: Problem, optimizer: Pretraining, *, loss: float = FIT_LOSS, time: float = SIGNAL_TIME,
    step: Step = "large", batch: int | None = None,
) -> tuple[Phase, ...]:  # fmt: skip
    """SGD alone, or SAM for a time and then SGD, as their theorems ask."""
    last = fit(problem, loss=loss, step=step, batch=batch)
    return (last,) if optimizer == "SGD" else (sam_stage(problem, time=time, step=step, batch=batch), last)


def retrain(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """The same training on the retain set alone: the network that unlearning should have led to."""
    return tuple(replace(phase, objective=Loss(on="retain")) for phase in phases)


def unlearning_radius(problem: Problem, ratio: float = 1.0) -> float:
    """A radius for unlearning at which forgetting is quick, τ = ratio · τ_theory / √m.

    At the radius of pretraining it takes some twenty times as long: ε̂ raises the margins of the forget set, and its
    slopes vanish exponentially in them.
    """
    return ratio * sam_radius(problem) / math.sqrt(problem.m)


def tiny_radius(ratio: float, m: int, batch: int) -> float:
    """A radius at tiny weights, τ = ratio · σ_0 √(m B): at a ratio of 1 the laws of deactivation have z = 1."""
    return ratio * TINY_WEIGHTS * math.sqrt(m * batch)


def unlearn(
    problem: Problem, objective: Objective, optimizer: Optimizer, *, until: float | None = FORGOTTEN,
    steps: int = 4000, step: Step = "large",
) -> Phase:  # fmt: skip
    """Unlearn until the accuracy on the forget set has fallen to a value.

    Args:
        problem: The problem.
        objective: NegGrad or RandomLabel.
        optimizer: Its step size is replaced: by the largest one inside the hypotheses, or by the one at which no
            sample's own-noise step exceeds `OWN_STEP_UNLEARNING`.
        until: Accuracy on the forget set; None takes all steps.
        steps: Number of large steps at most; of short ones `SHORTER` times as many.
        step: How long a step is.
    """
    share = problem.n_forget / problem.n
    weight = (
        max(objective.alpha / (1.0 - share), (1.0 - objective.alpha) / share) if isinstance(objective, NegGrad) else 1.0
    )
    short = step == "hypotheses"
    lr = largest_step(problem, batch=optimizer.batch) if short else step_size(problem, OWN_STEP_UNLEARNING) / weight
    most = _at_most(steps, step)
    return Phase("unlearn", objective, replace(optimizer, lr=lr), steps=most, stop_forget_below=until)


def matched(before: tuple[Phase, ...], last: Phase, stop: Stop) -> tuple[Phase, ...]:
    """Pretraining and unlearning, which ends as a reading of "forgotten" says.

    Args:
        before: The phases of pretraining.
        last: The phase of unlearning, as `unlearn` makes it.
        stop: "retrained loss": the mean loss on F is that of the network retrained without F, which is trained aside
            from the same weights. "accuracy 1/2": that of guessing. "5 passes", "10 passes": so many over F, whatever
            comes of it. "retain loss": the mean loss on R is a fifth of that at which pretraining ended.

    Returns:
        All phases.
    """
    plain = replace(last, stop_forget_below=None)
    if stop == "retrained loss":
        reference = tuple(replace(phase, name=REFERENCE + phase.name, aside=True) for phase in retrain(before))
        return *reference, *before, replace(plain, stop_forget_loss_above=reference[-1].name)
    if stop == "retain loss":
        return *before, replace(plain, stop_loss=(before[-1].stop_loss or FIT_LOSS) / 5.0)
    if stop == "accuracy 1/2":
        return *before, replace(last, stop_forget_below=FORGOTTEN)
    return *before, replace(plain, steps=int(stop.split()[0]))


def has_forgotten(data: Any, stop: Stop) -> Any:
    """Whether each run of a dataset ended as its reading says, and not because its steps were used up.

    Args:
        data: What `Lab.grid` returns.
        stop: The reading.

    Returns:
        Array of bool with the dimensions of "status".
    """
    ended = "max_steps" if stop in ("5 passes", "10 passes") else "converged"
    return data["status"] == ended


def _at_most(steps: int, step: Step) -> int:
    """A number of large steps, or as far with short ones."""
    return steps if step == "large" else SHORTER * steps
