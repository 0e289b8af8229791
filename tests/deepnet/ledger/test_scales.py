"""Scales side by side, and what the command writes of them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from scipy.special import stdtrit

from deepnet.cli.judge import JudgeCommand
from deepnet.ledger.claims import all_claims, find_claims
from deepnet.ledger.findings import Findings
from deepnet.ledger.pages import account, atlas_of, table_of
from deepnet.ledger.scales import arms_of, as_run, intervals_of, judge, looks_at, summary_of
from deepnet.matched.records import write_rows
from simulate.house.terminal import console
from tests.deepnet.ledger.planted import AGAIN, LOSS, PLAIN, WOBBLE, planted
from tests.deepnet.made_up_matched import ARMS, diverged, world
from theory.ledger import Row
from theory.ledger.wording import where_it_differs

CLAIM = "asam-improves-neggrad"
AHEAD, BEHIND = {PLAIN: LOSS, AGAIN: LOSS}, {"neggrad-asam-after-sgd": LOSS}


def scaled(rows: Sequence[dict[str, Any]], scale: str) -> list[dict[str, Any]]:
    return [row | {"scale": scale} for row in rows]


@pytest.fixture(scope="module")
def template() -> Row:
    return judge({"a": world([0])}, claims=find_claims([CLAIM])).ledgers["a"].rows[0]


@pytest.mark.parametrize(
    ("verdicts", "summary"),
    [
        (["supported", "supported"], "supported"),
        (["refuted", "refuted", "refuted"], "refuted"),
        (["supported", "refuted"], "scales differ"),
        (["supported", "inconclusive"], "undecided at some"),
        (["supported", "inconclusive", "refuted"], "scales differ"),
        (["supported", "supported", "refuted"], "scales differ"),
        (["inconclusive", "inconclusive"], "inconclusive"),
        (["supported"], "one scale only"),
        (["supported", "not run"], "one scale only"),
        (["supported", "not run", "supported"], "supported"),
        (["not run", "not run"], "not run"),
        (["not run", "not testable"], "not testable"),
        (["no effect of interest"] * 2, "no effect larger than 0.02"),
    ],
)
def test_there_is_a_summary_where_scales_agree(template: Row, verdicts: list[str], summary: str) -> None:
    trusted = replace(template, control={**template.control, "verdict": "refuted"})
    assert summary_of([replace(trusted, verdict=verdict) for verdict in verdicts]) == summary


def test_decisions_whose_control_failed_have_no_say(template: Row) -> None:
    supported = replace(template, verdict="supported", control={**template.control, "verdict": "refuted"})
    failed = replace(supported, control={**template.control, "verdict": "inconclusive"})
    assert summary_of([supported, supported]) == "supported"
    assert summary_of([supported, failed]) == "one scale only"
    assert summary_of([failed, failed]) == "controls failed"
    assert summary_of([replace(failed, verdict="inconclusive")] * 2) == "inconclusive"


def test_each_scale_has_a_ledger_of_its_own() -> None:
    judgement = judge(
        {
            "one": scaled(planted(AHEAD, wobble=WOBBLE), "one"),
            "two": scaled(planted(BEHIND, wobble=WOBBLE, replicates=range(4)), "two"),
        },
        claims=find_claims([CLAIM, "asam-finds-flatter-minima"]),
        holds={"two": {CLAIM: "Holds."}},
    )
    first, second = judgement.side_by_side
    assert [row.verdict for row in first[0].values()] == ["supported", "refuted"]
    assert (first[1], second[1]) == ("scales differ", "not run")
    assert [row.holds for row in first[0].values()] == ["", "Holds."]
    assert [row.budget for row in first[0].values()] == ["one, 5 replicates", "two, 4 replicates"]
    lines = list(csv.DictReader(io.StringIO(judgement.as_csv())))
    assert [(line["claim"], line["scale"], line["verdict"], line["replicates"]) for line in lines] == [
        (CLAIM, "one", "supported", "5"), (CLAIM, "two", "refuted", "4"),
        ("asam-finds-flatter-minima", "one", "not run", ""), ("asam-finds-flatter-minima", "two", "not run", ""),
    ]  # fmt: skip
    assert float(lines[0]["effect"]) == pytest.approx(0.1, abs=0.01)
    assert float(lines[0]["low"]) < float(lines[0]["effect"]) < float(lines[0]["high"])
    assert (lines[0]["margin"], lines[0]["control"], lines[0]["null"], lines[0]["together"]) == (
        "0.02", "refuted", "supported", "scales differ",
    )  # fmt: skip
    row = judgement.ledgers["one"].rows[0]
    arms = [words.partition(", ")[2] for words in row.details if words.startswith("ToW, ")][:2]
    for name in ("retain", "forget", "test"):
        told = [float(lines[0][name]), float(lines[0][f"{name}_other"])]
        assert told == [row.details[f"{name} accuracy, {arm}"]["effect"] for arm in arms]
        assert (lines[2][name], lines[2][f"{name}_other"]) == ("", "")
    with pytest.raises(ValueError, match="at least one scale"):
        judge({})


def test_rows_tell_the_verdicts_with_one_choice_changed() -> None:
    """At the accuracy the sign is the other one; the own loss is the same stop."""
    rows = planted(AHEAD, wobble=WOBBLE)
    for row_there in rows:
        if row_there.get("arm") == "neggrad-asam-after-sgd":
            row_there["stops"]["accuracy"]["test_accuracy"] -= 0.3
    row = judge({"a": rows}, claims=find_claims([CLAIM])).ledgers["a"].rows[0]
    told = row.choices["stop"]["verdicts"]
    assert row.verdict == told["the loss on F of a network retrained with the arm's own optimizer"] == "supported"
    assert told["the retrained network's accuracy on F"] == "refuted"
    assert set(told) <= set(row.choices["stop"]["others"])
    assert row.choices["reference"]["verdicts"]["the retrained network of the same replicate"] == "supported"
    assert where_it_differs(row).startswith(
        "With one choice changed the verdict differs. Point at which a run is read: refuted for the retrained "
        "network's accuracy on F"
    )
    assert where_it_differs(replace(row, choices={})) == ""


def test_a_verdict_elsewhere_whose_control_failed_is_none() -> None:
    """Networks that start as good as they end: doing nothing is no worse at that stop."""
    rows = planted(AHEAD, wobble=WOBBLE)
    for row_there in rows:
        if row_there.get("arm") == PLAIN:
            row_there["stops"]["accuracy"]["test_accuracy"] -= 0.9
    row = judge({"a": rows}, claims=find_claims([CLAIM])).ledgers["a"].rows[0]
    assert row.verdict == "supported"
    assert row.choices["stop"]["verdicts"]["the retrained network's accuracy on F"] == "controls failed"


def test_raw_accuracies_are_of_two_arms_or_of_none() -> None:
    judgement = judge({"a": world(range(3))})
    rows = {row.name: row for row in judgement.ledgers["a"].rows}
    assert arms_of(rows["asam-improves-neggrad"]) == ["NegGrad with ASAM after SGD", "NegGrad with SGD after SGD"]
    lines = {line["claim"]: line for line in csv.DictReader(judgement.as_csv().splitlines())}
    for name, line in lines.items():
        told = [line[f"{part}{which}"] for part in ("retain", "forget", "test") for which in ("", "_other")]
        was_run = rows[name].verdict != "not run"
        assert all(told) if was_run and arms_of(rows[name]) else not any(told)
    of_alphas = rows["asam-widens-range-of-alpha"]
    assert sum(words.startswith("retain accuracy, ") for words in of_alphas.details) == 10
    assert arms_of(of_alphas) == []


def test_intervals_are_those_of_the_whole_family_whatever_is_judged() -> None:
    rows = planted(AHEAD, wobble=WOBBLE)
    alone = judge({"a": rows}, claims=find_claims([CLAIM])).ledgers["a"].rows[0]
    every = judge({"a": rows}).ledgers["a"].rows[0]
    assert alone == every
    assert f"all {sum(claim.family == 'paper' for claim in all_claims())} claims" in every.confidence


def of_scale(rows: list[dict[str, Any]], scale: str) -> list[dict[str, Any]]:
    return [row | {"scale": scale} for row in rows]


@pytest.mark.parametrize("replicates", [12, 30, 90])
def test_a_second_look_doubles_what_has_to_cover_from_the_first_on(replicates: int) -> None:
    rows = planted(AHEAD, wobble=WOBBLE, replicates=range(replicates))
    once, twice = (
        judge({scale: of_scale(rows, scale)}, claims=find_claims([CLAIM])).ledgers[scale].rows[0]
        for scale in ("digits-noise", "digits")
    )
    assert once.confidence.startswith("95% for the effects of all 10 claims of its family together (")
    assert twice.confidence.startswith("95% for the effects of all 10 claims of its family at 2 looks together (")
    assert twice.plain_interval is not None
    assert twice.interval is not None
    width, plain = (end[1] - end[0] for end in (twice.interval, twice.plain_interval))
    free = replicates - 1
    assert width / plain == pytest.approx(stdtrit(free, 1 - 0.05 / 40) / stdtrit(free, 1 - 0.05 / 2), rel=1e-3)
    assert intervals_of(Findings.of(of_scale(rows, "digits")))["paper"] == 20


@pytest.mark.parametrize(
    ("scale", "looks"),
    [
        ("digits", {"paper": 2, "ours": 2, "open": 3}),
        ("digits-labels", {"paper": 2, "ours": 2, "open": 2}),
        ("digits-feature", {"paper": 2, "ours": 2, "open": 2}),
        ("photographs-resnet18", {"paper": 1, "ours": 1, "open": 1}),
    ],
)
def test_how_often_scales_are_looked_at(scale: str, looks: dict[str, int]) -> None:
    assert {family: looks_at(scale, family) for family in looks} == looks


def test_the_atlas_says_which_choice_decides() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row.get("arm") == PLAIN:
            row["stops"]["epoch-5"]["retain_accuracy"] -= 0.2
        return row

    findings = Findings.of(world(range(3), change=change))
    other, entry = atlas_of(findings, 20, find_claims([CLAIM, "mask-polarity"]))[::-1]
    assert other.counts == {"no effect of interest": 20}
    place = list(entry.choices).index("stop")
    told = {tried.levels[place]: tried.verdict for tried in entry.crossed if tried.levels[3] == 0}
    assert entry.choices["stop"]["values"][4] == "5 epochs"
    assert told[4] == "supported"
    assert {verdict for level, verdict in told.items() if level != 4} == {"no effect of interest"}


def test_the_atlas_leaves_out_what_was_not_run() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "trajectory":
            row["stops"].pop("epoch-10")
        return row

    arms = [arm for arm in ARMS if "alpha" not in arm and "rate-" not in arm]
    findings = Findings.of(world(range(3), arms=arms, change=change))
    (claim,) = find_claims([CLAIM])
    made = {choice.name: choice.values for choice in as_run(claim, findings).choices}
    usual = {choice.name: choice.values for choice in claim.choices}
    assert made["stop"] == tuple(stop for stop in usual["stop"] if stop != "epoch-10")
    assert made["setting"] == ("ASAM after SGD, α = 0.95", "ASAM after ASAM", "SAM after SGD", "a random forget set")
    assert {name: made[name] for name in ("reference", "unreached")} == {
        name: usual[name] for name in ("reference", "unreached")
    }
    (entry,) = atlas_of(findings, 20, [claim])
    assert "not run" not in entry.counts


def test_a_choice_of_which_nothing_else_was_run_is_none() -> None:
    findings = Findings.of(world(range(3), arms=[PLAIN, "neggrad-asam-after-sgd", "control-other-batches"]))
    (claim,) = find_claims([CLAIM])
    assert "setting" not in {choice.name for choice in as_run(claim, findings).choices}


def test_an_account_tells_what_was_run() -> None:
    rows = world([0, 1, 1000], arms=[PLAIN], change=lambda row: diverged(row) if row.get("arm") == PLAIN else row)
    told = account(Findings.of(rows))
    assert told["Scale"] == "made-up; float32, 1 CPU thread a run."
    assert told["What was run"].startswith("2 unlearnings of 1 arm on 2 replicates")
    assert told["What was run"].endswith("2 diverged.")
    assert told["References"] == "12 networks retrained without the forget set, 8 of them with SGD."
    assert told["Left out"].startswith("11 rows")
    assert "Left out" not in account(Findings.of(world([0], arms=[PLAIN])))


def test_the_command_writes_ledgers_pages_atlases_and_a_table(tmp_path: Path) -> None:
    rows = scaled(planted(AHEAD, wobble=WOBBLE, replicates=range(3)), "small")
    write_rows(tmp_path / "rows" / "rows.jsonl", rows)
    with console.capture() as heard:
        status = JudgeCommand(
            folders=(tmp_path / "rows",), out=tmp_path / "out", claims=(CLAIM, "mask-polarity"), protocols=2
        )()
    said = heard.get()
    assert status == 0, said
    files = [
        "scales.csv",
        "variance.csv",
        *(f"small/{name}" for name in ("ledger.json", "ledger.html", "atlas.json", "atlas.html")),
    ]
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")) == sorted(
        files
    )
    records = json.loads((tmp_path / "out/small/ledger.json").read_text(encoding="utf-8"))
    assert [record["name"] for record in records] == [CLAIM, "mask-polarity"]
    assert records[0]["verdict"] == "supported"
    assert records[0]["holds"].startswith("Holds in all 2 protocols")
    text = (tmp_path / "out/small/ledger.html").read_text(encoding="utf-8")
    ElementTree.fromstring(text.split("\n", 1)[1])
    assert "3 replicates" in text
    assert "supported: 0.1" in said
    assert "one scale only" in said


def test_a_broken_control_is_an_exit_status(tmp_path: Path) -> None:
    rows = planted({"control-rate-1.1": {"step": 10}}, replicates=range(3))
    write_rows(tmp_path / "rows.jsonl", rows)
    with console.capture() as heard:
        assert JudgeCommand(folders=(tmp_path,), out=tmp_path / "out", claims=("7",), protocols=0)() == 1
    assert "Negative controls not refuted" in heard.get()
    assert not (tmp_path / "out/made-up/atlas.json").exists()


def test_folders_without_rows_or_of_the_same_scale_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Argument `folders` must name folders with a"):
        JudgeCommand(folders=(tmp_path,))()
    for name in "ab":
        write_rows(tmp_path / name / "rows.jsonl", world([0], arms=[PLAIN]))
    with pytest.raises(ValueError, match="two are of the scale made-up"):
        JudgeCommand(folders=(tmp_path / "a", tmp_path / "b"), out=tmp_path / "out")()
    with pytest.raises(ValueError, match="Argument `protocols`"):
        JudgeCommand(folders=(tmp_path / "a",), protocols=-1)()


def test_rows_are_judged_without_torch() -> None:
    code = "import sys, deepnet.cli.judge, deepnet.ledger.pages, deepnet.matched.records; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_table_has_whole_names_beside_several_scales() -> None:
    claims = all_claims()
    judgement = judge({scale: scaled(world([0]), scale) for scale in ("one", "two", "three")}, claims=claims)
    shown = Console(file=io.StringIO(), width=120)
    shown.print(table_of(judgement))
    printed = shown.file.getvalue()  # type: ignore[attr-defined]
    assert [claim.name for claim in claims if f" {claim.name} " not in printed] == []
