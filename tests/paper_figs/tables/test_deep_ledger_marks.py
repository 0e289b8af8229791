"""Cells of the deep ledger's tables say where a verdict, or a run, is not what it seems."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepnet.ledger.scales import arms_of
from deepnet.publishing.reading import published_scales
from paper_figs import Results
from paper_figs.tables._side_by_side import side_by_side
from paper_figs.tables.deep_accuracies_table import cell as accuracies
from paper_figs.tables.deep_ledger_table import _notes, cell
from tests.places import ROOT
from theory.ledger import Row
from theory.ledger.book import ledger_from


def tracked(scale: str, name: str) -> Row:
    (published,) = [one for one in published_scales(ROOT / "paper_figs/data") if one.folder.name == scale]
    rows = ledger_from((published.folder / "ledger.json").read_text(encoding="utf-8")).rows
    (found,) = [row for row in rows if row.name == name]
    return found


ROW = replace(tracked("digits", "asam-improves-neggrad"), choices={})
PLAIN = cell(ROW)


@pytest.mark.parametrize(
    ("endings", "control", "marks"),
    [
        ({"reached": 1.0}, "refuted", ""),
        ({"reached": 0.51, "not reached": 0.49}, "refuted", ""),
        ({"reached": 0.5, "not reached": 0.5}, "refuted", "†"),
        ({"reached": 1.0}, "inconclusive", "‡"),
        ({"not reached": 1.0}, "supported", "†‡"),
    ],
)
def test_marks(endings: dict[str, float], control: str, marks: str) -> None:
    row = replace(ROW, endings=endings, control={**ROW.control, "verdict": control})
    verdict, colon, numbers = PLAIN.partition(":")
    assert cell(row) == f"{verdict}{marks}{colon}{numbers}"
    notes = _notes([["1", cell(row)]])
    assert [mark for mark in "†‡" if f" {mark} " in notes] == list(marks)


def test_cells_tell_other_stops_and_what_could_have_been_seen() -> None:
    stops = {"the retrained network's accuracy on F": "refuted", "5 epochs": "refuted", "10 epochs": "not testable"}
    choices = {"stop": {"verdicts": stops | {"the loss on held-out images of the same classes": ROW.verdict}}}
    row = replace(ROW, choices=choices)
    assert cell(row).endswith("] (at equal accuracy, after 5 epochs: refuted)")
    undecided = replace(row, verdict="inconclusive", detectable={"effect": 0.0444}, choices={})
    assert cell(undecided).endswith("], could have seen 0.044")


def test_what_was_not_measured_has_none() -> None:
    row = replace(ROW, effect=None, interval=None, endings={"not reached": 1.0}, verdict="not run")
    assert cell(row) == "not run"


def test_tracked_rows_are_marked() -> None:
    assert "†" in cell(tracked("digits-labels", "curvature-selection-beats-random-weights"))
    assert "‡" in cell(tracked("digits-feature", "planted-faster-rate"))
    assert not {"†", "‡"} & set(PLAIN)


def test_accuracies_tell_which_runs_ended_otherwise() -> None:
    """A run that diverged has no accuracies, and a mean with it is none."""
    first, _ = arms_of(ROW)
    ends = {f"runs that did not reach the stop, {first}": 2.0, f"runs that diverged, {first}": 1.0}
    nothing = {f"{name} accuracy, {first}": None for name in ("retain", "forget", "test")}
    details = ROW.details | {name: {"effect": value} for name, value in (ends | nothing).items()}
    told = accuracies(replace(ROW, details=details))
    rest = accuracies(ROW).partition(", against ")[2]
    assert told == f"90: ? / ? / ? (2 not matched, 1 diverged), against {rest}"
    assert accuracies(replace(ROW, verdict="not testable")) == f"not testable, {accuracies(ROW)}"
    assert accuracies(replace(ROW, verdict="not run")) == "not run"


def test_a_scale_that_differs_in_one_thing_stands_in_the_last_column() -> None:
    claims = side_by_side(Results("quick", folder=ROOT / "results/nowhere"))
    assert claims.heads("between") == (*claims.columns, "between", "with one thing changed")
    rows = next(rows for place, rows in claims.rows if place == 16)
    assert claims.cells(rows, lambda row: row.verdict, "x")[-1] == "digits-noise: supported"
    nothing = ["—"] * (len(claims.columns) - 1)
    assert claims.columns[0] == "digits"
    assert claims.under_heads({"digits": "a", "digits-labels": "b"}, "x") == ("a", *nothing, "x", "digits-labels: b")
