"""Claims in words: titles without their tolerances, set in the font of the house, grouped by whose they are."""

import itertools
import json

import pytest

from paper_figs.workshop.ledger_lines import lines_of, short_title
from paper_figs.workshop.style import house_style
from tests.places import ROOT

pytest.importorskip("tueplots", reason="needs the extra figures")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("The boundary does not move, within 10 %", "The boundary does not move"),
        ("It grows in proportion, an identity, within 0.05", "It grows in proportion"),
        ("The law bends as derived, within 3 % of the argument", "The law bends as derived"),
        ("It costs no class more, by 0.05", "It costs no class more"),
        ("It is refuted within a tenth (after SGD)", "It is refuted within a tenth (after SGD)"),
        ("σ_0 and κ_SAM go as d^-1", r"σ$_{0}$ and κ$_{\mathrm{SAM}}$ go as d$^{-1}$"),
        ("by (√K Q_{K,n})^½", r"by (√K Q$_{\mathrm{K,n}}$)$^{1/2}$"),
    ],
)
def test_titles_are_short_and_set_as_formulas(title: str, shown: str) -> None:
    assert short_title(title) == shown


@pytest.mark.parametrize("path", ["docs/ledger.json", "paper_figs/data/digits/ledger.json"])
def test_published_claims_are_laid_out(path: str) -> None:
    rows = json.loads((ROOT / path).read_text(encoding="utf-8"))
    with house_style():
        lines = lines_of(rows, 2.3)  # a sign that the font lacks would be a warning, and warnings are errors
    assert set(lines.places) == {row["name"] for row in rows}
    families = [row["family"] for row in sorted(rows, key=lambda row: lines.places[row["name"]])]
    assert families == sorted(families, key=["paper", "ours", "open"].index)
    assert list(lines.heads.values()) == ["the paper's claims", "ours, and what it builds on", "open questions"]
    ends = sorted(
        (place - lines.heights[name] / 2, place + lines.heights[name] / 2) for name, place in lines.places.items()
    )
    assert all(above[1] <= below[0] + 1e-9 for above, below in itertools.pairwise(ends))
    assert ends[-1][1] < lines.height
