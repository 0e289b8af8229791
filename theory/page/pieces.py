"""Pieces of HTML that all parts of the page are made of."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from simulate.house.drawing.palette import VERDICT_INKS, VERDICTS
from simulate.house.verdicts import Verdict
from theory.ledger.book import Row
from theory.ledger.wording import MARKS, in_html

__all__ = ["badge", "dot", "folded", "formula", "image", "kind", "link_to", "marked", "style", "table", "terms"]

_DOTS = {
    Verdict.SUPPORTED.value: "●",
    Verdict.REFUTED.value: "■",
    Verdict.NEGLIGIBLE.value: "≈",
    Verdict.INCONCLUSIVE.value: "◐",
    Verdict.OUTSIDE.value: "◆",
    Verdict.NOT_TESTABLE.value: "○",
    Verdict.NOT_RUN.value: "◌",
}
"""A sign for each verdict, so that colour is not all that tells them apart."""


def style() -> str:
    """The style sheet, with the colours that verdicts have in all figures."""
    rules = (
        f".{kind(verdict)} {{ --verdict: {color}; --on-verdict: {VERDICT_INKS[verdict]}; }}\n"
        for verdict, color in VERDICTS.items()
    )
    return (Path(__file__).parent / "page.css").read_text(encoding="utf-8") + "".join(rules)


def kind(verdict: str) -> str:
    """The class of what has the colours of a verdict; filters know it by this word, too."""
    return verdict.replace(" ", "-")


def badge(verdict: str, words: str = "") -> str:
    """A verdict as a word on its colour, or other words for it."""
    return f'<span class="badge {kind(verdict)}">{words or verdict}</span>'


def dot(verdict: str) -> str:
    """A verdict as one sign."""
    named = f'role="img" aria-label="{verdict}" title="{verdict}"'
    return f'<span class="dot {kind(verdict)}" {named}>{_DOTS[verdict]}</span>'


def link_to(row: Row) -> str:
    """A link to the section of a row."""
    return f'<a href="#{row.name}">{escape(row.name)}</a>'


def marked(source: str) -> str:
    """A source whose marks say on hovering what they mean."""

    def explained(found: re.Match[str]) -> str:
        meaning = "; ".join(MARKS[letter] for letter in re.findall(r"\b[SMDN]\b", found[0]))
        return f'<abbr title="{meaning}">{found[0]}</abbr>'

    return re.sub(r"\[[SMDN]\b[^\]<>]*\]", explained, in_html(source))


def formula(latex: str) -> str:
    """The parts of a formula below each other."""
    from theory.ledger.drawing import formula_svg

    parts = "".join(image(formula_svg(part), part) for part in latex.split(r",\quad "))
    return f'<div class="formula">{parts}</div>'


def image(svg: str, words: str, name: str = "") -> str:
    """An SVG as an image of its own, so that ids inside of it cannot meet those of others."""
    data = base64.b64encode(svg.encode()).decode()
    named = f' class="{name}"' if name else ""
    return f'<img{named} alt="{escape(words)}" src="data:image/svg+xml;base64,{data}" />'


def folded(summary: str, content: str) -> str:
    """Content that is there when its summary, which is HTML already, is unfolded."""
    return f"<details><summary>{summary}</summary>\n{content}</details>"


def terms(told: Iterable[tuple[str, str]]) -> str:
    """Terms and what there is to be said of them, as HTML; those of which there is nothing are left out."""
    found = "\n".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in told if text)
    return f"<dl>{found}</dl>" if found else ""


def table(caption: str, heads: Sequence[str], lines: Sequence[Sequence[str]], *, numeric: Iterable[int] = ()) -> str:
    """A table of cells that are HTML already; on a narrow screen all but the first column repeat their heads."""
    if not lines:
        return ""
    right = set(numeric)

    def numbers(place: int) -> str:
        return ' class="number"' if place in right else ""

    def cell(place: int, text: str) -> str:
        label = f' data-label="{escape(heads[place])}"' if place else ""
        return f"<td{numbers(place)}{label}>{text}</td>"

    head = "".join(f"<th{numbers(place)}>{escape(text)}</th>" for place, text in enumerate(heads))
    body = "\n".join(f"<tr>{''.join(cell(i, text) for i, text in enumerate(line))}</tr>" for line in lines)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
