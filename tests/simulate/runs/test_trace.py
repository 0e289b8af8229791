"""What a trace holds: its end, its coordinates, what was asked for and no more, and numbers that are none."""

import numpy as np
import pytest

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, Record, Status, run
from tests.simulate.watched_runs import EVERYTHING, random_instance, watched


def test_last_record_is_the_end_of_the_run() -> None:
    phases = [Phase("first", Loss(), SGD(lr=0.1), steps=20), Phase("second", NegGrad(), SGD(lr=0.1), steps=5)]
    record = Record(points=5, observe=EVERYTHING, tau=0.1)
    result = run(Problem(d=80, n=12, m=3, signal=2.0, sigma_p=0.3), phases, record=record)
    last = result.trace.isel(step=-1)
    np.testing.assert_array_equal(last.kappa, result.kappa)
    np.testing.assert_array_equal(last.zeta.squeeze("patch"), result.zeta)
    assert last.test_error == result.test_error
    assert last.test_error_se == result.test_error_se
    assert last.test_error_ess == result.test.effective_sample_size
    assert last.loss.sel(part="train") == pytest.approx(result.train_loss, rel=1e-13)
    assert last.accuracy.values.tolist() == [result.retain_accuracy, result.forget_accuracy]


def test_coordinates_name_what_they_hold() -> None:
    trace = watched("loss")[1].trace
    assert trace.sign.values.tolist() == [1, -1]
    assert trace.relation.values.tolist() == ["own", "opposite"]
    assert trace.set.values.tolist() == ["retain", "forget"]
    assert trace.part.values.tolist() == ["objective", "train", "retain", "forget"]
    assert trace.loss.dims == ("step", "part")
    assert trace.deactivated.dims == ("step", "relation", "set")
    assert trace.zeta.dims == ("step", "sign", "filter", "sample", "patch")


@pytest.mark.parametrize("word", EVERYTHING)
def test_what_is_not_asked_for_is_not_recorded(word: str) -> None:
    phase, record = Phase("a", Loss(), SAM(), steps=0), Record(observe=(word,))
    trace = run(random_instance(), [phase], record=record).trace
    full = watched("loss")[1].trace
    assert 1 <= len(trace.data_vars) <= 6
    assert set(trace.data_vars) < set(full.data_vars)


@pytest.mark.parametrize("word", [word for word in EVERYTHING if word not in ("coefficients_full", "test_error")])
def test_empty_forget_set_is_not_a_number(word: str) -> None:
    phase = Phase("watched", Loss(), SAM(lr=0.4, tau=0.1), steps=3)
    trace = run(random_instance(forget=0), [phase], record=Record(observe=(word,))).trace
    for values in trace.data_vars.values():
        for dim in {"part", "set"}.intersection(values.dims):
            assert np.isnan(values.sel({dim: "forget"})).all()
            assert np.isfinite(values.drop_sel({dim: "forget"})).all()


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
def test_overflow_is_recorded_like_anything_else(engine: str) -> None:
    phase = Phase("watched", NegGrad(alpha=0.3), SGD(lr=1e308), steps=12)
    record = Record(every=1, observe=EVERYTHING, tau=0.1)
    result = run(random_instance(), [phase], engine=engine, record=record)
    assert result.status is Status.NONFINITE
    assert not np.isfinite(result.trace.gradient_norm[-1]).all() or not np.isfinite(result.trace.loss[-1]).all()
