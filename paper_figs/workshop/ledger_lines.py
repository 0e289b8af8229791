"""Claims as lines of a picture: their titles in words, grouped by whose claim each is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from paper_figs.workshop.style import wrapped
from simulate.house.drawing.palette import VERDICT_MARKERS, VERDICTS
from theory.ledger.claim import FAMILIES
from theory.ledger.wording import in_signs

__all__ = ["HEADS", "Lines", "lines_of", "name_lines", "short_title", "verdict_handles"]

Row = Mapping[str, Any]

HEADS = {"paper": "the paper's claims", "ours": "ours, and what it builds on", "open": "open questions"}
"""Whose claims a group holds, as a heading."""
_SIZE, _LINE, _GAP = 6.3, 0.096, 0.035
"""Points of a title, and inches of a line of text and between two claims."""
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉", "0123456789-0123456789")
"""Raised and lowered signs, which the font of the house lacks, for formulas that set them."""


def short_title(title: str) -> str:
    """The title of a claim without its tolerance, which a picture shows as a region.

    Example:
        >>> short_title("SGD: the signal it needs grows as the fourth root of d, within 0.05")
        'SGD: the signal it needs grows as the fourth root of d'
    """
    text = in_signs(re.sub(r",? (an identity, )?(within|by) [\d.]+( %)?( of the \w+)?$", "", title))
    text = re.sub(r"([α-ωΑ-Ω]|\b\w)_\{?([\w,]+)\}?", r"\1$_{\\mathrm{\2}}$", text).replace("^½", "$^{1/2}$")
    text = re.sub(r"[⁰¹²³⁴-⁹⁻]+", lambda found: f"$^{{{found[0].translate(_PLAIN)}}}$", text)
    return re.sub(r"[₀-₉]+", lambda found: f"$_{{{found[0].translate(_PLAIN)}}}$", text)


@dataclass(frozen=True)
class Lines:
    """Where the claims of a picture stand, from the top, in inches."""

    places: Mapping[str, float]
    """Middle of each claim, by its name."""
    heights: Mapping[str, float]
    """Height of each claim."""
    labels: Mapping[str, str]
    """Its title on its lines."""
    heads: Mapping[float, str]
    """Headings of the groups by their middles."""
    height: float
    """Height of all."""


def lines_of(rows: Sequence[Row], width: float) -> Lines:
    """Lay claims out: the paper's first, then ours, then the open questions; each group by number.

    Args:
        rows: Rows of a ledger, each claim once.
        width: Inches for a title.
    """
    places: dict[str, float] = {}
    heights: dict[str, float] = {}
    labels: dict[str, str] = {}
    heads: dict[float, str] = {}
    top = 0.0
    for family in FAMILIES:
        group = sorted((row for row in rows if row.get("family", "ours") == family), key=lambda row: row["number"])
        if not group:
            continue
        heads[top + (_LINE + _GAP) / 2] = HEADS[family]
        top += _LINE + 2 * _GAP
        for row in group:
            text = wrapped(short_title(row["title"]), width, size=_SIZE)
            height = _LINE * len(text) + _GAP
            places[row["name"]], heights[row["name"]] = top + height / 2, height
            labels[row["name"]] = "\n".join(text)
            top += height
        top += _GAP
    return Lines(places, heights, labels, heads, top)


def name_lines(axes: Axes, lines: Lines) -> None:
    """Write titles and headings to the left of some axes, whose unit down the page is an inch."""
    axes.set_ylim(lines.height, 0.0)
    axes.set_yticks([*lines.places.values(), *lines.heads], [*lines.labels.values(), *lines.heads.values()])
    for label in axes.get_yticklabels():
        label.set(fontsize=_SIZE, linespacing=0.95)
        if label.get_text() in lines.heads.values():
            label.set(fontweight="bold")
    axes.tick_params(axis="y", length=0)


def verdict_handles(verdicts: Mapping[str, str], *, size: float = 4.0) -> list[Line2D]:
    """Entries of a legend for verdicts, in the order of the palette.

    Args:
        verdicts: The verdicts that there are, with their words.
        size: Points of a marker.
    """
    return [
        Line2D([], [], ls="none", marker=VERDICT_MARKERS[verdict], color=color, label=verdicts[verdict], ms=size)
        for verdict, color in VERDICTS.items()
        if verdict in verdicts
    ]
