"""Tables and statements as LaTeX, set by LaTeX."""

from __future__ import annotations

import json
from pathlib import Path

from paper_figs import Results
from paper_figs.tables import deep_accuracies_table, deep_ledger_table
from paper_figs.workshop.ledger_picture import verdict_table
from paper_figs.workshop.tabular import Table, latex
from tests.latex import set_on_pages
from tests.places import ROOT
from theory import STATEMENTS

PACKAGES = ("amsmath", "amssymb", "array", "booktabs", "longtable")


def test_the_published_ledgers_fit_on_their_pages(tmp_path: Path) -> None:
    rows = json.loads((ROOT / "docs/ledger.json").read_text(encoding="utf-8"))
    deep, caption = deep_ledger_table.main.draw(Results("quick", folder=tmp_path))
    assert isinstance(deep, Table)
    accuracies, beside = deep_accuracies_table.main.draw(Results("quick", folder=tmp_path))
    assert isinstance(accuracies, Table)
    body = latex(verdict_table(rows), caption="Every claim, 95 % of them.", label="one")
    body += latex(deep, caption=caption.shows, label="two")
    body += latex(accuracies, caption=beside.shows, label="three")
    assert set_on_pages(body, tmp_path, PACKAGES) == []


def test_a_wide_table_is_noticed(tmp_path: Path) -> None:
    wide = Table(heads=("a", "b"), rows=(("x" * 90, "y" * 90),))
    assert any(
        line.startswith("Overfull") for line in set_on_pages(latex(wide, caption="", label="x"), tmp_path, PACKAGES)
    )


def test_statements_of_the_theory_are_set(tmp_path: Path) -> None:
    formulas = [rf"\[ {part} \]" for each in STATEMENTS.values() for part in each.latex.split(r",\quad ")]
    assert [line for line in set_on_pages("\n".join(formulas), tmp_path, PACKAGES) if line.startswith("!")] == []
