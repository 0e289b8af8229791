"""Strips of single replicates: as high as there are many, told in words, once, and below the fold."""

import re
from dataclasses import replace
from xml.etree import ElementTree

from tests.theory.cases import claim, ledger
from theory.ledger import Ledger
from theory.ledger.distribution import PARTS
from theory.page import page

COUNTS = [6, 0, 0, 0, 0, 1, *[0] * 5, 3, *[0] * 8]
SVG = "{http://www.w3.org/2000/svg}"


def shown(*found: dict[str, list[int]]) -> list[ElementTree.Element]:
    """The sections of rows with these distributions."""
    rows = ledger(*(claim(f"row-{number}") for number, _ in enumerate(found))).rows
    rows = tuple(replace(row, distributions=each) for row, each in zip(rows, found, strict=True))
    tree = ElementTree.fromstring(page(Ledger(rows)).removeprefix("<!DOCTYPE html>\n"))
    return [section for section in tree.iter("section") if str(section.get("id")).startswith("row-")]


def test_a_strip_has_a_column_for_each_part_that_is_met() -> None:
    (section,) = shown({"worse class": COUNTS})
    (strip,) = section.iter(f"{SVG}svg")
    assert strip.get("viewBox") == f"0 0 {PARTS} 20"
    drawn = re.findall(r"M(\d+) 20v-([\d.]+)h", str(next(strip.iter(f"{SVG}path")).get("d")))
    assert [(int(place), float(height)) for place, height in drawn] == [(0, 20.0), (5, 3.33), (11, 10.0)]
    assert strip.get("aria-label") == "6 of 0 to 0.05; 1 of 0.25 to 0.3; 3 of 0.55 to 0.6"
    line = next(line for line in section.iter("tr") if "worse class" in "".join(line.itertext()))
    assert [cell.text for cell in line][2:] == ["10", "40%"]
    assert not any(strip in list(part.iter()) for part in section if part.tag != "details")  # below the fold


def test_rows_of_one_experiment_show_it_once_and_rows_without_show_nothing() -> None:
    first, second, third = shown({"a": COUNTS}, {"a": COUNTS}, {})
    assert [len(list(section.iter(f"{SVG}svg"))) for section in (first, second, third)] == [1, 0, 0]
    assert "Distributions: the same as of row-0" in " ".join("".join(second.itertext()).split())
    assert "Distributions" not in " ".join(third.itertext())


def test_nothing_that_could_be_counted_is_an_empty_strip() -> None:
    (section,) = shown({"a": [0] * PARTS})
    (strip,) = section.iter(f"{SVG}svg")
    assert (strip.get("aria-label"), next(strip.iter(f"{SVG}path")).get("d")) == ("none", "")
