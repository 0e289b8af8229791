"""The page: complete, escaped, well-formed, everything once, and in need of nothing else."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import theory.page
from simulate.house.drawing.palette import VERDICTS
from tests.theory.cases import ESCAPED, FAILED_CONTROL, FALSE_EFFECT, HOSTILE, NO_EFFECT, claim, ledger
from theory.ledger import Choice, Claim, Ledger, Verdict
from theory.ledger.wording import MARKS, NOT_AT_HAND
from theory.page import page
from theory.page.pieces import dot

LEDGER = ledger(claim("true-effect"), FALSE_EFFECT, FAILED_CONTROL, NO_EFFECT, ESCAPED)
FORMULAS = {"inside": r"d \geq n", "beyond": r"\tau \leq 1", "elsewhere": "x = y"}
OUTSIDE = claim("outside", effect=3.0, hypotheses=("inside", "beyond"), family="paper")


@cache
def usual_page() -> str:
    """The ledger's page."""
    return page(LEDGER, formulas=FORMULAS)


def tree(of: str | None = None) -> ElementTree.Element:
    """A page, or the ledger's, as XML, which it has to be besides HTML."""
    return ElementTree.fromstring((of or usual_page()).removeprefix("<!DOCTYPE html>\n"))


def sections(of: str | None = None) -> dict[str, ElementTree.Element]:
    return {str(found.get("id")): found for found in tree(of).iter("section")}


def section_of(claim: Claim, **changes: object) -> ElementTree.Element:
    """The section of a claim on a page of its own, with fields of its row changed."""
    row = replace(ledger(claim).rows[0], **changes)  # type: ignore[arg-type]
    return sections(page(Ledger((row,)), formulas=FORMULAS))[claim.name]


def words(element: ElementTree.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def at_a_glance(section: ElementTree.Element) -> str:
    """What a section says before it is unfolded."""
    return " ".join(words(part) for part in section if part.tag != "details")


def term(section: ElementTree.Element, name: str) -> str:
    """What is said of a term."""
    [found] = [part for part in section.iter("dl") if part.find("dt") is not None]
    return dict(zip(map(words, found.iter("dt")), map(words, found.iter("dd")), strict=True)).get(name, "")


def images(element: ElementTree.Element) -> list[str]:
    sources = [str(found.get("src")) for found in element.iter("img")]
    return [base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")).decode() for source in sources]


class Tags(HTMLParser):
    """Collects tags, and the text of scripts, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts.append(data)


# --- every claim ---------------------------------------------------------------------------------------


def test_every_row_has_an_entry_and_a_section() -> None:
    entries = [(str(entry[1].get("href")), entry[0].get("title"), words(entry[1])) for entry in tree().iter("li")
               if entry[0].tag == "span"]  # fmt: skip
    assert entries == [(f"#{row.name}", row.verdict, f"{row.number} · {row.title}") for row in LEDGER.rows]
    assert [*sections()] == [*(row.name for row in LEDGER.rows), "page_conditions"]
    for row in LEDGER.rows:
        section = sections()[row.name]
        assert (section.get("data-verdict"), section.get("data-family")) == (row.verdict.replace(" ", "-"), row.family)
        assert [link.get("href") for link in section.iter("a") if link.get("class") == "permalink"] == [f"#{row.name}"]


def test_no_id_is_given_twice_and_every_link_has_its_place() -> None:
    ids = [each.get("id") for each in tree().iter() if each.get("id")]
    links = {str(link.get("href"))[1:] for link in tree().iter("a")}
    assert len(set(ids)) == len(ids)
    assert {link for link in links if link and "=" not in link} <= {*ids}


def test_a_section_says_at_a_glance_what_was_found_and_folds_the_rest() -> None:
    row = LEDGER.rows[0]
    assert row.effect is not None
    glance = at_a_glance(sections()["true-effect"])
    for text in (row.title, row.verdict, row.effect_is, f"{row.effect:.4g}", f"predicted {row.predicted}", "ours"):
        assert text in glance, text
    assert len(glance.split()) <= 25
    assert "Holds" not in glance
    assert "Holds for d." in at_a_glance(section_of(claim("holding"), holds="Holds for d."))


def test_a_section_says_all_that_was_fixed_and_found() -> None:
    row, told = LEDGER.rows[0], words(sections()["true-effect"])
    for text in (row.title, row.statement, row.effect_is, row.refuted_if, row.experiment, row.stopping_rule,
                 row.statistic, row.predicted, row.remark, row.control["name"], *row.details, "supported",
                 "✓ refuted", "master seed 0", f"{row.n_runs}, master seed"):  # fmt: skip
        assert text in told, text


def test_the_interval_alone_stands_beside_that_of_the_family() -> None:
    section = section_of(claim("a"), interval=[0.9, 1.1], plain_interval=[0.95, 1.05])
    assert "[0.9, 1.1] alone [0.95, 1.05] , predicted" in at_a_glance(section)
    assert "alone" not in at_a_glance(section_of(claim("a"), plain_interval=None))


def test_it_says_whose_a_claim_is() -> None:
    for family, whose in (("paper", "the paper's"), ("ours", "ours"), ("open", "open question")):
        assert whose in at_a_glance(section_of(claim("a", family=family)))


def test_choices_stand_with_their_reasons() -> None:
    weight = Choice(name="alpha", words="weight α", primary=0.7, others=(0.5, 0.9), reason="The middle.")
    section = section_of(claim("a", choices=(weight,)))
    lines = [[words(cell) for cell in line] for line in section.iter("tr")]
    assert ["weight α", "0.7", "0.5, 0.9", "The middle."] in lines
    assert not [each for each in sections()["true-effect"].iter("caption") if "leaves open" in words(each)]


# --- trust ---------------------------------------------------------------------------------------------


def test_outside_the_hypotheses_the_effect_keeps_its_verdict() -> None:
    section = section_of(OUTSIDE)
    glance = at_a_glance(section)
    assert "Violates beyond . By its effect alone: refuted" in glance
    assert glance.startswith("outside the hypotheses")
    assert "#condition_beyond" in [link.get("href") for part in section if part.tag == "p" for link in part.iter("a")]
    assert "By its effect" not in at_a_glance(sections()["false-effect"])


def test_what_is_outside_a_condition_stands_out() -> None:
    found = [words(each) for each in sections()["true-effect"].iter("span") if each.get("class") == "violated"]
    assert found == ["beyond", "−0.25", "50%", "no"]
    lines = [words(line) for line in section_of(OUTSIDE).iter("tr")][-3:]
    assert lines == ["inside 0.5 0% yes", "beyond −0.25 50% yes", "no limit unlimited 0% no"]


def test_formulas_of_conditions_are_there_once() -> None:
    found = sections(page(ledger(claim("a"), OUTSIDE), formulas=FORMULAS))["page_conditions"]
    assert [(each.get("id"), words(each)) for each in found.iter("dt")] == [
        ("condition_inside", "inside"), ("condition_beyond", "beyond")
    ]  # fmt: skip
    assert [each.get("alt") for each in found.iter("img")] == [FORMULAS["inside"], FORMULAS["beyond"]]
    assert [words(each) for each in found.iter("p")] == ["Presupposed and violated by outside ."]
    assert "page_conditions" not in sections(page(ledger(claim("a"))))


def test_a_control_that_was_not_refuted_raises_an_alarm() -> None:
    def alarms(text: str) -> list[str]:
        return [words(each) for each in tree(text).iter("p") if each.get("class") == "alarm"]

    assert "failed-control" in alarms(usual_page())[0]
    assert "Control ✗ supported" in at_a_glance(sections()["failed-control"])
    assert "✗" not in at_a_glance(sections()["true-effect"])
    assert alarms(page(ledger(FALSE_EFFECT))) == []


@pytest.mark.parametrize(
    ("verdict", "glance", "sign"),
    [("refuted", "Null experiment ✗ refuted", "✗ "), ("supported", "", "✓ "), ("inconclusive", "", "")],
)
def test_a_null_experiment_stands_beside_the_control(verdict: str, glance: str, sign: str) -> None:
    null = {"name": "nothing moves", "predicted": "≤ 1", "verdict": verdict, "effect": 0.5, "interval": [0.0, 2.0]}
    section = section_of(claim("a"), null=null)
    told = f"nothing moves: would have to be ≤ 1, is 0.5 [0, 2] · {sign}{verdict}"
    assert term(section, "Null experiment") == told
    assert glance in at_a_glance(section)
    assert ("✗" in at_a_glance(section)) == bool(glance)
    assert term(sections()["true-effect"], "Null experiment") == ""


def test_a_claim_without_an_effect_has_no_verdict_of_its_control() -> None:
    assert term(sections()["no-effect"], "Control") == "it is 0: would have to be in [0.9, 1.1], is 0 [0, 0]"
    assert term(sections()["true-effect"], "Control").endswith("is 0 [0, 0] · ✓ refuted")
    unmeasured = claim("unmeasured", effect=None, control=np.nan)
    assert term(section_of(unmeasured), "Control") == "it is 0: would have to be in [0.9, 1.1]"
    failed = section_of(claim("failed", effect=None, control=1.0))
    assert term(failed, "Control").endswith("✗ supported")
    assert "Control ✗ supported" in at_a_glance(failed)


# --- once ----------------------------------------------------------------------------------------------


def test_formulas_and_pictures_are_there_once_and_others_lead_to_them() -> None:
    text = page(LEDGER)
    drawings = images(tree(text))
    assert len(drawings) == len(set(drawings)) == 3  # the formula of all has two parts, and all have one picture
    assert all(ElementTree.fromstring(svg).tag.endswith("svg") for svg in drawings)
    assert all(image.get("alt") for image in tree(text).iter("img"))
    assert len(images(sections(text)["true-effect"])) == 3
    told = [words(each) for each in sections(text)["false-effect"].iter("p") if each.get("class") == "elsewhere"]
    same = ("Formula", "Picture", "Conditions of the theory")
    assert told == [f"{thing}: the same as of true-effect ." for thing in same]
    assert "other numbers: the same" not in words(tree(text)).lower()  # each has its own


def test_what_differs_is_not_taken_for_the_same() -> None:
    other = claim("other", statement="z")
    text = page(ledger(claim("one"), other))
    assert [image.get("alt") for image in sections(text)["other"].iter("img")] == ["z"]
    row, again = ledger(claim("one"), other).rows
    text = page(Ledger((row, replace(again, conditions={"inside": {"least_margin": 9.0, "fraction_outside": 0.0}}))))
    assert "inside 9 0%" in words(sections(text)["other"])


# --- above the claims ----------------------------------------------------------------------------------


def test_what_was_at_hand_is_said_first_and_marks_are_explained() -> None:
    first = next(words(each) for each in tree().iter("p"))
    assert first.startswith(NOT_AT_HAND)
    for letter, meaning in MARKS.items():
        assert f"[{letter}] {meaning}" in first
    marks = {words(each): each.get("title") for each in sections()["true-effect"].iter("abbr")}
    assert [*marks] == ["[S]", "[M 70%]", "[D+N]"]
    assert marks["[D+N]"] == "derived here; seen in numbers of a prototype"


def test_the_filter_offers_what_there_is() -> None:
    def offers(name: str) -> dict[str, str]:
        [field] = [each for each in tree().iter("select") if each.get("id") == f"filter_{name}"]
        return {str(each.get("value")): words(each) for each in field}

    assert offers("verdict") == {
        "": "any", "supported": "supported (3)", "refuted": "refuted (1)", "not-testable": "not testable (1)"
    }  # fmt: skip
    assert offers("family") == {"": "anyone’s", "ours": "ours (4)", "open": "open question (1)"}
    [fields] = [each for each in tree().iter("div") if each.get("id") == "page_filter"]
    assert fields.get("hidden") == "hidden"  # until the script shows it, without which it would do nothing
    tallies = [str(each.get("href")) for each in tree().iter("a") if "=" in str(each.get("href"))]
    assert tallies == [f"#verdict={v}" for v in ("supported", "refuted", "inconclusive", "not-testable")]


def luminance(color: str) -> float:
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_verdicts_have_the_colours_of_the_figures_and_can_be_told_apart_without() -> None:
    rules = re.findall(r"^\.([a-z-]+) { --verdict: (#\w{6}); --on-verdict: (#\w{6}); }$", usual_page(), re.MULTILINE)
    assert {name.replace("-", " "): color for name, color, _ in rules} == VERDICTS
    assert {verdict.value for verdict in Verdict} == set(VERDICTS)
    for name, *colors in rules:
        dark, light = sorted(map(luminance, colors))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name
        told = name not in ("not-run", "outside-the-hypotheses", "no-effect-of-interest")  # only where there is one
        assert (f'class="badge {name}"' in usual_page()) == told
    signs = {words(ElementTree.fromstring(dot(verdict.value))) for verdict in Verdict}
    assert len(signs) == len(Verdict)


def test_powers_and_indices_are_set() -> None:
    text = page(ledger(claim("set", title="10^6 σ_0 - d^-1/4 & y_k", experiment="max_leak, d^¼, --images")))
    assert "10<sup>6</sup> σ<sub>0</sub> − d^−1/4 &amp; y<sub>k</sub>" in text
    assert "max_leak, d<sup>¼</sup>, --images" in text
    tree(text)


def test_an_account_stands_above_the_claims_and_is_text() -> None:
    text = page(LEDGER, about=HOSTILE, account={"What was run": "9 < 10 models"})
    assert text.index("<dt>What was run</dt><dd>9 &lt; 10 models</dd>") < text.index("<section")
    assert next(words(each) for each in tree(text).iter("p")) == HOSTILE
    assert 'class="about"' not in usual_page()


def test_provenance_and_confidence_are_told() -> None:
    told = words(tree())
    covered = "90% for the effects of all 10 claims of its family together (Bonferroni)"
    for text in ("Version 9.9", "seed 0", "budget quick", covered):
        assert text in told


# --- one file ------------------------------------------------------------------------------------------


def test_nothing_is_taken_from_elsewhere() -> None:
    found = Tags(usual_page()).found
    assert not {tag for tag, _ in found} & {"link", "iframe", "object", "embed", "base", "form"}
    for tag, given in found:
        assert not [name for name in given if name.startswith("on") or name == "style"], tag
        for value in (given.get("src"), given.get("href")):
            assert value is None or value.startswith(("#", "data:image/svg+xml;base64,"))
    assert not re.search(r"https?:|url\(|@import", usual_page())
    for svg in images(tree()):
        assert not re.search(r"<script|(href|src)=\"(?!#)|@import|url\((?!#)", svg)


def test_the_only_script_is_the_packaged_one() -> None:
    here = Path(theory.page.__path__[0])
    packaged = "".join((here / name).read_text(encoding="utf-8") for name in ("filter.js", "page.js"))
    found = Tags(usual_page())
    assert found.scripts == [packaged]
    assert [given for tag, given in found.found if tag == "script"] == [{}]
    assert not re.search(r"\beval\b|Function|innerHTML|document\.write|fetch|XMLHttp|import|setTimeout", packaged)
    assert not set("&<") & set(packaged)  # which XML and HTML read differently


def test_browsers_are_told_to_run_nothing_else() -> None:
    found = Tags(usual_page())
    [policy] = [str(given["content"]) for tag, given in found.found if tag == "meta" and "http-equiv" in given]
    digest = base64.b64encode(hashlib.sha256(found.scripts[0].encode()).digest()).decode()
    rules = ["default-src 'none'", "img-src data:", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'"]
    assert policy.split("; ") == rules


def test_what_claims_say_is_text_and_not_markup() -> None:
    assert HOSTILE not in usual_page()
    assert words(sections()["escaped"]).count(HOSTILE) == 3
    assert len(Tags(page(LEDGER, title=HOSTILE, formulas={"inside": "a < b"})).scripts) == 1


def test_the_same_ledger_gives_the_same_bytes_and_no_clock() -> None:
    again = ledger(claim("true-effect"), FALSE_EFFECT, FAILED_CONTROL, NO_EFFECT, ESCAPED)
    assert page(again, formulas=FORMULAS) == usual_page()
    assert page(replace(again, seconds={"true-effect": 1234.5}), formulas=FORMULAS) == usual_page()
    assert not [svg for svg in images(tree()) if "dc:date" in svg]


def test_an_empty_ledger_is_a_page() -> None:
    assert "No claim was run." in words(tree(page(Ledger(()))))
    assert json.loads(Ledger(()).to_json()) == []
