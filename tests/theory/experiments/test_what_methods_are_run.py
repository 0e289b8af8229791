"""Methods that are scored against the retrained network: what each runs, and how its score comes about."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, RandomLabel, SharpMinMax
from tests.theory.experiments.test_what_is_run import STANDARD, check_inside, check_pretraining, check_unlearning, tau
from tests.theory.made_up import EXTRA, SEEDS, grid
from tests.theory.recording import asked, check_alike
from theory.experiments.forgetting.retrained import interaction, retrained, scored
from theory.experiments.lab import Lab
from theory.formulas.conditions import largest_step

RADIUS = tau(STANDARD)
WAYS: dict[str, tuple[Any, Any]] = {
    "NegGrad SGD": (NegGrad(alpha=0.7), SGD()),
    "NegGrad SAM": (NegGrad(alpha=0.7), SAM(tau=RADIUS)),
    "NegGrad retain-SAM": (NegGrad(alpha=0.7), SAM(tau=RADIUS, on="retain")),
    "Sharp MinMax": (NegGrad(alpha=0.7), SharpMinMax(tau=RADIUS)),
    "NegGrad forget-SAM max": (NegGrad(alpha=0.7), SAM(tau=RADIUS, on="forget", sharpness="max")),
    "random label SGD": (RandomLabel(), SGD()),
    "random label 1/2 SGD": (RandomLabel(flip=0.5), SGD()),
    "random label SAM": (RandomLabel(), SAM(tau=RADIUS)),
}


def check_relearning(problem: Problem, phase: Phase) -> None:
    """Require SGD on F at the step at which each of its samples moves as far as in training on all."""
    lr = 0.2 * largest_step(problem)
    check_alike(phase, Phase("relearn", Loss(on="forget"), SGD(lr=lr), steps=10_000, stop_loss=0.05))


def test_methods_are_run_as_they_are_named() -> None:
    oracle, found = asked(scored)
    assert found.grid.axes["unlearner"] == list(WAYS)
    assert found.grid.observe == oracle.grid.observe == ("accuracy", "test_error")
    assert found.grid.seeds == oracle.grid.seeds
    for pretraining in ("SGD", "SAM"):
        for name, (objective, optimizer) in WAYS.items():
            cell = found.cell(pretraining=pretraining, unlearner=name)
            check_alike(replace(cell.problem, sigma_0=STANDARD.sigma_0), replace(STANDARD, signal=3.5))
            check_relearning(cell.problem, cell.phases[-1])
            check_unlearning(replace(cell, phases=cell.phases[:-1]), pretraining, objective, optimizer)
            check_inside(cell, "step_filter", "step_batch", "step_signal", "step_accuracy")  # those of relearning


def test_the_retrained_network_learns_what_it_never_saw() -> None:
    (found,) = asked(retrained)
    for pretraining in ("SGD", "SAM"):
        cell = found.cell(pretraining=pretraining)
        *before, last = cell.phases
        assert [phase.objective for phase in before] == [Loss(on="retain")] * len(before)
        check_pretraining(cell.problem, tuple(replace(each, objective=Loss()) for each in before), pretraining)
        check_relearning(cell.problem, last)


def test_the_fraction_of_sharp_minmax_is_varied() -> None:
    (found,) = asked(interaction)
    assert dict(found.grid.axes) == {"alpha": [0.5, 0.9], "fraction": [0.6, 0.9]}
    for alpha in (0.5, 0.9):
        for fraction in (0.6, 0.9):
            cell = found.cell(alpha=alpha, fraction=fraction)
            chosen = SharpMinMax(tau=RADIUS, fraction=fraction)
            check_unlearning(cell, "SGD", NegGrad(alpha=alpha), chosen)
            check_inside(cell)


# --- scores ------------------------------------------------------------------------------------------

NAMES, METHODS = ("SGD", "SAM"), tuple(WAYS)
LENGTH = {"SGD": 4, "SAM": 6}
"""Phases of a scored run, relearning the last; the retrained network has 2 or 3."""
OWN = {"retain": 0.9, "forget": 0.7, "error": 0.2}
"""Accuracies and test error of the retrained network."""


def made_up() -> xarray.Dataset:
    def of(late: Any, other: float) -> Any:
        """A number at the end of unlearning, another when F is relearned, and another yet before."""
        return lambda pretraining, unlearner, phase, seed: (
            np.nan if phase >= LENGTH[pretraining]
            else {1: other, 2: late(METHODS.index(unlearner))}.get(LENGTH[pretraining] - phase, 123.0)
        )  # fmt: skip

    axes = {"pretraining": NAMES, "unlearner": METHODS}
    parts = {"retain": of(lambda k: 0.9 - 0.05 * k, 1.0), "forget": of(lambda k: 0.6 + 0.04 * k, 1.0)}
    return grid(
        {**axes}, phase_steps=of(lambda k: 99_999.0 + (k % 2), 40.0),
        phase_test_error=of(lambda k: 0.2 + 0.01 * k, 0.5),
        accuracy=lambda pretraining, unlearner, phase, seed, set: parts[set](pretraining, unlearner, phase, seed),
    )  # fmt: skip


def oracle() -> xarray.Dataset:
    def of(number: float) -> Any:
        last = {"SGD": 2, "SAM": 3}
        return lambda pretraining, phase: (
            np.nan if phase >= last[pretraining] else {1: 70.0, 2: number}.get(last[pretraining] - phase, 321.0)
        )  # fmt: skip

    return grid(
        {"pretraining": NAMES}, phase_steps=of(5.0), phase_test_error=of(OWN["error"]),
        accuracy=lambda pretraining, phase, set: of(OWN[set])(pretraining, phase),
    )  # fmt: skip


class Given(Lab):
    """A laboratory whose two grids are given."""

    def grid(self, name: str, make: Any, axes: Any, **options: Any) -> xarray.Dataset:
        assert name == "scored"
        return made_up().isel(phase=slice(6)) if "unlearner" in axes else oracle()


def test_scores_are_those_of_the_end_of_unlearning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.theory.made_up.EXTRA", {**EXTRA, "phase": range(6)})
    found = scored(Given())
    for k, name in enumerate(METHODS):
        for pretraining in NAMES:
            here = found.sel(unlearner=name, pretraining=pretraining)
            own = (1 - 0.05 * k) * (1 - abs(0.6 + 0.04 * k - 0.7)) * (1 - 0.01 * k)
            np.testing.assert_allclose(here["tow"], np.full(SEEDS, own))
            np.testing.assert_allclose(here["test_error"], 0.2 + 0.01 * k)
            assert set(here["steps"].values) == {99_999.0 + k % 2}
            assert set(here["forgotten"].values) == {k % 2 == 0}  # at 100,000 steps it has given up
            assert set(here["relearn_steps"].values) == {40.0}
            assert set(here["retrained_relearn_steps"].values) == {70.0}
    assert found.attrs["n_runs"] == (2 + 16) * SEEDS
    assert not scored(Given(protocol={"step": "large"}))["forgotten"].any()
    assert scored(Given(protocol={"stop": "5 passes"}))["forgotten"].all()
