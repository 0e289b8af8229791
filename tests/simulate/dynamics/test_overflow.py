"""Numbers that run away are a status, the same in every engine, and stay in their cell."""

from dataclasses import replace

import numpy as np
import pytest
import xarray

from simulate import Instance, Problem, Result, Status, run
from simulate.dynamics.objectives import NegGrad, RandomLabel
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.dynamics.phases import Phase
from simulate.runs.ensemble import Cell, run_ensemble
from tests.simulate.refusals import ENGINES, SMALL, phase

LOUD = replace(SMALL, signal=1e6)
"""Its first step with lr = 1e300 overflows in every engine."""

DIVERGING = [
    phase(optimizer=SGD(), steps=30),
    phase(NegGrad(), SGD(), steps=30),
    phase(NegGrad(alpha=0.0), SAM(), steps=30),
    phase(NegGrad(), SharpMinMax(), steps=30),
    phase(NegGrad(), SharpMinMax(momentum=0.5), steps=30),
    phase(RandomLabel(), SAM(batch=3, sharpness="max", mixing=5.0), steps=30),
]

NAMES = [f"{type(each.objective).__name__}-{type(each.optimizer).__name__}" for each in DIVERGING]
each_diverging = pytest.mark.parametrize("diverging", DIVERGING, ids=NAMES)


def run_away(problem: Problem, diverging: Phase, lr: float, engine: str) -> Result:
    away = replace(diverging, optimizer=replace(diverging.optimizer, lr=lr))
    instance = Instance.draw(problem, space="ambient")
    return run(instance, [away, Phase("after", steps=2)], engine=engine, test_directions=16)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("lr", [1e150, 1e200, 1e300, 1e307])
@each_diverging
def test_a_run_whose_numbers_are_not_all_finite_says_so(diverging, lr, engine):
    """And it says so by its status alone: the suite turns warnings into errors."""
    result = run_away(SMALL, diverging, lr, engine)
    numbers = (result.test_error, result.train_loss, result.kappa, result.zeta)
    assert result.status is Status.NONFINITE or all(np.isfinite(number).all() for number in numbers)


@pytest.mark.parametrize("sigma", [{}, {"activation": "leaky", "leak": 0.1}], ids=["relu", "leaky"])
@pytest.mark.parametrize("engine", ENGINES)
@each_diverging
def test_overflow_ends_a_run_at_the_same_step_in_every_engine(diverging, engine, sigma):
    loud = replace(LOUD, **sigma)
    result, dense = run_away(loud, diverging, 1e300, engine), run_away(loud, diverging, 1e300, "dense")
    assert result.phases == dense.phases


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("diverging", [each for each in DIVERGING if each.objective != NegGrad(alpha=0.0)])
def test_a_loud_signal_overflows_at_once(diverging, engine):
    """With alpha = 0 it need not: the first step of gradient ascent can switch every neuron off."""
    result = run_away(LOUD, diverging, 1e300, engine)
    assert result.status is Status.NONFINITE
    assert result.phases == {"only": (result.steps, Status.NONFINITE)}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_overflow_in_one_cell_of_an_ensemble_stays_there(engine):
    cells = [Cell(problem, (phase(optimizer=SGD(lr=lr)),), 0) for problem, lr in ((SMALL, 0.1), (LOUD, 1e300))]
    together, alone = run_ensemble(cells, engine=engine), run_ensemble(cells[:1], engine=engine)
    assert together.status.values.tolist() == ["max_steps", "nonfinite"]
    xarray.testing.assert_equal(together.isel(cell=[0]), alone)
