"""Methods of unlearning, scored by their distance to the network retrained without the forget set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, RandomLabel, SharpMinMax
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.course import STANDARD, Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import SHORTER, Pretraining, retrain
from theory.experiments.unlearning import phase_from_end
from theory.formulas.conditions import largest_step

__all__ = ["GRADIENTS", "METHODS", "OURS", "RELEARN_STEPS", "interaction", "scored"]

OURS = "Sharp MinMax"
"""The method that the paper proposes, by its name among METHODS."""
METHODS: dict[str, Callable[[float, float], tuple[Objective, Optimizer]]] = {
    "NegGrad SGD": lambda alpha, tau: (NegGrad(alpha=alpha), SGD()),
    "NegGrad SAM": lambda alpha, tau: (NegGrad(alpha=alpha), SAM(tau=tau)),
    "NegGrad retain-SAM": lambda alpha, tau: (NegGrad(alpha=alpha), SAM(tau=tau, on="retain")),
    OURS: lambda alpha, tau: (NegGrad(alpha=alpha), SharpMinMax(tau=tau)),
    "NegGrad forget-SAM max": lambda alpha, tau: (NegGrad(alpha=alpha), SAM(tau=tau, on="forget", sharpness="max")),
    "random label SGD": lambda alpha, tau: (RandomLabel(), SGD()),
    "random label 1/2 SGD": lambda alpha, tau: (RandomLabel(flip=0.5), SGD()),
    "random label SAM": lambda alpha, tau: (RandomLabel(), SAM(tau=tau)),
}
"""Ways to unlearn that are compared, each of a weight α of the retain loss and a radius."""

GRADIENTS = {name: 2 if "SAM" in name else 4 if name == OURS else 1 for name in METHODS}
"""Gradients that a step takes: each sharpness-aware move takes two, and Sharp MinMax makes two moves."""

_WEAK = replace(STANDARD, signal=3.5)
"""Weaker signal, 1.1 times the boundary: here the retrained network errs, so that there is a distance."""

RELEARN_STEPS = 10_000
"""Steps of relearning at most, some three times those of the retrained network."""

_AXES = {"pretraining": ("SGD", "SAM")}
_OBSERVE = ("accuracy", "test_error")


def _relearn(problem: Problem, loss: float) -> Phase:
    """Learn the forget set again, until the loss on it is that of pretraining."""
    lr = largest_step(problem) * problem.forget
    return Phase("relearn", Loss(on="forget"), SGD(lr=lr), steps=RELEARN_STEPS, stop_loss=loss)


def _replicates(lab: Lab) -> int:
    return lab.choose(quick=10, full=60)


def retrained(lab: Lab) -> xarray.Dataset:
    """Networks that never saw the forget set, and then learn it."""
    course = Course(lab)

    def make(seed: int, pretraining: Pretraining) -> Cell:
        problem = course.problem(_WEAK, pretraining)
        phases = retrain(course.pretrain(problem, pretraining))
        return Cell(problem, (*phases, _relearn(problem, course.loss)), seed)

    return lab.grid("scored", make, _AXES, replicates=_replicates(lab), observe=_OBSERVE)


def scored(lab: Lab) -> xarray.Dataset:
    """Every method from either pretraining, until the protocol calls its forget set forgotten.

    Returns:
        Dataset over pretraining, unlearner and seed: tow (tug of war), test_error, steps and relearn_steps of each
        method, retrained_relearn_steps, and forgotten (whether it got there).
    """
    course = Course(lab)
    oracle = lab.once(retrained)
    target = _end_of_unlearning(oracle)

    def make(seed: int, pretraining: Pretraining, unlearner: str) -> Cell:
        problem = course.problem(_WEAK, pretraining)
        objective, optimizer = METHODS[unlearner](course.alpha, course.radius(problem))
        phases = course.unlearn(problem, course.pretrain(problem, pretraining), objective, optimizer)
        return Cell(problem, (*phases, _relearn(problem, course.loss)), seed)

    data = lab.grid(
        "scored", make, {**_AXES, "unlearner": tuple(METHODS)}, replicates=_replicates(lab), observe=_OBSERVE
    )
    ends = _end_of_unlearning(data)
    tow = xarray.ones_like(ends["test_error"])
    for name in ends:
        tow = tow * (1.0 - abs(ends[name] - target[name]))
    steps = phase_from_end(data, "phase_steps", 2)
    return ends.assign(
        tow=tow,
        steps=steps,
        relearn_steps=phase_from_end(data, "phase_steps"),
        retrained_relearn_steps=phase_from_end(oracle, "phase_steps"),
        forgotten=steps < _limit(lab),
        margin=data["margin"],
    ).assign_attrs(
        n_runs=data.attrs["n_runs"] + oracle.attrs["n_runs"],
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
    )


def _limit(lab: Lab) -> float:
    """The number of steps after which unlearning gives up; a fixed number of passes is never given up."""
    if lab.pick(choices.STOP) in ("5 passes", "10 passes"):
        return float("inf")
    return 4000 * (1 if lab.pick(choices.STEP) == "large" else SHORTER)


def _end_of_unlearning(data: xarray.Dataset) -> xarray.Dataset:
    """Accuracies and test error before relearning."""
    accuracy = phase_from_end(data, "accuracy", 2)
    return xarray.Dataset(
        {
            "retain_accuracy": accuracy.sel(set="retain", drop=True),
            "forget_accuracy": accuracy.sel(set="forget", drop=True),
            "test_error": phase_from_end(data, "phase_test_error", 2),
        }
    )


def interaction(lab: Lab) -> xarray.Dataset:
    """Sharp MinMax over α and the fraction of the network in the forget part, at the standard problem."""
    course = Course(lab)

    def make(seed: int, alpha: float, fraction: float) -> Cell:
        problem = course.problem(course.standard, "SGD")
        optimizer = SharpMinMax(tau=course.radius(problem), fraction=fraction)
        before = course.pretrain(problem, "SGD")
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=alpha), optimizer), seed)

    axes = {
        "alpha": lab.choose(quick=(0.5, 0.9), full=(0.3, 0.5, 0.7, 0.9)),
        "fraction": lab.choose(quick=(0.6, 0.9), full=(0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)),
    }
    return lab.grid("interaction", make, axes, replicates=lab.choose(quick=8, full=40))
