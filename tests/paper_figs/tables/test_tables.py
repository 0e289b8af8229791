"""Tables as Markdown and LaTeX, and the ledger as numbers on one scale."""

import math
from pathlib import Path

import numpy as np
import pytest

from paper_figs import Results
from paper_figs.tables import deep_accuracies_table, deep_ledger_table
from paper_figs.workshop.ledger_picture import draw_rows, region_of, standardised, standardised_region, verdict_table
from paper_figs.workshop.style import house_style
from paper_figs.workshop.tabular import Table, latex, markdown
from theory.claims import all_claims
from theory.ledger import Region, decide

TABLE = Table(heads=("a & b", "#"), rows=(("κ_SAM ≥ 10^-6, 5 %", "−1.5e−07"), ("a|b_*", "‖φ‖²")), numeric=(1,))


def test_markdown_escapes() -> None:
    assert markdown(TABLE).splitlines() == [
        "| a & b | # |",
        "| :-- | --: |",
        "| κ\\_SAM ≥ 10^-6, 5 % | −1.5e−07 |",
        "| a\\|b\\_\\* | ‖φ‖² |",
    ]


def test_latex_sets_signs_as_formulas() -> None:
    text = latex(TABLE, caption="50 % of σ_0 - 1", label="tab:x")
    assert r"$\kappa_{\mathrm{SAM}}$ $\geq$ 10$^{-6}$, 5~\% & $-$1.5$\cdot10^{-7}$ \\" in text
    assert r"a$|$b\_* & $\|\varphi\|^{2}$ \\" in text
    assert r"\caption{50~\% of $\sigma_{0}$ $-$ 1}\label{tab:x}" in text
    assert r"a \& b & \#" in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    ("told", "set_as"),
    [
        ("√m", r"$\sqrt{m}$"),
        ("√η", r"$\sqrt{\eta}$"),
        ("1/√(m n)", r"1/$\sqrt{m n}$"),
        ("√(σ_0 B)", r"$\sqrt{\sigma_{0} B}$"),
    ],
)
def test_roots_reach_over_what_they_are_of(told: str, set_as: str) -> None:
    assert set_as in latex(Table(heads=(told,), rows=()), caption="", label="x")


@pytest.mark.parametrize(
    ("told", "set_as"),
    [
        ("in [0, 1e−12]", r"in [0, $10^{-12}$]"),
        ("11e-2", r"11$\cdot10^{-2}$"),
        ("Q_{K,n}", "$Q_{K,n}$"),
        ("(a)^½, n^−¼", "(a)$^{1/2}$, n$^{-1/4}$"),
        ("within 3 % of [−0.5, 12]", r"within 3~\% of [$-$0.5,~12]"),
    ],
)
def test_numbers_and_indices_as_they_are_printed(told: str, set_as: str) -> None:
    assert set_as in latex(Table(heads=(told,), rows=()), caption="", label="x")


def test_latex_knows_every_sign_of_the_ledger() -> None:
    rows = tuple((claim.title, str(claim.supported)) for claim in all_claims())
    text = latex(Table(heads=("claim", "predicted"), rows=rows), caption="", label="x")
    assert text.isascii(), {sign for sign in text if not sign.isascii()}
    assert all(line.count("$") % 2 == 0 for line in text.splitlines())


def test_latex_knows_every_sign_of_the_deep_ledger(tmp_path: Path) -> None:
    for sheet in (deep_accuracies_table.main, deep_ledger_table.main):
        made, caption = sheet.draw(Results("quick", folder=tmp_path))
        text = latex(made, caption=caption.shows, label="x")
        assert text.isascii(), {sign for sign in text if not sign.isascii()}
    assert r"supported\dag{}: " in text
    assert r"\ddag{} The negative control" in text


def test_rows_have_to_fit() -> None:
    with pytest.raises(ValueError, match="Argument `rows` must have 2 texts"):
        Table(heads=("a", "b"), rows=(("1",),))
    with pytest.raises(ValueError, match="Argument `widths` must have 2 numbers"):
        Table(heads=("a", "b"), rows=(), widths=(0.5,))


FAR = Region(high=9.0)


def row(effect: float | None, low: float, high: float, region: Region, control: Region = FAR) -> dict:
    return {
        "name": "n", "number": 1, "title": "t", "effect": effect, "interval": None if effect is None else [low, high],
        "predicted": str(region), "control": {"predicted": str(control), "verdict": "refuted"},
        "verdict": "not testable" if effect is None else decide((low, high), region).value,
    }  # fmt: skip


def test_regions_are_read_back() -> None:
    for region in {*(claim.supported for claim in all_claims()), *(claim.control.region for claim in all_claims())}:
        assert str(region_of(str(region))) == str(region)
    with pytest.raises(ValueError, match="Argument `predicted`"):
        region_of("about 3")


@pytest.mark.parametrize("region", [Region(-0.3, -0.1), Region(low=0.9), Region(high=0.05), Region(low=0.0)])
def test_scale_keeps_every_verdict(region: Region) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        low, high = sorted(rng.normal(0.0, 1.0, 2))
        one = row((low + high) / 2, low, high, region, Region(low=2.5))
        value, *ends = standardised(one)
        first, last = standardised_region(one)
        shown = Region(-math.inf if first < -1 else first, math.inf if last > 1 else last)
        assert decide(tuple(ends), shown).value == one["verdict"]
        assert ends[0] <= value <= ends[1]


def test_scale_of_identities_and_of_nothing() -> None:
    exact = row(5e-13, 5e-13, 5e-13, Region(0.0, 1e-12), Region(0.0, 1e-12))
    assert standardised(exact) == pytest.approx((0.5,) * 3)
    assert standardised_region(exact)[1] == 1.0
    assert standardised(row(None, 0.0, 0.0, Region(low=0.0))) is None


def test_picture_has_a_line_and_a_region_for_every_row() -> None:
    rows = [
        row(0.2, 0.1, 0.3, Region(0.0, 1.0)),
        row(None, 0, 0, Region(low=0.0)) | {"name": "other", "title": "one that is not testable, within 0.05"},
        row(1e6, 1e6, 1e6, Region(0.0, 1.0)) | {"name": "third", "family": "paper"},
    ]
    with house_style():
        axes = draw_rows(rows).axes[0]
    assert len(axes.patches) == 3
    markers = [line.get_marker() for line in axes.lines if line.get_marker() not in ("", "None")]
    assert markers == ["o", "|", ">"]
    named = dict(zip(axes.get_yticks(), (label.get_text() for label in axes.get_yticklabels()), strict=True))
    titles = [named[place] for place in sorted(named)]
    assert titles == ["the paper's claims", "t", "ours, and what it builds on", "t", "one that is not testable"]


def test_table_has_verdict_effect_and_interval() -> None:
    table = verdict_table([row(0.2, 0.1, 0.3, Region(0.0, 1.0))])
    assert table.rows == (("1", "t", "supported", "0.2", "[0.1, 0.3]", "in [0, 1]", "refuted"),)
