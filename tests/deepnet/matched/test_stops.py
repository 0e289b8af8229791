"""Stops and trajectories by hand: first crossings, ties, never, at step 0; what is left when rows are thinned."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")

from deepnet.matched.watched.stops import Passed, Stop
from deepnet.matched.watched.trajectory import COLUMNS, Trajectory, rounded
from deepnet.metrics.accuracy import Score

LOSS = Stop(name="loss", rule="loss", bound=0.3)
ACCURACY = Stop(name="accuracy", rule="accuracy", bound=0.6)
EPOCH = Stop(name="epoch-2", rule="epochs", bound=2)


def passed(*rows: tuple[float, float, int], stops: tuple[Stop, ...] = (LOSS, ACCURACY, EPOCH)) -> dict[str, int]:
    found = Passed(stops)
    for step, (loss, accuracy, epochs) in enumerate(rows):
        found.note(step, loss=loss, accuracy=accuracy, epochs=epochs)
    return found.steps


def test_each_stop_is_the_first_step_at_which_it_holds() -> None:
    """The loss falls below again, the accuracy rises again: the first crossing counts."""
    rows = [(0.1, 0.9, 0), (0.4, 0.7, 1), (0.2, 0.5, 1), (0.9, 0.8, 2), (0.9, 0.1, 2)]
    assert passed(*rows) == {"loss": 1, "accuracy": 2, "epoch-2": 3}


def test_a_stop_may_hold_before_the_first_step_or_never() -> None:
    assert passed((0.5, 0.5, 0), (0.1, 0.9, 1)) == {"loss": 0, "accuracy": 0}
    assert passed((0.1, 0.9, 0), (0.29, 0.61, 1)) == {}


def test_numbers_that_differ_by_rounding_are_equal_and_others_are_not() -> None:
    tied = Stop(name="loss", rule="loss", bound=0.1 + 0.2)  # above 0.3 by a bit
    assert passed((0.3, 1.0, 0), stops=(tied,)) == {"loss": 0}
    assert passed((0.3 - 1e-9, 1.0, 0), stops=(tied,)) == {}
    tied = Stop(name="accuracy", rule="accuracy", bound=0.3)
    assert passed((0.0, 0.1 + 0.2, 0), stops=(tied,)) == {"accuracy": 0}
    assert passed((0.0, 0.3 + 1e-9, 0), stops=(tied,)) == {}


def test_only_fresh_stops_are_told_and_all_is_the_last_of_them() -> None:
    found = Passed((LOSS, ACCURACY))
    assert found.note(0, loss=0.4, accuracy=0.9, epochs=0) == ["loss"]
    assert not found.all
    assert found.note(1, loss=0.5, accuracy=0.5, epochs=0) == ["accuracy"]
    assert found.all
    assert found.note(2, loss=0.5, accuracy=0.5, epochs=0) == []


def test_a_bound_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="`bound`"):
        Stop(name="loss", rule="loss", bound=float("nan"))


def scored(loss: float) -> Score:
    return Score(loss=loss, accuracy=0.5, n=2)


def trajectory(steps: int, every: int = 1) -> Trajectory:
    found = Trajectory()
    for step in range(steps):
        sets = ("forget", "retain", "val", "test") if step % every == 0 else ("forget",)
        found.note(step, {name: scored(step / 7) for name in sets})
    return found


def test_rows_are_by_columns_and_gaps_stay_gaps() -> None:
    found = trajectory(2, every=2)
    assert found.rows == [[0, 0.0, 0.5, 0.0, 0.5, 0.0, 0.5, 0.0, 0.5], [1, 1 / 7, 0.5, *[None] * 6]]
    assert found.column("retain_loss") == [0.0, None]
    columns = found.as_columns()
    assert list(columns) == list(COLUMNS)
    assert columns["forget_loss"] == [0.0, 0.1429]


def test_arrays_hold_every_row_exactly() -> None:
    arrays = trajectory(401, every=2).as_arrays()
    assert list(arrays) == list(COLUMNS)
    assert arrays["step"].dtype == np.int64
    np.testing.assert_array_equal(arrays["step"], np.arange(401))
    np.testing.assert_array_equal(arrays["forget_loss"], np.arange(401) / 7)
    np.testing.assert_array_equal(np.isnan(arrays["test_loss"]), np.arange(401) % 2 == 1)


def test_sets_that_were_never_looked_at_have_no_column() -> None:
    found = Trajectory()
    found.note(0, {"forget": scored(0.5)})
    assert found.as_columns() == {"step": [0], "forget_loss": [0.5], "forget_accuracy": [0.5]}


@pytest.mark.parametrize("every", [1, 5])
def test_thinning_keeps_the_ends_the_stops_and_the_steps_before_them(every: int) -> None:
    thin = trajectory(401, every).thinned(20, keep={83, 222})
    steps = thin.column("step")
    assert len(steps) == 20
    assert {0, 82, 83, 221, 222, 400} <= set(steps)
    assert steps == sorted(set(steps))
    free = [step for step in steps if step not in (82, 83, 221, 222)]
    assert all(step % every == 0 for step in free)
    assert max(b - a for a, b in pairwise(free)) < 40


def test_what_is_short_stays_whole_and_stops_come_before_all_else() -> None:
    assert trajectory(20).thinned(20).column("step") == list(range(20))
    assert trajectory(9).thinned(3, keep={4, 6}).column("step") == [0, 4, 8]


def test_rounding() -> None:
    assert [rounded(x) for x in (0.1234567, 1234.5678, -2.000004, None, 0.0)] == [0.12346, 1234.6, -2.0, None, 0.0]
