"""The steps at which a run is recorded."""

from dataclasses import replace

import numpy as np
import pytest

from simulate import SGD, Loss, NegGrad, Phase, Record, Status, run
from tests.simulate.watched_runs import random_instance


def steps_of(record: Record, *phases: Phase) -> list[tuple[int, str, int]]:
    """Step of the run, phase and step of the phase of every record."""
    trace = run(random_instance(), phases, record=record).trace
    columns = (trace[word].values.tolist() for word in ("step", "phase", "phase_step"))
    return list(zip(*columns, strict=True))


def test_every_so_many_steps() -> None:
    phases = Phase("a", Loss(), SGD(), steps=10), Phase("b", NegGrad(), SGD(), steps=4)
    assert steps_of(Record(every=4), *phases) == [
        (0, "a", 0), (4, "a", 4), (8, "a", 8), (10, "a", 10), (10, "b", 0), (14, "b", 4),
    ]  # fmt: skip


def test_phase_without_steps_is_recorded_once() -> None:
    phases = Phase("a", steps=0), Phase("b", steps=2)
    assert steps_of(Record(every=4), *phases) == [(0, "a", 0), (0, "b", 0), (2, "b", 2)]
    assert steps_of(Record(points=4), Phase("a", steps=0)) == [(0, "a", 0)]


@pytest.mark.parametrize("points", [2, 3, 4, 7, 40])
@pytest.mark.parametrize("total", [1, 2, 3, 50, 1000, 10**6])
def test_log_spaced_steps(points: int, total: int) -> None:
    steps = Record(points=points).steps(total)
    assert steps[0] == 0
    assert steps[-1] == total
    assert np.all(np.diff(steps) > 0)
    assert len(steps) <= points
    inner = steps[1:]
    large = inner[inner >= 100]
    if len(large) > 2:
        np.testing.assert_allclose(np.diff(np.log(large)), np.log(large[1] / large[0]), atol=0.02)


@pytest.mark.parametrize("record", [Record(points=2), Record(points=3), Record(every=7), Record(every=100)])
def test_all_steps_are_taken_however_few_are_recorded(record: Record) -> None:
    assert run(random_instance(), [Phase("a", steps=50)], record=record).steps == 50


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("every", [1, 5, 7])
def test_early_stop_is_the_last_record(every: int, engine: str) -> None:
    phase = Phase("a", Loss(), SGD(lr=0.1), steps=60)
    instance = random_instance()
    fine = run(instance, [phase], engine=engine, record=Record(every=1)).trace
    loss = fine.loss.sel(part="train").values
    stop = int(np.flatnonzero(loss <= loss[14])[0])
    ruled = replace(phase, stop_loss=float(loss[14]) + 1e-9)
    result = run(instance, [ruled, Phase("b", steps=1)], engine=engine, record=Record(every=every))
    assert stop == 14
    assert result.phases == {"a": (14, Status.CONVERGED), "b": (1, Status.MAX_STEPS)}
    expected = [*range(0, 14, every), 14, 0, 1]
    assert result.trace.phase_step.values.tolist() == expected
    assert result.trace.step.values.tolist() == [*expected[:-2], 14, 15]


def test_rule_met_at_once_is_recorded_once() -> None:
    stopped = Phase("a", Loss(), SGD(), steps=60, stop_loss=10.0)
    assert steps_of(Record(every=7), stopped) == [(0, "a", 0)]


@pytest.mark.parametrize(("steps", "every"), [(9, 3), (14, 7), (14, 100)])
def test_rule_met_after_the_last_step(steps: int, every: int) -> None:
    phase = Phase("a", Loss(), SGD(lr=0.1), steps=steps)
    trace = run(random_instance(), [phase], record=Record(every=1)).trace
    met = replace(phase, stop_loss=float(trace.loss.sel(part="train")[-1]) + 1e-9)
    recorded = run(random_instance(), [met], record=Record(every=every)).trace.phase_step.values.tolist()
    assert recorded == [*range(0, steps, every), steps]


def test_resumed_run_counts_on() -> None:
    phase = Phase("a", Loss(), SGD(lr=0.1), steps=10)
    begun = run(random_instance(), [replace(phase, steps=4)]).state
    trace = run(random_instance(), [phase, Phase("b", steps=2)], start=begun, record=Record(every=5)).trace
    assert trace.step.values.tolist() == [5, 10, 10, 12]
    assert trace.phase.values.tolist() == ["a", "a", "b", "b"]
    assert trace.phase_step.values.tolist() == [5, 10, 0, 2]
