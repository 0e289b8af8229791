"""Pieces of the pages: their style, badges, images and tables. All texts that they are given are HTML already."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from simulate.house.drawing.palette import VERDICT_INKS, VERDICTS

__all__ = ["badge", "image", "kind_of", "style", "table"]


def style() -> str:
    """The style sheet, with the colours that verdicts have in all figures."""
    rules = (
        f".{kind_of(verdict)} {{ --verdict: {color}; --on-verdict: {VERDICT_INKS[verdict]}; }}\n"
        for verdict, color in VERDICTS.items()
    )
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8") + "".join(rules)


def badge(verdict: str) -> str:
    """A verdict in its colour."""
    return f'<span class="badge {kind_of(verdict)}">{verdict}</span>'


def kind_of(verdict: str) -> str:
    """The class of what has the colours of a verdict."""
    return verdict.replace(" ", "-")


def image(svg: str, words: str, name: str = "") -> str:
    """An SVG as an image of its own, so that ids inside of it cannot meet those of others.

    Args:
        svg: The drawing.
        words: What is to be seen, for those who do not see it; plain text.
        name: Class of the image.
    """
    data = base64.b64encode(svg.encode()).decode()
    kind = f' class="{name}"' if name else ""
    return f'<img{kind} alt="{escape(words)}" src="data:image/svg+xml;base64,{data}" />'


def table(
    caption: str,
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    numeric: Iterable[int],
    bare: Iterable[int] = (0,),
) -> str:
    """A table; on a narrow screen all but the `bare` columns repeat their heads.

    Args:
        caption: What it shows; plain text.
        heads: Heads of the columns; plain text.
        lines: The cells.
        numeric: Columns of numbers.
        bare: Columns that need no head.
    """
    if not lines:
        return ""
    right, alone = set(numeric), set(bare)

    def kind(place: int) -> str:
        return ' class="number"' if place in right else ""

    def cell(place: int, text: str) -> str:
        label = "" if place in alone else f' data-label="{escape(heads[place])}"'
        return f"<td{kind(place)}{label}>{text}</td>"

    head = "".join(f"<th{kind(place)}>{escape(text)}</th>" for place, text in enumerate(heads))
    body = "\n".join(f"<tr>{''.join(cell(i, text) for i, text in enumerate(line))}</tr>" for line in lines)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
