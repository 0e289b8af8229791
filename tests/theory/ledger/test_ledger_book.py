"""The ledger as a record: rows, multiplicity, JSON, files, and how a terminal shows it."""

import io
import json
import stat
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from simulate.house.files import write_text
from tests.clock import Clock
from tests.theory.cases import FAILED_CONTROL, FALSE_EFFECT, NO_EFFECT, claim, ledger
from theory.experiments.lab import Lab
from theory.ledger import Choice, Claim, Control, Evidence, Ledger, Region, Row, Verdict, family_sizes, run_claims
from theory.ledger.book import ledger_from
from theory.ledger.table import summary_table
from theory.ledger.wording import control_verdict, counts, warning
from theory.statistics import exact

CLAIMS = (FAILED_CONTROL, NO_EFFECT, claim("true-effect"), FALSE_EFFECT)


def test_each_verdict_can_be_reached() -> None:
    wide = claim("border", 5, effect=1.1)
    found = {row.name: row.verdict for row in ledger(*CLAIMS, wide).rows}
    assert found == {
        "true-effect": "supported",
        "false-effect": "refuted",
        "failed-control": "supported",
        "no-effect": "not testable",
        "border": "inconclusive",
    }


def test_rows_come_by_number_and_hold_what_was_fixed_before() -> None:
    rows = ledger(*CLAIMS).rows
    assert [row.number for row in rows] == [1, 2, 3, 4]
    for row, one in zip(rows, sorted(CLAIMS, key=lambda each: each.number), strict=True):
        assert (row.title, row.source, row.statement, row.family) == (one.title, one.source, one.statement, one.family)
        assert (row.refuted_if, row.stopping_rule, row.predicted) == (
            one.refuted_if,
            one.stopping_rule,
            "in [0.9, 1.1]",
        )


def test_controls_that_were_not_refuted_are_named() -> None:
    found = ledger(*CLAIMS)
    assert found.unrefuted_controls == ["failed-control"]
    assert "failed-control" in warning(found)
    assert warning(ledger(FALSE_EFFECT)) == ""
    assert counts(found) == {"supported": 2, "refuted": 1, "inconclusive": 0, "not testable": 1}


def test_numbers_of_numpy_are_those_of_python() -> None:
    of_numpy = run_claims([claim("a")], Lab(), rows=np.int64(50), seed=np.int64(3), budget="quick", version="9.9")
    of_python = run_claims([claim("a")], Lab(), rows=50, seed=3, budget="quick", version="9.9")
    assert of_numpy.to_json() == of_python.to_json()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": {"ours": 3}}, '`rows` must hold the number of claims of the family "paper"'),
        ({"rows": {"paper": 0}}, "`rows` must be a whole number of at least 1"),
        ({"rows": "3"}, "`rows` must be a whole number"),
        ({"seed": -1}, "`seed` must be a whole number of at least 0"),
    ],
)
def test_nothing_runs_where_an_argument_is_wrong(changes: dict[str, Any], message: str) -> None:
    begun: list[Claim] = []
    given: dict[str, Any] = {"rows": 1, "seed": 0, "budget": "quick", "version": "9.9", "begin": begun.append}
    with pytest.raises(ValueError, match=message):
        run_claims([claim("a", family="paper")], Lab(), **(given | changes))
    assert begun == []


def test_each_family_has_its_own_number_of_intervals() -> None:
    claims = [claim("a", family="paper"), claim("b", family="ours"), claim("c", family="ours")]
    assert family_sizes(claims) == {"paper": 1, "ours": 2, "open": 1}
    sizes = {"paper": 50, "ours": 1, "open": 1}
    a, b, _ = run_claims(claims, Lab(), rows=sizes, seed=0, budget="quick", version="9.9").rows
    alone = run_claims(claims[:2], Lab(), rows=50, seed=0, budget="quick", version="9.9").rows
    assert a.interval == alone[0].interval
    assert "all 50 claims" in a.confidence
    assert b.interval == b.plain_interval != alone[1].interval


@pytest.mark.parametrize("effect", [1.0, 3.0, 1.1])
def test_where_cells_violate_what_a_claim_presupposes_it_is_neither_supported_nor_refuted(effect: float) -> None:
    inside, beyond = (
        ledger(claim("a", effect=effect, hypotheses=names)).rows[0] for names in (("inside",), ("inside", "beyond"))
    )
    assert inside.verdict == inside.by_effect == beyond.by_effect
    assert beyond.verdict == "outside the hypotheses"
    assert (beyond.violated, inside.violated) == (["beyond"], [])
    assert (beyond.effect, beyond.interval) == (inside.effect, inside.interval)
    assert ledger(claim("b", effect=None, hypotheses=("beyond",))).rows[0].verdict == "not testable"


def test_null_experiments_that_see_something_are_named() -> None:
    nothing = Control(name="nothing was done", region=Region.around(0.0, 0.1))
    sound, broken = claim("sound", null=nothing), claim("broken", 2, null=nothing)

    def measured(one: Claim, value: float) -> Claim:
        return replace(one, measure=lambda lab: replace(one.measure(lab), null=exact(value)))

    found = ledger(measured(sound, 0.05), measured(broken, 0.2), claim("without", 3))
    assert found.failed_nulls == ["broken"]
    assert "saw something where there is nothing" in warning(found)
    assert "broken" in warning(found)
    assert [row.null.get("verdict") for row in found.rows] == ["supported", "refuted", None]
    assert found.rows[0].null["name"] == "nothing was done"


def test_choices_and_where_a_claim_holds_go_into_its_row() -> None:
    weight = Choice(name="alpha", words="weight", primary=0.7, others=(0.5, None), reason="The middle.")
    told = run_claims(
        [claim("a", choices=(weight,))], Lab(), rows=1, seed=0, budget="quick", version="9.9", holds={"a": "Holds."}
    )
    row = told.rows[0]
    assert row.choices == {
        "alpha": {"words": "weight", "primary": "0.7", "others": ["0.5", "none"], "reason": "The middle."}
    }
    assert row.holds == "Holds."
    assert ledger_from(told.to_json()) == Ledger(told.rows)


def test_what_was_not_run_is_not_called_untestable() -> None:
    idle = claim("idle", effect=None, control=float("nan"))
    later = replace(idle, name="later", measure=lambda lab: replace(idle.measure(lab), was_run=False))
    found = ledger(idle, later)
    assert [row.verdict for row in found.rows] == ["not testable", "not run"]
    assert found.unrefuted_controls == []
    assert counts(found)["not run"] == 1
    assert ledger_from(found.to_json()).rows == found.rows
    for damaged in ("[1]", '[{"number": 1}]', "{", "[" * 100_000):
        with pytest.raises(ValueError, match="not the rows of a ledger"):
            ledger_from(damaged)


def test_an_inconclusive_control_is_not_refuted() -> None:
    found = ledger(claim("vague-control", control=float("nan")))
    assert found.rows[0].control["verdict"] == Verdict.INCONCLUSIVE.value
    assert found.unrefuted_controls == ["vague-control"]


def test_a_control_that_stands_is_told_even_where_the_claim_has_no_effect() -> None:
    measured, idle = claim("measured", effect=None, control=1.0), claim("idle", effect=None, control=float("nan"))
    found = ledger(measured, idle)
    assert [row.control["verdict"] for row in found.rows] == ["supported", "inconclusive"]
    assert found.unrefuted_controls == ["measured"]
    assert [control_verdict(row) for row in found.rows] == ["supported", None]
    assert [control_verdict(row) for row in ledger(*CLAIMS).rows] == ["refuted", "refuted", "supported", None]


def test_intervals_widen_with_the_whole_ledger_and_not_with_the_company() -> None:
    one, many = (
        run_claims([claim("a")], Lab(), rows=rows, seed=0, budget="quick", version="9.9").rows[0] for rows in (1, 50)
    )
    assert one.interval is not None
    assert many.interval is not None
    assert many.interval[0] < one.interval[0] < one.interval[1] < many.interval[1]
    assert "50 claims of its family" in many.confidence
    assert ledger(claim("a")).rows == ledger(claim("a"), FALSE_EFFECT).rows[:1]


def test_json_has_what_readers_rely_on() -> None:
    rows = json.loads(ledger(*CLAIMS).to_json())
    assert isinstance(rows, list)
    for row in rows:
        assert {"name", "source", "verdict", "effect", "interval", "n_runs", "seed", "control"} <= set(row)
        assert {"name", "verdict"} <= set(row["control"])
        rare = {"margin", "equivalence", "detectable", "distributions"}
        assert set(row) == {field.name for field in fields(Row)} - rare
        assert not [key for key in row if "second" in key or "time" in key]
    by_name = {row["name"]: row for row in rows}
    assert by_name["no-effect"]["effect"] is by_name["no-effect"]["interval"] is None
    assert by_name["true-effect"]["details"]["unknown"] == {"effect": None, "interval": None}
    assert by_name["true-effect"]["conditions"]["no_limit"]["least_margin"] is None


def test_json_is_the_same_for_the_same_seed_and_differs_otherwise() -> None:
    assert ledger(*CLAIMS).to_json() == ledger(*CLAIMS).to_json()
    effects = [ledger(CLAIMS[2], seed=seed).rows[0].effect for seed in (0, 1)]
    assert effects[0] != effects[1]


def test_seconds_are_kept_apart() -> None:
    found = ledger(*CLAIMS)
    assert set(found.seconds) == {each.name for each in CLAIMS}
    assert found.to_json() == replace(found, seconds={}).to_json()


def test_seconds_are_those_of_each_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def slow(seconds: float) -> Callable[[Lab], Evidence]:
        def measure(lab: Lab) -> Evidence:
            clock.passes(seconds)
            return CLAIMS[2].measure(lab)

        return measure

    monkeypatch.setattr(time, "perf_counter", clock)
    found = ledger(claim("quick", 1, measure=slow(1.0)), claim("slow", 2, measure=slow(60.0)))
    assert found.seconds == {"quick": 1.0, "slow": 60.0}


@pytest.mark.parametrize("name", ["", "Upper", "two words", "a--b", "-a", "a/b"])
def test_names_are_plain_words(name: str) -> None:
    with pytest.raises(ValueError, match="`name`"):
        claim(name)


# --- files ---------------------------------------------------------------------------------------------


def test_texts_are_written_whole_into_new_folders(tmp_path: Path) -> None:
    path = write_text(tmp_path / "new" / "folder" / "a.txt", "κ\n")
    assert path.read_bytes() == "κ\n".encode()
    write_text(path, "ζ\n")
    assert path.read_text(encoding="utf-8") == "ζ\n"
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]


def test_a_text_that_cannot_be_written_leaves_the_older_one(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half \ud800")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_files_are_as_readable_as_others(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "plain", write_text(tmp_path / "ours", ""))}
    assert len(modes) == 1


# --- on a terminal -------------------------------------------------------------------------------------


def printed(width: int, *claims: Claim) -> list[str]:
    """Lines of the table on a terminal of a width."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(summary_table(ledger(*claims)))
    return console.export_text().splitlines()


def test_the_table_says_whose_claims_they_are_where_there_is_room() -> None:
    claims = (claim("a", family="paper"), claim("b", family="open"))
    assert [line.split()[2] for line in printed(100, *claims)[2:6] if line[:3] != " ──"] == ["whose", "paper", "open"]
    assert "whose" not in "".join(printed(70, *claims))


@pytest.mark.parametrize("width", [120, 80, 72])
def test_a_row_outside_the_hypotheses_says_what_its_effect_says(width: int) -> None:
    name = "a-name-as-long-as-names-of-claims-get"
    lines = printed(width, claim(name, effect=3.0, hypotheses=("beyond",)))
    told = [word for line in lines[4:] for word in line.split()]
    assert [w for w in told if w in ("outside", "the", "hypotheses", "(refuted)")] == [
        "outside", "the", "hypotheses", "(refuted)"
    ]  # fmt: skip
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [120, 80])
def test_the_table_fits_and_says_everything(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    long = claim("a-name-as-long-as-names-of-claims-get", effect=-1.0, supported=Region.around(-0.5, 0.02))
    console.print(summary_table(ledger(*CLAIMS, long)))
    lines = console.export_text().splitlines()
    text = "".join("".join(lines).split())
    assert max(map(len, lines)) <= width
    assert "5claims:2supported,2refuted,1nottestable" in text
    for word in ("supported", "refuted", "nottestable", "false-effect"):
        assert word in text
    assert "…" not in text
