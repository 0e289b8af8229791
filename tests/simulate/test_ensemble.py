"""Ensembles: what is observed at the ends of phases, instances as cells, and grids."""

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Record, run
from simulate.ensemble import Cell, run_ensemble, unfold

PROBLEM = Problem(d=2000, n=12, m=3, signal=4.0, forget=0.25, label_flip=0.1)
PRETRAIN = Phase("pretrain", Loss(), SGD(lr=0.02), steps=40)
UNLEARN = Phase("unlearn", NegGrad(alpha=0.6), SAM(lr=0.02, tau=0.05), steps=15)
OBSERVE = ("coefficients", "loss", "accuracy", "deactivation", "sharpness", "hessian", "test_error")


@pytest.fixture(scope="module")
def observed():
    cells = [Cell(PROBLEM, (PRETRAIN, UNLEARN), 1), Cell(PROBLEM, (PRETRAIN,), 2)]
    return run_ensemble(cells, test_directions=32, observe=OBSERVE, tau=0.05)


def test_ends_of_phases_are_those_of_a_run(observed) -> None:
    record = Record(every=1000, observe=OBSERVE, tau=0.05)
    trace = run(PROBLEM, [PRETRAIN, UNLEARN], seed=1, record=record, test_directions=32).trace
    for number, name in enumerate(("pretrain", "unlearn")):
        end = trace.isel(step=np.flatnonzero(trace["phase"].values == name)[-1])
        for variable in trace.data_vars:
            called = variable if variable in observed and "phase" in observed[variable].dims else f"phase_{variable}"
            found = observed[called].isel(cell=0, phase=number)
            np.testing.assert_array_equal(found.values, end[variable].values, err_msg=str(variable))


def test_phases_a_cell_does_not_have_are_missing(observed) -> None:
    np.testing.assert_array_equal(observed["phase_steps"].values, [[40, 15], [40, np.nan]])
    assert observed["loss"].isel(cell=1, phase=1).isnull().all()


def test_radius_of_the_optimizer_is_the_default() -> None:
    cell = Cell(PROBLEM, (PRETRAIN, UNLEARN), 1)
    default, given = (run_ensemble([cell], observe=("sharpness",), tau=tau)["sharpness"] for tau in (None, 0.05))
    assert default.isel(phase=0).isnull().all()  # SGD has no radius
    np.testing.assert_array_equal(default.isel(phase=1), given.isel(phase=1))


def test_instances_are_cells_as_problems_are() -> None:
    drawn = Instance.draw(PROBLEM, 5)
    cells = [Cell(PROBLEM, (PRETRAIN,), 5), Cell(drawn, (PRETRAIN,), 5), Cell(drawn, (PRETRAIN,), 6)]
    ends = run_ensemble(cells, test_directions=32)
    assert ends["test_error"][0] == ends["test_error"][1]
    assert ends["test_error"][1] != ends["test_error"][2]  # other directions, the same network
    assert ends["train_loss"][1] == ends["train_loss"][2]


def test_unknown_observables_are_refused() -> None:
    with pytest.raises(ValueError, match="`observe`"):
        run_ensemble([Cell(PROBLEM, (PRETRAIN,), 1)], observe=("sharpnes",))
    with pytest.raises(ValueError, match="`tau`"):
        run_ensemble([Cell(PROBLEM, (PRETRAIN,), 1)], tau=-1.0)


def test_unfold_puts_cells_where_they_came_from() -> None:
    cells = [Cell(PROBLEM, (PRETRAIN,), seed) for _ in range(2) for seed in (3, 4)]
    grid = unfold(run_ensemble(cells, observe=("loss",)), {"copy": ["a", "b"], "seed": [3, 4]})
    assert grid["loss"].dims == ("copy", "seed", "phase", "part")
    assert grid["test_error"].sel(copy="a").identical(grid["test_error"].sel(copy="b").assign_coords(copy="a"))
    assert grid["train_loss"].sel(copy="a", seed=3) != grid["train_loss"].sel(copy="a", seed=4)
