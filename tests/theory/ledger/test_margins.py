"""The smallest effect of interest: a verdict of its own, known by hand, and what knows of it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from scipy import stats

from paper_figs.workshop.ledger_picture import draw_rows, standardised, verdict_table
from simulate.house.verdicts import Region, Verdict
from tests.theory.cases import claim
from theory.experiments.lab import Lab
from theory.ledger import Choice, Control, Evidence, Ledger, run_claims
from theory.ledger.atlas import atlas_json, make_atlas, sentence, sentences
from theory.ledger.book import ledger_from
from theory.ledger.table import summary_table
from theory.ledger.wording import could_have_seen, counts, verdict_words
from theory.page import page
from theory.statistics import Estimate

ROWS, DEGREES, MARGIN = 10, 29, 0.02
REACH = float(stats.t.ppf(1 - 0.05 / (2 * ROWS), DEGREES))
EQUAL = float(stats.t.ppf(1 - 0.10 / (2 * ROWS), DEGREES))


def made(value: float | None, error: float = 0.001, **changes: Any) -> Ledger:
    """The ledger of a claim that an effect is at least 0 and of interest from .02 on."""
    effect = None if value is None else Estimate(value, error, DEGREES)
    found = Evidence(effect=effect, control=Estimate(-9.0, 0.0, 1), n_runs=1, was_run=changes.pop("was_run", True))
    usual: dict[str, Any] = {
        "supported": Region(low=0.0), "margin": MARGIN, "measure": lambda lab: found,
        "control": Control(name="it", region=Region(low=0.0)),
    }  # fmt: skip
    return run_claims([replace(claim("a"), **usual | changes)], Lab(), rows=ROWS, seed=0, budget="quick", version="9.9")


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (0.03, 0.001, "supported"),
        (-0.03, 0.001, "refuted"),
        (0.0, 0.001, "no effect of interest"),
        (0.01, 0.001, "no effect of interest"),  # its sign is certain, and it is of no interest
        (-0.01, 0.001, "no effect of interest"),
        (0.02 - 1.01 * EQUAL * 0.001, 0.001, "no effect of interest"),
        (0.02 - 0.99 * EQUAL * 0.001, 0.001, "supported"),  # larger than the smallest of interest, for all we know
        (0.02 - 0.99 * EQUAL * 0.005, 0.005, "inconclusive"),
        (0.0, 0.02, "inconclusive"),
        (0.0, 0.0, "no effect of interest"),
        (0.02, 0.0, "no effect of interest"),  # on the border, but for rounding
        (0.0, float("nan"), "inconclusive"),
    ],
)
def test_an_effect_below_the_margin_is_none_whatever_its_sign(value: float, error: float, verdict: str) -> None:
    (row,) = made(value, error).rows
    assert (row.verdict, row.by_effect) == (verdict, verdict)


def test_the_mirrored_claim_has_the_mirrored_verdicts() -> None:
    fallen: dict[str, Any] = {"supported": Region(high=0.0)}
    assert [made(value, **fallen).rows[0].verdict for value in (-0.03, 0.03, 0.005)] == [
        "supported", "refuted", "no effect of interest",
    ]  # fmt: skip


def test_the_interval_of_equivalence_is_that_of_its_family() -> None:
    (row,) = made(0.03).rows
    assert row.interval == pytest.approx([0.03 - REACH * 0.001, 0.03 + REACH * 0.001], rel=1e-5)
    assert row.equivalence == pytest.approx([0.03 - EQUAL * 0.001, 0.03 + EQUAL * 0.001], rel=1e-5)
    assert row.detectable == {}


def test_an_undecided_row_says_what_it_could_have_seen() -> None:
    (row,) = made(0.0, 0.02).rows
    least = row.detectable["effect"]
    seen = stats.nct.sf(REACH, DEGREES, least / 0.02)  # the interval lies above 0
    assert seen == pytest.approx(0.8, abs=1e-5)
    assert row.detectable == {
        "effect": least, "power": 0.8, "standard_error": 0.02, "replicates": 30.0, "family": 10.0,
    }  # fmt: skip
    assert could_have_seen(row) == (
        "It could have seen an effect of 0.0783 with a probability of 80 % (standard error 0.02, 30 replicates, "
        "a family of 10); of interest are effects from 0.02 on."
    )
    assert could_have_seen(made(0.03).rows[0]) == ""
    assert made(0.0, float("nan")).rows[0].detectable == {}


@pytest.mark.parametrize(("was_run", "verdict"), [(True, "not testable"), (False, "not run")])
def test_without_an_effect_there_is_nothing_to_hold_against_it(was_run: bool, verdict: str) -> None:
    (row,) = made(None, was_run=was_run).rows
    assert (row.verdict, row.margin, row.equivalence, row.detectable) == (verdict, MARGIN, None, {})


def test_records_have_margins_where_there_are_some() -> None:
    ledger = made(0.0, 0.02)
    (record,) = json.loads(ledger.to_json())
    assert list(record)[-3:] == ["margin", "equivalence", "detectable"]
    assert ledger_from(ledger.to_json()).rows == ledger.rows
    plain = made(0.0, 0.02, margin=None)
    (without,) = json.loads(plain.to_json())
    assert list(without) == list(record)[:-3]
    assert without["verdict"] == "inconclusive"
    assert ledger_from(plain.to_json()).rows == plain.rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": 0.0}, "Argument `margin` must"),
        ({"margin": -0.1}, "Argument `margin` must"),
        ({"supported": Region(low=0.1)}, "Argument `supported` must be ≥ 0 or ≤ 0 where there is a `margin`"),
        ({"supported": Region.around(0.0, 0.1)}, "Argument `supported` must be ≥ 0 or ≤ 0"),
        ({"supported": Region(low=0.0, high=0.1)}, "Argument `supported` must be ≥ 0 or ≤ 0"),
    ],
)
def test_a_margin_is_one_of_a_direction(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(0.0, **changes)


def test_table_page_and_figures_say_how_large_it_is_at_most() -> None:
    ledger = made(0.005)
    told = "no effect larger than 0.02"
    assert verdict_words(ledger.rows[0].verdict, MARGIN) == told
    assert counts(ledger) == {
        "supported": 0, "refuted": 0, "no effect of interest": 1, "inconclusive": 0, "not testable": 0,
    }  # fmt: skip
    console = Console(width=180, record=True, file=io.StringIO())
    console.print(summary_table(ledger))
    assert told in console.export_text()
    text = page(ledger)
    ElementTree.fromstring(text.split("\n", 1)[1])
    assert f'<span class="badge no-effect-of-interest">{told}</span>' in text
    assert "Smallest effect of interest 0.02" in text
    assert "A claim on a direction may name" in text
    assert "could have seen" in page(made(0.0, 0.02))
    plain = page(made(0.0, 0.02, margin=None))
    assert "A claim on a direction may name" not in plain
    assert "Smallest effect" not in plain
    (record,) = ledger.records
    assert verdict_table([record]).rows[0][2] == told
    assert standardised(record | {"interval": [0.0, 0.02]}) == pytest.approx((-0.75, -1.0, 0.0))


def test_an_atlas_has_the_verdict_and_forgets_claims_of_another_margin(tmp_path: Any) -> None:
    size = Choice(name="size", words="size", primary=0.0, others=(0.03, 0.04), reason="-")

    def measure(size_found: float) -> Evidence:
        return Evidence(effect=Estimate(size_found, 0.001, DEGREES), control=Estimate(-9.0, 0.0, 1), n_runs=1)

    tried = replace(
        claim("a"), supported=Region(low=0.0), margin=MARGIN, choices=(size,), measure=measure,
        control=Control(name="it", region=Region(low=0.0)),
    )  # fmt: skip
    (entry,) = make_atlas([tried], size.of, protocols=3, rows=ROWS)
    assert entry.counts == {"supported": 2, "no effect of interest": 1}
    assert "has no effect of interest in 1" in sentence(entry)
    path = tmp_path / "atlas.json"
    path.write_text(atlas_json([entry]), encoding="utf-8")
    assert set(sentences(path, [tried])) == {"a"}
    assert sentences(path, [replace(tried, margin=0.01)]) == {}


def test_every_verdict_has_a_mark_in_the_figure() -> None:
    (record,) = made(0.03).records
    figure = draw_rows([record | {"verdict": verdict.value} for verdict in Verdict])
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(told) == {*(verdict.value for verdict in Verdict), "predicted"}
