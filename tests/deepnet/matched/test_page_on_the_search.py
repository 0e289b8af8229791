"""The page on equal forgetting says how searches for learning rates begin, and why ResNet-50's does at smaller ones."""

from __future__ import annotations

import csv

import pytest

pytest.importorskip("torch")

from deepnet.matched.measuring import accuracies
from deepnet.matched.presets import PRESETS
from deepnet.matched.records import read_rows
from deepnet.matched.tuning.rates import EFFORTS, tracked_rates
from deepnet.matched.tuning.search import Effort, rate, worth
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


def _best_that_never_stopped(scale: str, method: str = "") -> tuple[int, int]:
    """How many arms have a best trial of which no run reached the stop, and how many there are."""
    lines = tracked_rates(scale).read_text(encoding="utf-8").splitlines()
    trials = csv.DictReader(line for line in lines if not line.startswith("#"))
    best = [trial for trial in trials if trial["chosen"] == "True" and trial["arm"].startswith(method)]
    return sum(trial["reached"] == "0" for trial in best), len(best)


def test_trials_at_large_rates_are_as_their_page_says() -> None:
    """Of NegGrad, on replicate 1000 of ResNet-50: worse than doing nothing, and one is best by chance."""
    rows = list(read_rows(ROOT / "paper_figs/unfinished/photographs-resnet50/search.jsonl").values())
    (reference,) = [row for row in rows if row["kind"] == "retrained"]
    large = [row for row in rows if row["kind"] == "trajectory" and row["arm"].startswith("neggrad")
             and 0.005 <= row["lr"] <= 0.04]  # fmt: skip
    worths = [worth(row, reference) for row in large]
    steps = [row["stops"]["loss"]["step"] for row in large]
    nothing = {
        row["optimizer"]: tug_of_war(accuracies(row["numbers"], "val"), accuracies(reference["numbers"], "val"))
        for row in rows
        if row["kind"] == "pretrained"
    }
    assert len(large) == 16
    text = " ".join((ROOT / "docs/equal_forgetting.md").read_text(encoding="utf-8").split())
    assert f"after {min(steps)} to {max(steps)} steps" in text
    told = (
        f"ToW of {min(worths):.2f} to {max(worths):.2f}, and {nothing['sgd']:.2f} before it, or {nothing['asam-1']:.2f}"
    )
    assert told in text
    with_asam = {row["lr"]: worth(row, reference) for row in large if row["arm"].startswith("neggrad-asam-after-sgd")}
    best = max(with_asam, key=with_asam.__getitem__)
    (step,) = [row["stops"]["loss"]["step"] for row in large if row["arm"] == f"neggrad-asam-after-sgd@{best:g}"]
    assert step == 1
