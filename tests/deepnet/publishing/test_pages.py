"""The deep ledger's page of what was published: the tracked data make it, and nothing of them is lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepnet.publishing.pages import published_ledger, write_ledger
from tests.deepnet.made_up_publication import write_publication
from tests.places import ROOT
from theory.ledger.book import Ledger
from theory.ledger.wording import counts, in_html

TRACKED = sorted(path.parent for path in (ROOT / "paper_figs" / "data").glob("*/ledger.json"))


@pytest.mark.parametrize("folder", TRACKED, ids=lambda folder: folder.name)
def test_the_tracked_ledgers_are_pages_again(folder: Path, tmp_path: Path) -> None:
    ledger, told = published_ledger(folder)
    assert ledger.to_json().encode() == (folder / "ledger.json").read_bytes()
    for row in ledger.rows:
        assert (row.verdict == "not run") == ("Not run at this scale" in row.remark), row.name
        assert row.verdict != "not testable"
    ledger = Ledger(ledger.rows[:2])  # setting the formulas of all of them takes seconds
    write_ledger(ledger, tmp_path, told)
    page = (tmp_path / "ledger.html").read_text(encoding="utf-8")
    for row in ledger.rows:
        assert in_html(row.title) in page, row.name
    for verdict, count in counts(ledger).items():
        assert f"{verdict}</span> {count}</a></li>" in page
    assert "python -m deepnet confirm" in page


def test_damage_is_named(tmp_path: Path) -> None:
    folder = write_publication(tmp_path / "digits")
    published_ledger(folder)
    (folder / "ledger.json").write_text('[{"number": 1}]')
    with pytest.raises(ValueError, match=r"digits is damaged \(not the rows of a ledger.*run `python -m "):
        published_ledger(folder)
    (folder / "provenance.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"provenance.json is missing"):
        published_ledger(folder)
