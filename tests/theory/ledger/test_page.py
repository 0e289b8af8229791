"""The page: complete, escaped, well-formed, and in need of nothing else."""

import base64
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from simulate.house.drawing.palette import SERIES, VERDICTS
from tests.theory.cases import ESCAPED, FAILED_CONTROL, FALSE_EFFECT, HOSTILE, NO_EFFECT, claim, ledger
from theory.formulas.statements import STATEMENTS
from theory.ledger import Curve, Ledger, Picture, Verdict
from theory.ledger.drawing import draw, figure_svg, formula_svg
from theory.ledger.page import page
from theory.ledger.wording import marks_line

LEDGER = ledger(claim("true-effect"), FALSE_EFFECT, FAILED_CONTROL, NO_EFFECT, ESCAPED)


@cache
def usual_page() -> str:
    """The ledger's page."""
    return page(LEDGER)


def tree(of: str | None = None) -> ElementTree.Element:
    """A page, or the ledger's, as XML, which it has to be besides HTML."""
    return ElementTree.fromstring((of or usual_page()).removeprefix("<!DOCTYPE html>\n"))


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
    told = [words(each) for kind in ("dt", "dd") for each in sections()["marks"].iter(kind)]
    assert {f"[{letter}]" for letter in "SMDN"} == set(told[:4])
    assert (
        marks_line() == "; ".join(f"{mark} {meaning}" for mark, meaning in zip(told[:4], told[4:], strict=True)) + "."
    )


def test_a_control_that_was_not_refuted_raises_an_alarm() -> None:
    def alarms(text: str) -> list[str]:
        return [words(each) for each in tree(text).iter("p") if each.get("class") == "alarm"]

    assert "failed-control" in alarms(usual_page())[0]
    assert "✗ supported" in words(sections()["failed-control"])
    assert alarms(page(ledger(FALSE_EFFECT))) == []


def test_a_claim_without_an_effect_has_no_verdict_of_its_control() -> None:
    def controls(text: str, name: str) -> list[str]:
        line = next(line for line in tree(text).iter("tr") if line.find(f".//a[@href='#{name}']") is not None)
        terms = next(each for each in tree(text).iter("section") if each.get("id") == name)
        return [words(line[-1]), *(words(each) for each in terms.iter("dd") if "it is 0" in words(each))]

    assert controls(usual_page(), "no-effect") == ["—", "it is 0: would have to be in [0.9, 1.1], is 0 [0, 0]"]
    assert controls(usual_page(), "true-effect")[0] == "✓ refuted"
    unmeasured = claim("unmeasured", effect=None, control=np.nan)
    assert controls(page(ledger(unmeasured)), "unmeasured") == ["—", "it is 0: would have to be in [0.9, 1.1]"]
    failed = claim("failed", effect=None, control=1.0)
    assert [control[-11:] for control in controls(page(ledger(failed)), "failed")] == ["✗ supported"] * 2


def luminance(color: str) -> float:
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_badges_have_the_colours_of_the_figures_and_can_be_read() -> None:
    rules = re.findall(r"^\.([a-z-]+) { --verdict: (#\w{6}); --on-verdict: (#\w{6}); }$", usual_page(), re.MULTILINE)
    assert {name.replace("-", " "): color for name, color, _ in rules} == VERDICTS
    assert {verdict.value for verdict in Verdict} == set(VERDICTS)
    for name, *colors in rules:
        dark, light = sorted(map(luminance, colors))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name
        told = name not in ("not-run", "outside-the-hypotheses")  # these only where there is one
        assert (f'class="badge {name}"' in usual_page()) == told


def test_powers_and_indices_are_set() -> None:
    text = page(ledger(claim("set", title="10^6 σ_0 - d^-1/4 & y_k", experiment="max_leak, d^¼, --images")))
    assert "10<sup>6</sup> σ<sub>0</sub> − d^−1/4 &amp; y<sub>k</sub>" in text
    assert "max_leak, d<sup>¼</sup>, --images" in text
    tree(text)


def test_it_says_whose_claims_they_are() -> None:
    assert next(words(each) for each in tree(page(LEDGER, about=HOSTILE)).iter("p")) == HOSTILE
    assert 'class="about"' not in usual_page()


def test_nothing_is_taken_from_elsewhere_or_run() -> None:
    parser = Tags()
    parser.feed(usual_page())
    tags = {tag for tag, _ in parser.found}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for tag, given in parser.found:
        assert not [name for name in given if name.startswith("on")], tag
        for value in (given.get("src"), given.get("href")):
            assert value is None or value.startswith(("#", "data:image/svg+xml;base64,"))
    assert not re.search(r"https?:|url\(|@import", usual_page())
    for svg in images(tree()):
        assert not re.search(r"<script|(href|src)=\"(?!#)|@import|url\((?!#)", svg)


def test_what_claims_say_is_text_and_not_markup() -> None:
    assert HOSTILE not in usual_page()
    assert words(sections()["escaped"]).count(HOSTILE) == 3
    assert "<script" not in page(LEDGER, title=HOSTILE)


def test_the_same_ledger_gives_the_same_bytes_and_no_clock() -> None:
    again = ledger(claim("true-effect"), FALSE_EFFECT, FAILED_CONTROL, NO_EFFECT, ESCAPED)
    assert page(again) == usual_page()
    assert page(replace(again, seconds={"true-effect": 1234.5})) == usual_page()
    assert not [svg for svg in images(tree()) if "dc:date" in svg]


def test_provenance_and_confidence_are_told() -> None:
    told = words(tree())
    for text in (
        "Version 9.9",
        "seed 0",
        "budget quick",
        "90% for the effects of all 10 claims of its family together (Bonferroni)",
    ):
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
