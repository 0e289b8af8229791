"""The map and the page: right tiles, right borders, complete, escaped, in need of nothing else."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from simulate.house.drawing.palette import VERDICTS
from tests.theory.cases import HOSTILE
from tests.theory.ledger.atlas.made_up import (
    CHOICES,
    RADIUS,
    STOP,
    WEIGHT,
    Bench,
    by_nothing,
    by_stop,
    by_weight_and_radius,
    over_choices,
)
from theory.ledger.atlas import Entry, Tried, make_atlas, sentence
from theory.ledger.atlas.drawing import borders, draw_entry, map_svg
from theory.page.atlas import atlas_page

CLAIMS = (
    over_choices("by-stop", by_stop),
    over_choices("by-both", by_weight_and_radius),
    over_choices("by-nothing", by_nothing),
)


@cache
def entries() -> list[Entry]:
    return make_atlas(CLAIMS, Bench, protocols=30, rows=3, provenance={"version": "9.9", "seed": 0})


@cache
def usual_page() -> str:
    return atlas_page(entries(), {entry.name: map_svg(entry) for entry in entries()}, about="Whose they are.")


def cells(rows: Sequence[Sequence[float | None]]) -> dict[tuple[int, int], Tried]:
    """Cells with effects as they lie on paper, the first row on top."""
    return {
        (x, y): Tried(levels=(x, y), effect=effect, interval=None, verdict="supported")
        for y, row in enumerate(reversed(rows))
        for x, effect in enumerate(row)
    }


@pytest.mark.parametrize(
    ("rows", "sides"),
    [
        ([[0.0, 2.0]], {((0.5, 0.5), (0.5, -0.5))}),
        ([[0.0], [2.0]], {((0.5, 0.5), (-0.5, 0.5))}),
        ([[0.0, 0.5], [1.0, 0.9]], set()),
        ([[2.0, 3.0]], set()),  # both beyond
        ([[None, 2.0]], set()),  # nothing is known of one
        ([[0.0, 2.0], [2.0, 2.0]], {((0.5, 1.5), (0.5, 0.5)), ((0.5, 0.5), (-0.5, 0.5))}),
    ],
)
def test_borders_part_what_is_allowed_from_what_is_not(
    rows: Sequence[Sequence[float | None]], sides: set[object]
) -> None:
    entry = replace(entries()[0], region=(0.0, 1.0))
    assert set(borders(entry, cells(rows))) == sides


def tiles(figure: Figure) -> dict[tuple[float, float], str]:
    patches = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    return {(patch.get_x() + 0.5, patch.get_y() + 0.5): to_hex(patch.get_facecolor()).upper() for patch in patches}


def test_tiles_have_the_colours_of_verdicts_and_numbers_ascend() -> None:
    figure = draw_entry(entries()[1])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.5", "0.7", "0.9", "0.95"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2", "4"]
    weights = [label.get_fontweight() for label in axes.get_xticklabels()]
    assert weights == ["normal", "bold", "normal", "normal"]  # the primary value
    found = tiles(figure)
    assert len(found) == 12
    for (x, y), color in found.items():
        assert color == VERDICTS["refuted" if (x == 1) != (y == 0) else "supported"]
    shown = {(text.get_position()): text.get_text() for text in axes.texts}
    assert shown[1, 0].startswith(("1", "0.9"))
    assert shown[1, 1].startswith(("2.9", "3"))
    assert len(axes.lines) == 3 * 2 + 4  # sides of the column of the primary weight, and those above the lowest row


def test_what_deserves_no_trust_is_hatched_and_named() -> None:
    entry = entries()[0]
    doubtful = replace(entry, crossed=[replace(cell, trusted=False) for cell in entry.crossed])
    hatched = [patch for patch in draw_entry(doubtful).axes[0].patches if patch.get_hatch()]
    assert len(hatched) == len(entry.crossed)
    assert not [patch for patch in draw_entry(entry).axes[0].patches if patch.get_hatch()]
    (legend,) = draw_entry(doubtful).legends
    assert "a control failed" in [text.get_text() for text in legend.get_texts()]


def test_one_choice_is_a_row_and_without_shares_there_are_no_bars() -> None:
    (one,) = make_atlas([over_choices("one", by_stop, choices=(STOP,))], Bench, protocols=9, rows=1)
    figure = draw_entry(one)
    assert len(figure.axes) == 1
    assert sorted(tiles(figure)) == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]


def test_effects_that_are_missing_are_dashes() -> None:
    (entry,) = make_atlas([over_choices("none", lambda bench: None)], Bench, protocols=9, rows=1)
    assert {text.get_text() for text in draw_entry(entry).axes[0].texts} == {"—"}


def tree(page: str) -> ElementTree.Element:
    """A page as XML, which it has to be besides HTML."""
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def words(element: ElementTree.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_the_page_says_of_each_claim_where_it_holds() -> None:
    sections = {str(found.get("id")): found for found in tree(usual_page()).iter("section")}
    assert [*sections] == [claim.name for claim in CLAIMS]
    for entry in entries():
        told = words(sections[entry.name])
        for text in (entry.title, sentence(entry), entry.effect_is, *(choice.reason for choice in CHOICES)):
            assert text in told, text
        assert len(list(sections[entry.name].iter("img"))) == 1
        assert sentence(entry) in words(next(tree(usual_page()).iter("table")))
    links = [str(link.get("href")) for link in tree(usual_page()).iter("a")]
    assert links == [f"#{claim.name}" for claim in CLAIMS]
    for text in ("Whose they are.", "version 9.9", "seed 0", "3 claims", "90 protocols of all claims together"):
        assert text in words(tree(usual_page()))


def test_the_page_has_the_shares_and_the_fate_of_every_value() -> None:
    section = next(each for each in tree(usual_page()).iter("section") if each.get("id") == "by-stop")
    shares, choices = list(section.iter("table"))
    assert next(words(cell) for cell in next(iter(shares.iter("tbody")))[0]) == "end of unlearning"
    assert "accuracy ½ : 10 refuted" in words(choices).replace("½:", "½ :")
    for choice in (STOP, WEIGHT, RADIUS):
        assert choice.words in words(choices)


def test_the_page_takes_nothing_from_elsewhere_and_escapes_what_it_is_given() -> None:
    text = usual_page()
    assert not re.search(r"https?:|url\(|@import|<script|<link|<iframe", text)
    hostile = replace(
        entries()[0],
        title=HOSTILE,
        choices={
            name: {**choice, "words": HOSTILE, "reason": HOSTILE, "values": [f"{HOSTILE}{k}" for k in range(4)]}
            for name, choice in entries()[0].choices.items()
        },
    )
    page = atlas_page([hostile], {hostile.name: map_svg(hostile)}, title=HOSTILE, about=HOSTILE)
    assert "<script" not in page
    assert words(tree(page)).count(HOSTILE) > 5


def test_the_same_atlas_gives_the_same_bytes() -> None:
    again = make_atlas(CLAIMS, Bench, protocols=30, rows=3, provenance={"version": "9.9", "seed": 0})
    assert again == entries()
    assert map_svg(again[0]) == map_svg(entries()[0])
    assert "No claim was tried." in atlas_page([], {})
