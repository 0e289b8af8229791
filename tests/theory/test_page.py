"""The page: complete, escaped, well-formed, and in need of nothing else."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from simulate.palette import SERIES
from tests.theory.cases import ESCAPED, FAILED_CONTROL, FALSE_EFFECT, HOSTILE, NO_EFFECT, claim, ledger
from theory.ledger import Curve, Ledger, Picture
from theory.ledger.drawing import draw, figure_svg, formula_svg
from theory.ledger.page import page
from theory.statements import STATEMENTS

LEDGER = ledger(claim("true-effect"), FALSE_EFFECT, FAILED_CONTROL, NO_EFFECT, ESCAPED)
TEXT = page(LEDGER)


def tree(text: str = TEXT) -> ElementTree.Element:
    """The page as XML, which it has to be besides HTML."""
    return ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


def sections() -> dict[str, ElementTree.Element]:
    return {str(found.get("id")): found for found in tree().iter("section")}


def words(element: ElementTree.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def images(element: ElementTree.Element) -> list[str]:
    sources = [str(found.get("src")) for found in element.iter("img")]
    return [base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")).decode() for source in sources]


class Tags(HTMLParser):
    """Collects tags as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_row_has_a_line_and_a_section() -> None:
    links = [str(link.get("href")) for link in tree().iter("a")]
    assert links == [f"#{row.name}" for row in LEDGER.rows]
    assert [*sections()] == [*(row.name for row in LEDGER.rows), "marks"]


def test_a_section_says_all_that_was_fixed_and_found() -> None:
    row, told = LEDGER.rows[0], words(sections()["true-effect"])
    for text in (row.title, row.statement, row.effect_is, row.refuted_if, row.experiment, row.stopping_rule,
                 row.statistic, row.predicted, row.remark, row.control["name"], *row.details, "supported",
                 "✓ refuted", "master seed 0", f"{row.n_runs} trainings".split()[0]):  # fmt: skip
        assert text in told, text
    assert row.effect is not None
    assert f"{row.effect:.4g}" in told


def test_formulas_and_pictures_are_there() -> None:
    for name, section in sections().items():
        if name != "marks":
            drawings = images(section)
            assert len(drawings) == 2 + (name in LEDGER.pictures)  # the formula has two parts
            assert all(ElementTree.fromstring(svg).tag.endswith("svg") for svg in drawings)
            assert all(image.get("alt") for image in section.iter("img"))


def test_what_is_outside_a_hypothesis_stands_out() -> None:
    found = [words(each) for each in sections()["true-effect"].iter("span") if each.get("class") == "outside"]
    assert found == ["beyond", "−0.25", "50%"]
    assert "unlimited" in words(sections()["true-effect"])


def test_marks_are_explained() -> None:
    marks = {words(each): each.get("title") for each in sections()["true-effect"].iter("abbr")}
    assert [*marks] == ["[S]", "[M 70%]", "[D+N]"]
    assert marks["[D+N]"] == "derived here; seen in numbers of a prototype"
    assert {f"[{letter}]" for letter in "SMDN"} == {words(each) for each in sections()["marks"].iter("dt")}


def test_a_control_that_was_not_refuted_raises_an_alarm() -> None:
    def alarms(text: str) -> list[str]:
        return [words(each) for each in tree(text).iter("p") if each.get("class") == "alarm"]

    assert "failed-control" in alarms(TEXT)[0]
    assert "✗ supported" in words(sections()["failed-control"])
    assert alarms(page(ledger(FALSE_EFFECT))) == []


def test_nothing_is_taken_from_elsewhere_or_run() -> None:
    parser = Tags()
    parser.feed(TEXT)
    tags = {tag for tag, _ in parser.found}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for tag, given in parser.found:
        assert not [name for name in given if name.startswith("on")], tag
        for value in (given.get("src"), given.get("href")):
            assert value is None or value.startswith(("#", "data:image/svg+xml;base64,"))
    assert not re.search(r"https?:|url\(|@import", TEXT)
    for svg in images(tree()):
        assert not re.search(r"<script|(href|src)=\"(?!#)|@import|url\((?!#)", svg)


def test_what_claims_say_is_text_and_not_markup() -> None:
    assert HOSTILE not in TEXT
    assert words(sections()["escaped"]).count(HOSTILE) == 3
    assert "<script" not in page(LEDGER, title=HOSTILE)


def test_the_same_ledger_gives_the_same_bytes_and_no_clock() -> None:
    again = ledger(claim("true-effect"), FALSE_EFFECT, FAILED_CONTROL, NO_EFFECT, ESCAPED)
    assert page(again) == TEXT
    assert page(replace(again, seconds={"true-effect": 1234.5})) == TEXT
    assert not [svg for svg in images(tree()) if "dc:date" in svg]


def test_provenance_and_confidence_are_told() -> None:
    told = words(tree())
    for text in ("Version 9.9", "seed 0", "budget quick", "95% for the effects of all 10 rows together (Bonferroni)"):
        assert text in told


def test_an_empty_ledger_is_a_page() -> None:
    assert "No claim was run." in words(tree(page(Ledger(()))))
    assert json.loads(Ledger(()).to_json()) == []


# --- drawings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_can_be_set(name: str) -> None:
    parts = STATEMENTS[name].latex.split(r",\quad ")
    assert len(parts) == len(STATEMENTS[name].parts)
    for part in parts:
        assert ElementTree.fromstring(formula_svg(part)).get("viewBox")


def test_a_formula_that_cannot_be_set_is_named() -> None:
    with pytest.raises(ValueError, match="`latex`"):
        formula_svg(r"\frac{1}")


def test_curves_of_one_label_share_look_and_legend() -> None:
    x = np.array([1.0, 2.0])
    curves = (
        Curve("SAM", x, x),
        Curve("law", x, x, style="line"),
        Curve("SAM", x, 2 * x),
        Curve("law", x, 2 * x, style="line"),
    )
    figure = draw(Picture("x", "y", curves), {"SGD": "#111111", "SAM": "#222222"})
    lines = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--" or line.get_marker() == "o"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["SAM", "law"]
    assert [line.get_color() for line in lines] == ["#222222", "black", "#222222", "black"]


def test_curves_of_one_colour_differ_otherwise() -> None:
    x = np.array([1.0, 2.0])
    named = tuple(Curve(f"SGD {k}", x, x, style="both") for k in range(3))
    figure = draw(Picture("x", "y", (*named, Curve("other", x, x))), {"SGD": SERIES[0]})
    looks = [(line.get_color(), line.get_marker()) for line in figure.axes[0].get_lines()]
    assert len(set(looks)) == 4
    assert [color == SERIES[0] for color, _ in looks] == [True, True, True, False]


@pytest.mark.parametrize("log", [False, True])
def test_what_is_not_finite_is_left_out(log: bool) -> None:
    bad = np.array([np.nan, 1.0, np.inf, 0.0])
    curve = Curve("a", np.arange(4.0), bad, bad - 1.0, np.full(4, np.inf))
    assert figure_svg(draw(Picture("x", "y", (curve,), x_log=log, y_log=log, ticks=() if log else tuple("abcd"))))


def test_drawings_do_not_depend_on_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    picture = next(iter(LEDGER.pictures.values()))
    before = figure_svg(draw(picture))
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 20.0)
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    assert figure_svg(draw(picture)) == before


def test_an_account_stands_above_the_claims_and_is_text() -> None:
    text = page(LEDGER, account={"What was run": "9 < 10 models"})
    assert text.index("<dt>What was run</dt><dd>9 &lt; 10 models</dd>") < text.index("<section")
    ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
