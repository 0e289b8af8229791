"""How far a study is: a line a model without a terminal, a bar that moves inside a model on one."""

from __future__ import annotations

import io
import time

import pytest

torch = pytest.importorskip("torch")

from rich.console import Console  # noqa: E402

from deepnet.cli import progress  # noqa: E402
from deepnet.cli.progress import TimeLeft, in_words, shown_progress  # noqa: E402
from deepnet.studies import telling  # noqa: E402
from deepnet.studies.running import Job  # noqa: E402

JOBS = [Job("one", 1.0), Job("two", 1.0), Job("three", 2.0)]


class Unread(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


class Flushed(io.StringIO):
    """A file that holds what was flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = ""

    def flush(self) -> None:
        self.kept = self.getvalue()


def test_a_line_for_each_model_is_in_the_file_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Flushed()
    monkeypatch.setattr(progress, "console", Console(file=file, width=200))
    with shown_progress(JOBS) as watch:
        watch.begin(0)
        watch.move(0, 0.5)
        assert file.kept == ""
        watch.end(0)
        assert file.kept.startswith("1 of 3 models: one; ")
        assert "left" in file.kept
        watch.begin(2)
        watch.end(2)
        assert file.kept.count("\n") == 2
        assert "2 of 3 models: three" in file.kept


def test_a_reader_who_leaves_does_not_stop_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "console", Console(file=Unread(), width=200))
    with shown_progress(JOBS) as watch:
        watch.begin(0)
        watch.end(0)


def test_the_bar_moves_inside_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=file, width=120, force_terminal=True))
    with shown_progress(JOBS) as watch:
        watch.begin(0)
        watch.begin(1)
        watch.move(0, 0.5)
        assert isinstance(watch, progress._Bar)
        (task,) = watch._bar.tasks
        assert (task.completed, task.total, task.description) == (0.5, 3, "one | two")
        watch.end(1)
        assert (task.completed, task.description) == (1.5, "one")
        assert "left" in task.fields["left"]


def test_time_left_counts_models_by_what_they_cost() -> None:
    left = TimeLeft(JOBS)
    assert in_words(left.seconds()) == "time left unknown"
    left._began = 0.0
    left.note(0, 1.0)
    assert left.seconds(now=10.0) == 30.0  # a quarter of the work took ten seconds
    left.note(2, 0.5)
    assert left.seconds(now=10.0) == 10.0
    assert left.done == 1.5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 s left"),
        (59.0, "60 s left"),
        (61.0, "2 min left"),
        (3600.0, "1 h 0 min left"),
        (1e5, "27 h 47 min left"),
    ],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_steps_are_told_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    told: list[float] = []
    how = telling.told(told.append)
    how["on_plan"](1000)
    for number in range(1, 1001):
        now[0] += 0.01
        how["on_step"](number)
    assert 30 <= len(told) <= 40  # ten seconds
    assert told == sorted(told)
    assert told[-1] > 0.95


def test_telling_costs_less_than_a_hundredth_of_a_step() -> None:
    """A step of the smallest network takes some four milliseconds."""
    how = telling.told(lambda share: None)
    began = time.process_time()
    for number in range(10_000):
        how["on_step"](number)
    assert (time.process_time() - began) / 10_000 < 4e-5
