"""The page on equal forgetting says how searches for learning rates begin, and why ResNet-50's does at smaller ones."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from operator import itemgetter

import pytest

pytest.importorskip("torch")

from deepnet.matched.measuring import accuracies
from deepnet.matched.presets import PRESETS
from deepnet.matched.records import read_rows
from deepnet.matched.tuning.rates import EFFORTS, tracked_rates
from deepnet.matched.tuning.search import Effort, rate
from deepnet.metrics.tug_of_war import tug_of_war
from tests.places import ROOT


def test_searches_begin_as_their_page_says() -> None:
    text = " ".join((ROOT / "docs/equal_forgetting.md").read_text(encoding="utf-8").split())
    assert "seven on digits, on three replicates that no study uses (on one for the transformer)" in text
    assert "on photographs four of ResNet-18 and seven of ResNet-50, on one." in text
    efforts = {name: EFFORTS.get(name, Effort()) for name in PRESETS}
    found = {name: (len(effort.grid), len(effort.replicates)) for name, effort in efforts.items()}
    assert (found["digits"], found["digits-vit"]) == ((7, 3), (7, 1))
    assert (found["photographs-resnet18"], found["photographs-resnet50"]) == ((4, 1), (7, 1))
    assert rate(efforts["photographs-resnet50"].grid[0]) == 0.000625


def test_best_trials_that_never_stopped_are_as_many_as_their_page_says() -> None:
    text = " ".join((ROOT / "docs/equal_forgetting.md").read_text(encoding="utf-8").split())
    assert "five of six arms of `digits-labels`, and of three of the four arms of NegGrad with ResNet-50" in text
    assert _best_that_never_stopped("digits-labels") == (5, 6)
    assert _best_that_never_stopped("photographs-resnet50", "neggrad") == (3, 4)
    ledger = " ".join((ROOT / "docs/deep_ledger.md").read_text(encoding="utf-8").split())
    assert "for three of its four arms the search had chosen a rate whose trial did not get there" in ledger


def test_trials_at_large_rates_are_as_their_page_says() -> None:
    """Of NegGrad, with ResNet-50: hardly better than doing nothing at best, and one is best by chance."""
    text = " ".join((ROOT / "docs/equal_forgetting.md").read_text(encoding="utf-8").split())
    large = [
        (trial["arm"], float(trial["tow"]), int(float(trial["step"])), float(trial["lr"]))
        for trial in _trials("photographs-resnet50", "neggrad")
        if 0.005 <= float(trial["lr"]) <= 0.04
    ]
    assert len(large) == 16
    _, worths, steps, _ = zip(*large, strict=True)
    assert f"after {min(steps)} to {max(steps)} steps" in text
    plain, sharp = (_worths_of_doing_nothing("photographs-resnet50", optimizer) for optimizer in ("sgd", "asam-1"))
    told = f"a ToW of {_range(worths)} there; doing nothing has {_range(plain)} on the study's own replicates"
    assert f"{told}, or {_range(sharp)} after ASAM" in text
    best = max((trial for trial in large if trial[0] == "neggrad-asam-after-sgd"), key=itemgetter(1))
    assert best[2:] == (1, 0.04)


def _worths_of_doing_nothing(scale: str, optimizer: str) -> list[float]:
    """ToW of the pretrained network of each replicate as trials are scored: with validation images."""
    rows = read_rows(ROOT / "paper_figs/data" / scale / "rows.jsonl").values()
    networks = [row for row in rows if row["kind"] in ("pretrained", "retrained")]
    retrained = {
        row["replicate"]: accuracies(row["numbers"], "val")
        for row in networks
        if row["kind"] == "retrained" and row["optimizer"] == "sgd" and not row["again"]
    }
    return [
        tug_of_war(accuracies(row["numbers"], "val"), retrained[row["replicate"]])
        for row in networks
        if row["kind"] == "pretrained" and row["optimizer"] == optimizer
    ]


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _best_that_never_stopped(scale: str, method: str = "") -> tuple[int, int]:
    """How many arms have a best trial of which no run reached the stop, and how many there are."""
    best = [trial for trial in _trials(scale, method) if trial["chosen"] == "True"]
    return sum(trial["reached"] == "0" for trial in best), len(best)


def _trials(scale: str, method: str) -> list[dict[str, str]]:
    """The tracked trials of the arms of a method."""
    lines = tracked_rates(scale).read_text(encoding="utf-8").splitlines()
    trials = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [trial for trial in trials if trial["arm"].startswith(method)]
