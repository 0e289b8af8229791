"""Methods of unlearning, scored by their distance to the network retrained without the forget set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, RandomLabel, SharpMinMax
from simulate.dynamics.optimizers import Optimizer
from simulate.dynamics.phases import Objective
from simulate.house import ties
from simulate.problems.scales import step_size, with_sam_weights
from simulate.runs.ensemble import Cell
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, pretrain, retrain, unlearn, unlearning_radius
from theory.experiments.unlearning import ALPHA, PRETRAINED_LOSS, STANDARD, phase_from_end

__all__ = ["GRADIENTS", "METHODS", "RELEARN_STEPS", "interaction", "scored"]

METHODS: dict[str, Callable[[Problem], tuple[Objective, Optimizer]]] = {
    "NegGrad SGD": lambda p: (NegGrad(alpha=ALPHA), SGD()),
    "NegGrad SAM": lambda p: (NegGrad(alpha=ALPHA), SAM(tau=unlearning_radius(p))),
    "NegGrad retain-SAM": lambda p: (NegGrad(alpha=ALPHA), SAM(tau=unlearning_radius(p), on="retain")),
    "Sharp MinMax": lambda p: (NegGrad(alpha=ALPHA), SharpMinMax(tau=unlearning_radius(p))),
    "NegGrad forget-SAM max": lambda p: (
        NegGrad(alpha=ALPHA),
        SAM(tau=unlearning_radius(p), on="forget", sharpness="max"),
    ),
    "random label SGD": lambda p: (RandomLabel(), SGD()),
    "random label 1/2 SGD": lambda p: (RandomLabel(flip=0.5), SGD()),
    "random label SAM": lambda p: (RandomLabel(), SAM(tau=unlearning_radius(p))),
}
"""Ways to unlearn that are compared."""

GRADIENTS = {name: 2 if "SAM" in name else 4 if name == "Sharp MinMax" else 1 for name in METHODS}
"""Gradients that a step takes: each sharpness-aware move takes two, and Sharp MinMax makes two moves."""

_PROBLEM = with_sam_weights(replace(STANDARD, signal=4.0, forget=0.25))
"""Weaker signal and more to forget: here the retrained network errs on the forget set, so that there is a distance."""

RELEARN_STEPS = 4000
"""Steps of relearning at most."""

_AXES = {"pretraining": ("SGD", "SAM")}
_OBSERVE = ("accuracy", "test_error")


def _relearn(problem: Problem) -> Phase:
    """Learn the forget set again, until the loss on it is that of pretraining."""
    lr = step_size(problem) * problem.forget
    return Phase("relearn", Loss(on="forget"), SGD(lr=lr), steps=RELEARN_STEPS, stop_loss=PRETRAINED_LOSS)


def _replicates(lab: Lab) -> int:
    return lab.choose(quick=64, full=300)


def retrained(lab: Lab) -> xarray.Dataset:
    """Networks that never saw the forget set, and then learn it."""

    def make(seed: int, pretraining: Pretraining) -> Cell:
        phases = retrain(pretrain(_PROBLEM, pretraining, loss=PRETRAINED_LOSS))
        return Cell(_PROBLEM, (*phases, _relearn(_PROBLEM)), seed)

    return lab.grid("scored", make, _AXES, replicates=_replicates(lab), observe=_OBSERVE)


def scored(lab: Lab) -> xarray.Dataset:
    """Every method from either pretraining, until its forget accuracy is that of the retrained network of its seed.

    Returns:
        Dataset over pretraining, unlearner and seed: tow (tug of war), test_error, steps and relearn_steps of each
        method, retrained_relearn_steps, and forgotten (whether the accuracy was reached).
    """
    oracle = lab.once(retrained)
    target = _end_of_unlearning(oracle)

    def make(seed: int, pretraining: Pretraining, unlearner: str) -> Cell:
        objective, optimizer = METHODS[unlearner](_PROBLEM)
        until = float(target["forget_accuracy"].sel(pretraining=pretraining, seed=seed))
        last = unlearn(_PROBLEM, objective, optimizer, until=until)
        before = pretrain(_PROBLEM, pretraining, loss=PRETRAINED_LOSS)
        return Cell(_PROBLEM, (*before, last, _relearn(_PROBLEM)), seed)

    data = lab.grid(
        "scored", make, {**_AXES, "unlearner": tuple(METHODS)}, replicates=_replicates(lab), observe=_OBSERVE
    )
    ends = _end_of_unlearning(data)
    tow = xarray.ones_like(ends["test_error"])
    for name in ends:
        tow = tow * (1.0 - abs(ends[name] - target[name]))
    return ends.assign(
        tow=tow,
        steps=phase_from_end(data, "phase_steps", 2),
        relearn_steps=phase_from_end(data, "phase_steps"),
        retrained_relearn_steps=phase_from_end(oracle, "phase_steps"),
        forgotten=xarray.apply_ufunc(ties.at_most, ends["forget_accuracy"], target["forget_accuracy"]),
    ).assign_attrs(
        n_runs=data.attrs["n_runs"] + oracle.attrs["n_runs"],
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
    )


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
    problem = with_sam_weights(STANDARD)

    def make(seed: int, alpha: float, fraction: float) -> Cell:
        optimizer = SharpMinMax(tau=unlearning_radius(problem), fraction=fraction)
        last = unlearn(problem, NegGrad(alpha=alpha), optimizer)
        return Cell(problem, (*pretrain(problem, "SGD", loss=PRETRAINED_LOSS), last), seed)

    axes = {"alpha": (0.1, 0.3, 0.5, 0.7, 0.9), "fraction": (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)}
    return lab.grid("interaction", make, axes, replicates=lab.choose(quick=32, full=150))
