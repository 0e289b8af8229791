"""Training and unlearning at steps of one length under every law of noise."""

from __future__ import annotations

from dataclasses import replace

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem
from simulate.house import ties
from simulate.problems.scales import sam_radius, step_size
from theory.experiments import choices
from theory.experiments.lab import Lab
from theory.experiments.noise.choices import OWN_STEP
from theory.experiments.protocols import OWN_STEP as LARGE
from theory.experiments.protocols import SIGNAL_TIME, Pretraining, matched, unlearn

__all__ = ["MOST_STEPS", "trained", "unlearned", "unlearning"]

MOST_STEPS = 100_000
"""Steps of a phase at most: quiet images are fitted slowly."""
_HANDOVER = 0.4
"""Training loss at which the SAM stage ends, if its time does not."""


def trained(lab: Lab, problem: Problem, optimizer: Pretraining) -> tuple[Phase, ...]:
    """SGD to the protocol's loss, or SAM at the theory's radius for a time ηT = 2m/q² and then SGD."""
    lr = step_size(problem, lab.pick(OWN_STEP))
    fit = Phase("fit", Loss(), SGD(lr=lr), steps=MOST_STEPS, stop_loss=lab.pick(choices.PRETRAINED))
    if optimizer == "SGD":
        return (fit,)
    q = (problem.P - 1) * problem.sigma_p
    steps = ties.rounded_up(SIGNAL_TIME * problem.m / q**2 / lr)
    return Phase("sam", Loss(), SAM(lr=lr, tau=sam_radius(problem)), steps=steps, stop_loss=_HANDOVER), fit


def unlearning(lab: Lab, problem: Problem, optimizer: Pretraining) -> Phase:
    """NegGrad at the protocol's α with SGD, or with SAM at the theory's radius; no rule stops it yet."""
    chosen = SGD() if optimizer == "SGD" else SAM(tau=sam_radius(problem))
    large = unlearn(problem, NegGrad(alpha=lab.pick(choices.ALPHA)), chosen, until=None, steps=MOST_STEPS)
    lr = large.optimizer.lr * lab.pick(OWN_STEP) / LARGE
    return replace(large, optimizer=replace(large.optimizer, lr=lr))


def unlearned(lab: Lab, problem: Problem, optimizer: Pretraining) -> tuple[Phase, ...]:
    """Training, then NegGrad with SGD until the loss on F is that of the network retrained without it."""
    return matched(trained(lab, problem, optimizer), unlearning(lab, problem, "SGD"), "retrained loss")
