"""The same seed gives the same bits, whatever is recorded, and whatever runs beside it on however many threads."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulate import SAM, SGD, Instance, Loss, Phase, Problem, Record, run
from simulate.runs.ensemble import Cell, run_ensemble
from tests.simulate.engine_runs import PROBLEM, draw
from tests.simulate.small_trainings import assert_same_bits, moved_alike
from tests.simulate.two_phases import MINIBATCHES, PRETRAIN, RUNS, SMALL, end_of
from tests.threads import numba_threads


@pytest.mark.parametrize("name", RUNS)
def test_same_seed_same_bits(name: str) -> None:
    assert_same_bits(end_of(RUNS[name]), end_of(RUNS[name]))


def test_other_seed_other_bits() -> None:
    batches = [replace(MINIBATCHES, steps=30)]
    instance = Instance.draw(SMALL, seed=8)
    assert not moved_alike(run(instance, batches, seed=9), run(instance, batches, seed=8))


@pytest.mark.parametrize("name", RUNS)
def test_recording_changes_no_bit(name: str) -> None:
    watched = run(SMALL, RUNS[name], seed=8, record=Record(every=1), test_directions=16)
    assert_same_bits(watched, end_of(RUNS[name]))


@pytest.mark.parametrize("record", [Record(points=2), Record(points=7), Record(every=17), Record(every=10**6)], ids=str)
def test_what_is_recorded_does_not_change_where_a_run_goes(record):
    phases = [Phase(name, Loss(), SGD(lr=0.02, batch=5), steps=40) for name in ("first", "second")]
    watched, other = (run(draw(PROBLEM, 1), phases, record=each) for each in (record, Record(every=1)))
    assert watched.phases == other.phases
    np.testing.assert_array_equal(watched.state.coefficients, other.state.coefficients)


VARIED = [replace(SMALL, d=d, signal=signal) for d, signal in ((60, 2.0), (90, 1.0), (10**6, 3.0))]

CELLS = [
    *(Cell(problem, tuple(phases), seed) for phases in RUNS.values() for seed, problem in enumerate(VARIED)),
    *(Cell(SMALL, (replace(MINIBATCHES, optimizer=SGD(lr=0.1, batch=batch)),), 3) for batch in (None, 1, 4, 11)),
    *(Cell(SMALL, (replace(PRETRAIN, optimizer=SAM(lr=0.1, tau=tau)),), 3) for tau in (0.0, 0.1, 1.0)),
    Cell(SMALL, (replace(MINIBATCHES, steps=4500),), 5),
    Cell(replace(SMALL, forget=0.1, label_flip=0.0, noise="isotropic"), (replace(MINIBATCHES, steps=0),), 6),
    Cell(Problem(d=200, n=9, m=2, P=3, patches="independent"), (PRETRAIN,), 1),
]


@pytest.fixture(scope="module")
def company():
    """Summaries of all cells, run at once with as many threads as there are; cells of equal shape share an engine."""
    return run_ensemble(CELLS, test_directions=64)


@pytest.mark.parametrize("number", range(len(CELLS)))
def test_company_changes_no_bit(number: int, company) -> None:
    cell = CELLS[number]
    alone = run(cell.problem, cell.phases, seed=cell.seed, record=Record(every=100), test_directions=64)
    zeta = alone.zeta.mean(axis=1).reshape(2, cell.problem.n, -1).mean(axis=-1)
    own = zeta[(alone.instance.y < 0).astype(int), np.arange(cell.problem.n)]
    row = company.isel(cell=number)
    assert row.test_error == alone.test_error
    assert row.test_error_se == alone.test_error_se
    assert row.log_clean_error == alone.test.log_clean_error
    assert row.train_loss == alone.train_loss
    assert row.retain_accuracy == alone.retain_accuracy
    assert row.forget_accuracy == alone.forget_accuracy
    assert row.kappa_mean == alone.kappa.mean()
    assert row.zeta_mean_retain == pytest.approx(own[~alone.instance.forget].mean(), rel=1e-13)
    assert row.zeta_mean_forget == pytest.approx(own[alone.instance.forget].mean(), rel=1e-13)
    assert (int(row.steps), str(row.status.values)) == (alone.steps, alone.status.value)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit(company, threads: int) -> None:
    with numba_threads(threads):
        assert run_ensemble(CELLS, test_directions=64).identical(company)


@given(order=st.permutations(range(len(CELLS))))
@settings(max_examples=1)
def test_order_of_company_changes_no_bit(order: list[int], company) -> None:
    shuffled = run_ensemble([CELLS[number] for number in order], test_directions=64)
    assert shuffled.identical(company.isel(cell=order))
