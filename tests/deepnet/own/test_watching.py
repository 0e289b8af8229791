"""What is noted of an unlearning epoch by epoch: the time it took, and where it is looked at."""

import time

import pytest

torch = pytest.importorskip("torch")

from deepnet.metrics.accuracy import Score  # noqa: E402
from deepnet.own import watching  # noqa: E402
from deepnet.own.watching import EpochWatcher  # noqa: E402
from tests.clock import Clock  # noqa: E402


def test_time_is_that_of_steps_and_not_of_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def looked_at(*_: object) -> Score:
        clock.passes(5.0)
        return Score(loss=1.0, accuracy=0.5, n=1)

    monkeypatch.setattr(time, "perf_counter", clock)
    monkeypatch.setattr(watching, "look_at", looked_at)
    sights = dict.fromkeys(("retain", "forget"))
    watcher = EpochWatcher(torch.nn.Linear(2, 2), sights, torch.device("cpu"))  # type: ignore[arg-type]
    clock.passes(7.0)  # between its making and its first look nothing is unlearned
    watcher.before()
    for step, seconds in ((4, 2.0), (8, 3.0)):
        clock.passes(seconds)
        watcher.look(step, step // 4)
    watcher.after()
    assert [(seen.step, seen.seconds) for seen in watcher.seen[1:]] == [(4, 2.0), (8, 5.0)]
