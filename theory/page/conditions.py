"""Conditions of the theory: their formulas once, and what each claim's experiment has to do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from simulate.house.counting import counted
from theory.ledger.book import Row
from theory.ledger.wording import number
from theory.page.pieces import folded, formula, link_to, table

__all__ = ["condition_words", "conditions_section", "conditions_table"]

_CAPTION = (
    "Conditions of the theory over the cells of the experiment. The margin is log₁₀ of the largest constant with which "
    "one still holds; below 0 it asks for a constant below one."
)


def condition_words(name: str, formulas: Mapping[str, str]) -> str:
    """The name of a condition in words, which lead to its formula if there is one."""
    words = escape(name.replace("_", " "))
    return f'<a href="#condition_{name}">{words}</a>' if name in formulas else words


def conditions_table(row: Row, formulas: Mapping[str, str]) -> str:
    """Margins of the conditions: first those that the claim presupposes, those that some cell violates highlighted."""
    lines = []
    for name, found in sorted(row.conditions.items(), key=lambda item: item[0] not in row.hypotheses):
        least, outside = found["least_margin"], found["fraction_outside"]
        told = [
            condition_words(name, formulas),
            "unlimited" if least is None else number(least, 3),
            f"{outside:.0%}",
            "yes" if name in row.hypotheses else "no",
        ]
        lines.append([f'<span class="violated">{text}</span>' if outside else text for text in told])
    heads = ("Condition", "Least margin", "Cells outside", "Presupposed")
    return table(_CAPTION, heads, lines, numeric=(1, 2))


def conditions_section(rows: Sequence[Row], formulas: Mapping[str, str]) -> str:
    """The formulas of all conditions that some row speaks of, and the rows whose verdict they take away."""
    named = [name for name in formulas if any(name in row.conditions or name in row.hypotheses for row in rows)]
    if not named:
        return ""
    told = "\n".join(
        f'<dt id="condition_{name}">{escape(name.replace("_", " "))}</dt>'
        f"<dd>{formula(formulas[name])}{_violators(rows, name)}</dd>"
        for name in named
    )
    content = folded(f"{counted(len(named), 'condition')} with formulas", f"<dl>{told}</dl>")
    return f'<section id="page_conditions"><h2>Conditions of the theory</h2>\n{content}</section>'


def _violators(rows: Sequence[Row], name: str) -> str:
    links = ", ".join(link_to(row) for row in rows if name in row.violated)
    return f'<p class="elsewhere">Presupposed and violated by {links}.</p>' if links else ""
