"""Numerical noise, on made-up rows; and that a study computes in its own number of threads."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from deepnet.matched import running
from deepnet.matched.noise import as_csv, largest, thread_noise
from deepnet.matched.study import MatchedStudy
from tests.deepnet.matched.small_matched import small_matched


def run(study: MatchedStudy) -> list[dict[str, Any]]:
    """Each thread more is a step and a quarter of the loss more; the second stop is not reached by two."""
    n = study.threads
    stops = {"loss": {"bound": 0.5, "step": 3 + n, "forget_loss": 0.25 * n}, "accuracy": {"bound": 0.5, "step": None}}
    if n == 1:
        stops["accuracy"] = {"bound": 0.5, "step": 9, "forget_loss": 1.0}
    row = {
        "kind": "trajectory",
        "arm": "neggrad",
        "replicate": 0,
        "stops": stops,
        "last": {"step": 9, "forget_loss": 1.0},
    }
    return [{"kind": "retrained", "replicate": 0}, row]


def test_differences_are_those_of_the_same_stop_and_number() -> None:
    found = thread_noise(small_matched(), run)
    assert [(one.stop, one.number, one.one, one.other, one.difference) for one in found] == [
        ("loss", "step", 4, 5, 1), ("loss", "forget_loss", 0.25, 0.5, 0.25), ("accuracy", "step", 9, None, None),
        ("accuracy", "forget_loss", 1.0, None, None), ("last", "step", 9, 9, 0), ("last", "forget_loss", 1.0, 1.0, 0.0),
    ]  # fmt: skip
    assert largest(found) == {
        "step": (1, pytest.approx(0.5**0.5), 2), "forget_loss": (0.25, pytest.approx(0.25 * 0.5**0.5), 2),
    }  # fmt: skip
    lines = as_csv(found, ["where from"]).splitlines()
    assert lines[:2] == ["# where from", "arm,replicate,stop,number,one,other,difference"]
    assert lines[2] == "neggrad,0,loss,step,4,5,1.0"
    assert lines[4] == "neggrad,0,accuracy,step,9,,"


def test_work_is_done_in_the_threads_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    count = [1]
    monkeypatch.setattr(torch, "set_num_threads", lambda n: count.__setitem__(0, n))
    monkeypatch.setattr(torch, "get_num_threads", lambda: count[0])
    with running._threads(2):
        assert count == [2]
    assert count == [1]
