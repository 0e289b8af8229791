"""The page as a whole: its head, what stands above the claims, the claims, and the conditions of the theory."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path

from theory.ledger.book import Ledger
from theory.ledger.picture import Picture
from theory.page.beginning import beginning
from theory.page.conditions import conditions_section
from theory.page.contents import contents
from theory.page.once import Once
from theory.page.pieces import style
from theory.page.section import section

__all__ = ["page"]

_HERE = Path(__file__).parent
_SCRIPTS = ("filter.js", "page.js")


def page(
    ledger: Ledger,
    *,
    title: str = "Ledger of claims",
    about: str = "",
    colors: Mapping[str, str] | None = None,
    account: Mapping[str, str] | None = None,
    formulas: Mapping[str, str] | None = None,
) -> str:
    """Write a ledger as a page.

    Without a script all claims are there; with it they can be filtered, and links to a claim unfold it.

    Args:
        ledger: Rows and their pictures.
        title: Heading of the page.
        about: Whose claims they are, in a sentence below the heading.
        colors: Colours of curves by name, see `theory.ledger.drawing.draw`.
        account: What was run and what was not, in words, by what it is about; it stands above the claims.
        formulas: Conditions of the theory in LaTeX, by their names in `Row.conditions`.

    Returns:
        HTML that is well-formed XML, too; the same bytes for the same ledger.
    """
    from theory.ledger.drawing import draw, figure_svg  # matplotlib, only when something is drawn

    def drawn(picture: Picture) -> str:
        return figure_svg(draw(picture, colors))

    once, known = Once(), formulas or {}
    parts = [
        *_head(title),
        f"<body><header><h1>{escape(title)}</h1>",
        beginning(ledger, about, account or {}),
        "</header>",
        contents(ledger.rows),
        "<main>",
        *(section(row, ledger.pictures.get(row.name), drawn, once, known) for row in ledger.rows),
        conditions_section(ledger.rows, known),
        f"</main>\n<script>{_script()}</script></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _head(title: str) -> list[str]:
    """The head, which forbids browsers to run or to load anything but what is in the page."""
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8" />',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}" />',
        '<meta name="viewport" content="width=device-width, initial-scale=1" />',
        f"<title>{escape(title)}</title><style>\n{style()}</style></head>",
    ]


def _script() -> str:
    """The script of the page. It has neither & nor <, which XML would have to escape and HTML must not."""
    return "".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
