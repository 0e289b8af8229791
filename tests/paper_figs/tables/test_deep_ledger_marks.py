"""A cell of the deep ledger's table says where a verdict is not what it seems."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepnet.publishing.reading import published_scales
from paper_figs.tables.deep_ledger_table import _notes, cell
from tests.places import ROOT
from theory.ledger import Row
from theory.ledger.book import ledger_from


def tracked(scale: str, name: str) -> Row:
    (published,) = [one for one in published_scales(ROOT / "paper_figs/data") if one.folder.name == scale]
    rows = ledger_from((published.folder / "ledger.json").read_text(encoding="utf-8")).rows
    (found,) = [row for row in rows if row.name == name]
    return found


ROW = tracked("digits", "asam-improves-neggrad")
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


def test_what_was_not_measured_has_none() -> None:
    row = replace(ROW, effect=None, interval=None, endings={"not reached": 1.0}, verdict="not run")
    assert cell(row) == "not run"


def test_tracked_rows_are_marked() -> None:
    assert "†" in cell(tracked("digits-labels", "curvature-selection-beats-random-weights"))
    assert "‡" in cell(tracked("digits-feature", "planted-faster-rate"))
    assert not {"†", "‡"} & set(PLAIN)
