"""The pages on deep networks say what the tracked rows say: the table, every effect with its interval, the counts."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from deepnet.ledger.comparing import MATCHED
from deepnet.ledger.findings import Findings
from deepnet.ledger.nearness import Masked
from deepnet.ledger.reading import Reading
from deepnet.ledger.variance import shares_of
from deepnet.matched.records import read_rows
from deepnet.publishing import published_scales
from paper_figs import Results
from paper_figs.figures import deep_ordering
from paper_figs.tables import deep_accuracies_table, deep_ledger_table
from paper_figs.workshop.deep_data import scales, unvaried
from paper_figs.workshop.sheet import Sheet
from paper_figs.workshop.tabular import markdown
from tests.places import ROOT
from theory.ledger.atlas import Entry, entries_from
from theory.ledger.wording import interval, number, verdict_words


def deep_ledgers() -> dict[str, list[dict[str, Any]]]:
    """The tracked ledger of each scale."""
    return {scale.folder.name: scale.ledger for scale in published_scales(ROOT / "paper_figs/data")}


@pytest.mark.parametrize(
    ("sheet", "begins", "ends"),
    [
        (deep_ledger_table.main, "<!-- the deep ledger -->", "<!-- its end -->"),
        (deep_accuracies_table.main, "<!-- raw accuracies -->", "<!-- their end -->"),
    ],
)
def test_tables_of_the_deep_ledger_are_those_of_the_tracked_ones(sheet: Sheet, begins: str, ends: str) -> None:
    """`make figures` writes them to results/figures; docs/deep_ledger.md has them, marked."""
    made, _ = sheet.draw(Results("quick", folder=ROOT / "results/nowhere"))
    text = (ROOT / "docs/deep_ledger.md").read_text(encoding="utf-8")
    told = text.partition(f"{begins}\n")[2].partition(ends)[0]
    assert told.strip() == markdown(made)


STOPS = ("accuracy", "epoch-5")
NUMERAL = r"(−?\d+(?:\.\d+)?(?:e−?\d+)?)"
EFFECT = rf"{NUMERAL}\s\[{NUMERAL},\s{NUMERAL}\]"
"""An effect with its interval, as pages write it."""


def told(effect: float, interval: Sequence[float]) -> tuple[str, ...]:
    return tuple(number(value, 2) for value in (effect, *interval))


def published_effects() -> set[tuple[str, ...]]:
    """Of every row, protocol whose controls did not fail, and share of variance at any scale."""
    every = published_scales(ROOT / "paper_figs/data")
    rows = {told(row["effect"], row["interval"]) for one in every for row in one.ledger if row["effect"] is not None}
    tried = [each for one in every for each in deep_atlas(one.folder.name).values() for each in each.tried]
    shares = [share.share for one in every for share in shares_of(one.findings)]
    trusted = [each for each in tried if each.trusted and each.effect is not None and each.interval]
    measured = {told(each.effect, each.interval) for each in trusted}
    return rows | measured | {told(share.value, share.interval()) for share in shares} | agreements()


@cache
def agreements() -> set[tuple[str, ...]]:
    """Rank correlations of the order of arms at other stops with that at the match."""
    shown = unvaried(scales(Results("quick", folder=ROOT / "results/nowhere")))
    found = [
        deep_ordering.agreement(one, deep_ordering.arms_at_all_stops(one), stop) for one in shown for stop in STOPS
    ]
    return {told(each.value, np.clip(each.interval(), -1.0, 1.0)) for each in found}


def deep_atlas(scale: str) -> dict[str, Entry]:
    """The tracked atlas of a scale, by name of the claim."""
    text = (ROOT / "paper_figs/data" / scale / "atlas.json").read_text(encoding="utf-8")
    return {entry.name: entry for entry in entries_from(text)}


@pytest.mark.parametrize(
    ("page", "after", "least"),
    [
        ("docs/deep_ledger.md", "## What the deep ledger says", 20),
        ("docs/deepnet.md", "## What was found", 6),
        ("README.md", "**Deep networks in five sentences**", 6),
    ],
)
def test_intervals_of_deep_networks_are_published_ones(page: str, after: str, least: int) -> None:
    """Every effect with an interval in the sentences, above and below the table."""
    text = (ROOT / page).read_text(encoding="utf-8").partition(after)[2]
    before, _, rest = text.partition("<!-- the deep ledger -->")
    found = re.findall(EFFECT, before + rest.partition("<!-- its end -->")[2])
    assert len(found) >= least
    assert set(found) - published_effects() == set()


AFTER_ASAM = {"setting": "ASAM after ASAM"}


@pytest.mark.parametrize(
    ("words", "name", "protocol"),
    [
        ("comes closer to retraining than with SGD, by", "asam-improves-neggrad", {}),
        ("undecided after pretraining with ASAM,", "asam-improves-neggrad", AFTER_ASAM),
        ("finds flatter minima,", "asam-finds-flatter-minima", {}),
        ("not shown to help NegGrad,", "asam-pretraining-helps-neggrad", {}),
        ("from NegGrad by nothing of interest,", "sharp-minmax-beats-neggrad", {}),
        ("worse after pretraining with ASAM,", "sharp-minmax-beats-neggrad", AFTER_ASAM),
        ("range of α that is", "asam-widens-range-of-alpha", {}),
    ],
)
def test_each_sentence_has_the_number_of_its_own_claim(words: str, name: str, protocol: dict[str, str]) -> None:
    """In the README, of digits: another claim's published number would not do."""
    entry = deep_atlas("digits")[name]
    levels = tuple(
        choice["values"].index(protocol[which]) if which in protocol else 0 for which, choice in entry.choices.items()
    )
    (found,) = {each for each in (*entry.tried, *entry.crossed) if each.levels == levels}
    assert found.effect is not None
    assert found.interval is not None
    effect, low, high = told(found.effect, found.interval)
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{words} {effect} [{low}, {high}]" in text


RIVALS = {
    "a tenth at random": "random-weights", "the largest gradients on the forget set": "gradients",
    "the smallest entries": "smallest-entries", "the last layer alone": "last-layer", "all weights": "all-weights",
}  # fmt: skip
ANSWERS = {
    "inconclusive": "undecided", "no effect of interest": "no difference of interest", "supported": "better",
    "refuted": "worse",
}  # fmt: skip


def test_the_table_of_selected_weights_is_that_of_its_claims() -> None:
    """Answer, effect and interval of each rival at each of three scales."""
    text = (ROOT / "docs/deep_ledger.md").read_text(encoding="utf-8")
    heads, _, *lines = text[text.index("| against |") :].partition("\n\n")[0].splitlines()
    scales_there = [re.findall(r"`([a-z-]+)`", head)[0] for head in heads.split("|")[2:-1]]
    assert scales_there == ["digits", "digits-labels", "digits-backdoor"]
    assert len(lines) == len(RIVALS)
    for line in lines:
        rival, *cells = (cell.strip() for cell in line.split("|")[1:-1])
        for scale, cell in zip(scales_there, cells, strict=True):
            (row,) = [
                row for row in deep_ledgers()[scale] if row["name"] == f"curvature-selection-beats-{RIVALS[rival]}"
            ]
            effect, low, high = told(row["effect"], row["interval"])
            assert cell == f"{ANSWERS[row['verdict']]}, {effect} [{low}, {high}]"


def test_rows_of_deep_networks_in_the_readme_are_published_ones() -> None:
    """Verdict, effect and interval of each, and in how many protocols that can be trusted it holds and fails."""
    known = {
        (verdict_words(row["verdict"], row["margin"]), *told(row["effect"], row["interval"])): deep_atlas("digits")[
            row["name"]
        ]
        for row in deep_ledgers()["digits"]
        if row["effect"] is not None and row["name"] in deep_atlas("digits")
    }
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(rf"\| Deep networks[^|]*\| ([^|]+) \| [^|]*?{EFFECT}[^|]*\| digits: ([^|]*) \|", text)
    assert len(rows) == text.count("| Deep networks") >= 2
    for *row, where in rows:
        entry = known[tuple(row)]
        counts = {words: int(count) for words, count in re.findall(r"([a-z ]+) in (\d+)", where)}
        assert {words.strip(): count for words, count in counts.items()} == counted_in(entry)
        assert re.findall(r" of (\d+)", where) == [str(len(entry.tried))]


def counted_in(entry: Entry) -> dict[str, int]:
    """Protocols in which a claim is decided, those apart in which a control failed."""
    words = {"supported": "holds", "refuted": "fails", "no effect of interest": "no effect of interest"}
    decided = [each for each in entry.tried if each.verdict in words]
    return dict(Counter(words[each.verdict] if each.trusted else "a control failed" for each in decided))


def test_the_counts_of_the_deep_ledger_are_the_published_ones() -> None:
    """The README's sentence on each scale: how many of the paper's ten claims are decided."""
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    for scale, rows in deep_ledgers().items():
        family = [row["verdict"] for row in rows if row["family"] == "paper"]
        decided = sum(verdict in ("supported", "refuted", "no effect of interest") for verdict in family)
        assert f"{scale}: {decided} of {len(family)} decided" in text or "-" in scale.removeprefix("photographs-")


def test_shares_of_variance_are_those_of_the_tracked_rows() -> None:
    rows = read_rows(ROOT / "paper_figs/data/digits/rows.jsonl").values()
    found = {(one.number, one.of): one.share for one in shares_of(Findings.of(rows))}
    text = " ".join((ROOT / "docs/deep_ledger.md").read_text(encoding="utf-8").split())
    for of in ("retrained networks", "NegGrad at the match"):
        share = found["forget_accuracy", of]
        assert f"{number(share.value, 2)} {interval(share.interval(), 2)} of" in text


def thread_noise(scale: str, stop: str = "loss") -> dict[str, list[float]]:
    """Differences at a stop, usually the match, between one thread and two, by number."""
    lines = (ROOT / "paper_figs/data" / scale / "noise.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["stop"] == stop and row["difference"]:
            found.setdefault(row["number"], []).append(float(row["difference"]))
    return found


ACCURACIES = ("retain_accuracy", "forget_accuracy", "test_accuracy")


@pytest.mark.parametrize(("scale", "runs"), [("digits", 20), ("photographs-resnet18", 2), ("photographs-resnet50", 1)])
def test_numerical_noise_is_that_of_the_tracked_table(scale: str, runs: int) -> None:
    text = " ".join((ROOT / "docs/deep_ledger.md").read_text(encoding="utf-8").split())
    noise = thread_noise(scale)
    retain, forget, test = (number(float(np.sqrt(np.mean(np.square(noise[name])))), 2) for name in ACCURACIES)
    assert len(noise["step"]) == runs
    assert f"{retain} on the retain set, {forget} on the forget set and {test} on test images" in text


def test_a_run_that_ends_before_the_match_has_noise_at_its_end() -> None:
    """NegGrad with ResNet-50, the first of two runs."""
    retain, forget, test = (
        number(abs(thread_noise("photographs-resnet50", "last")[name][0]), 2) for name in ACCURACIES
    )
    text = " ".join((ROOT / "docs/deep_ledger.md").read_text(encoding="utf-8").split())
    assert f"and differs at its end by {retain}, {forget} and {test}" in text


def test_no_decided_effect_in_tow_is_numerical_noise() -> None:
    """ToW moves by the sum of its three accuracies at most; two arms are compared in the mean over replicates."""
    noise = thread_noise("digits")
    sums = np.sum([np.abs(noise[name]) for name in ACCURACIES], axis=0)
    of_a_run = float(np.sqrt(np.mean(sums**2)))
    decided = [
        row
        for row in deep_ledgers()["digits"]
        if row["verdict"] in ("supported", "refuted") and row["effect_is"].startswith("ToW")
    ]
    assert len(decided) >= 4
    for row in decided:
        replicates = row["details"]["replicates"]["effect"]
        assert abs(row["effect"]) > of_a_run * (2 / replicates) ** 0.5, row["name"]


NUMBERS = {3: "three", 4: "four", 5: "five", 6: "six", 9: "nine", 10: "ten", 12: "twelve"}
PAIRS = [(f"minmax-{how}", f"neggrad-{how}") for how in ("sgd-after-sgd", "asam-after-sgd", "asam-after-asam")]


def of_resnet50(**protocol: Any) -> Reading:
    return Reading(Findings.of(read_rows(ROOT / "paper_figs/data/photographs-resnet50/rows.jsonl").values()), protocol)


def told_of_resnet50() -> str:
    text = (ROOT / "docs/deep_ledger.md").read_text(encoding="utf-8")
    return " ".join(text.partition("**ResNet-50:**")[2].split())


def leads(reading: Reading) -> Masked:
    """By how much the ToW of Sharp MinMax is above that of NegGrad, in each pair of runs."""
    tows = [[reading.tow(arm, MATCHED).mean(axis=1) for arm in pair] for pair in PAIRS]
    return np.ma.concatenate([one - other for one, other in tows])


def test_accuracies_of_resnet50_are_those_of_its_networks() -> None:
    known = of_resnet50().findings
    before, after = known.pretrained["high", "sgd"].values(), known.retrained["high", "sgd"].values()
    retain, forget, test = (100 * np.mean([one[name] for one in before]) for name in ACCURACIES)
    left = 100 * np.mean([one["forget_accuracy"] for networks in after for one in networks])
    told_before = f"{retain:.0f} % of its retain images right, {test:.0f} % of the test images, and {forget:.0f} % of"
    assert told_before in told_of_resnet50()
    assert f"retraining leaves {left:.0f} %" in told_of_resnet50()


def test_how_much_wider_joint_intervals_are_is_told_of_three_and_of_six() -> None:
    """By Student's law, one degree of freedom fewer than replicates, in a family of ten."""
    wider = [t.ppf(1 - 0.025 / 10, count - 1) / t.ppf(1 - 0.025, count - 1) for count in (3, 6)]
    told = "{:.1f} times as wide as one alone with three replicates, and {:.1f} times with six"
    assert told.format(*wider) in told_of_resnet50()


def test_core_hours_are_those_of_the_provenance() -> None:
    """Of the rows, the searches apart."""
    hours = []
    for scale in ("digits", "photographs-resnet18", "photographs-resnet50"):
        about = json.loads((ROOT / "paper_figs/data" / scale / "provenance.json").read_text(encoding="utf-8"))
        hours.append(sum(spent for of, spent in about["seconds"].items() if of != "search") / 3600)
    told = "the rows of digits took {:.0f} hours of one core, those of ResNet-18 {:.0f}, those of ResNet-50 {:.0f}"
    assert told.format(*hours) in told_of_resnet50()


def test_pairs_of_runs_of_resnet50_stand_as_is_told() -> None:
    """How Sharp MinMax and NegGrad stand to each other, and in how many pairs both get to the match."""
    reading, text = of_resnet50(), told_of_resnet50()
    there = {arm: np.array(reading.endings(arm, MATCHED)) == "reached" for arm in reading.findings.arms}
    both = int(sum((there[one] & there[other]).sum() for one, other in PAIRS))
    assert (leads(reading).count(), leads(reading).max() < 0) == (9, True)
    assert f"in each of {NUMBERS[9]} pairs of runs" in text
    assert f"in {NUMBERS[9 - both]} of the nine NegGrad does not get to the match" in text
    assert f"In the other {NUMBERS[both]} Sharp MinMax's ToW is lower, too" in text
    assert all(there[one].all() for one, _ in PAIRS)
    held_out = leads(of_resnet50(stop="held-out"))
    assert held_out.min() < 0 < held_out.max()


def test_what_runs_of_resnet50_keep_and_gain_is_as_is_told() -> None:
    """Shares of the retain images, and ToW beside that of doing nothing."""
    reading, text = of_resnet50(), told_of_resnet50()
    for method, words, how_many in (
        ("minmax", "with {} to {} % of the retain images right", "in each run"),
        ("neggrad", "NegGrad keeps {} to {} %", "is nearer to them in {} of {}"),
    ):
        arms = [arm for arm in reading.findings.arms if arm.startswith(method) and "no-max" not in arm]
        kept = np.ma.concatenate([100 * reading.values(arm, "retain_accuracy", MATCHED) for arm in arms])
        gained = np.ma.concatenate(
            [reading.tow(a, MATCHED).mean(axis=1) - reading.tow_of_start(a, MATCHED).mean(axis=1) for a in arms]
        )
        assert words.format(f"{kept.min():.0f}", f"{kept.max():.0f}") in text
        nearer = int((gained > 0).sum())
        assert how_many.format(NUMBERS.get(nearer), NUMBERS[len(gained)]) in text
        assert (nearer == 0) == (method == "minmax")


@pytest.mark.parametrize(
    ("name", "verdict", "words"),
    [
        ("sharp-minmax-beats-neggrad", "refuted", "refutes claim 2 ({} of {} do)"),
        ("sharp-minmax-costs-retain-accuracy", "supported", "supports claim 11 ({} of {})"),
    ],
)
def test_protocols_that_decide_of_resnet50_are_as_many_as_is_told(name: str, verdict: str, words: str) -> None:
    """A control failed in each."""
    entry = deep_atlas("photographs-resnet50")[name]
    found = [each for each in entry.tried if each.verdict == verdict]
    assert words.format(len(found), len(entry.tried)) in told_of_resnet50()
    assert not any(each.trusted for each in found)
