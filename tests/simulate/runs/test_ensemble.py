"""Ensembles: what is observed at the ends of phases, instances as cells, and grids."""

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Record, run
from simulate.runs import lanes
from simulate.runs.ensemble import Cell, run_ensemble, unfold
from tests.threads import numba_threads

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


def mixed_cells() -> list[Cell]:
    """Cells of several shapes, with and without a forget set, one that overflows."""
    cells = []
    for seed in range(12):
        problem = Problem(d=2000 + seed, n=5 + seed % 3, m=1 + seed % 2, forget=0.25 * (seed % 2), label_flip=0.2)
        lr = 1e200 if seed == 7 else 0.02
        phase = Phase("pretrain", Loss(), SGD(lr=lr, batch=None if seed % 4 else 3), steps=10 + seed)
        cells.append(Cell(problem, (phase, UNLEARN) if seed % 2 else (phase,), seed))
    return cells


def test_summaries_of_many_are_those_of_one_run() -> None:
    ends = run_ensemble(mixed_cells(), test_directions=32)
    for number, cell in enumerate(mixed_cells()):
        result, end = run(cell.problem, cell.phases, seed=cell.seed, test_directions=32), ends.isel(cell=number)
        own = result.zeta[(result.instance.y < 0).astype(int), :, np.arange(cell.problem.n)].mean(axis=1)
        expected = {
            "test_error": result.test_error,
            "test_error_se": result.test_error_se,
            "log_clean_error": result.test.log_clean_error,
            "train_loss": result.train_loss,
            "retain_accuracy": result.retain_accuracy,
            "forget_accuracy": result.forget_accuracy,
            "kappa_mean": result.kappa.mean(),
        }
        for name, value in expected.items():
            np.testing.assert_array_equal(end[name].values, value, err_msg=name)
        assert end["steps"] == result.steps
        assert end["status"] == result.status.value
        if result.instance.forget.any():
            np.testing.assert_allclose(end["zeta_mean_forget"], own[result.instance.forget].mean(), rtol=1e-12)


@pytest.mark.parametrize(("threads", "together"), [(1, 256), (2, 256), (2, 1), (2, 3)])
def test_threads_and_chunks_change_no_bit(threads: int, together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run_ensemble(mixed_cells(), test_directions=32, observe=("loss",), engine="numba")
    monkeypatch.setattr(lanes, "CHUNK_CELLS", together)
    done: list[int] = []
    with numba_threads(threads):
        found = run_ensemble(mixed_cells(), test_directions=32, observe=("loss",), progress=done.append)
    assert found.identical(expected)
    assert sum(done) == 12


def test_an_error_in_a_chunk_ends_the_ensemble() -> None:
    with pytest.raises(ValueError, match="`forget`"):
        run_ensemble([*mixed_cells(), Cell(Problem(n=5, m=1, forget=0.0), (UNLEARN,), 0)])
