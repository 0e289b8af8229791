"""The atlas as one page of HTML that needs nothing else, in the style of the ledger's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from simulate.house.counting import counted
from theory.ledger.atlas.entry import Entry
from theory.ledger.atlas.sentence import sentence
from theory.ledger.wording import OWNERS, in_html, interval, number, with_minus
from theory.page.pieces import badge, image, style, table

__all__ = ["atlas_page"]

_MOST_SHARES = 8

_RULE = (
    "A claim leaves things open that an experiment has to choose. For each of them one value is primary, fixed before "
    "anything was run; the ledger's verdict is about these. Here the others are tried: one at a time, then in a sample "
    "in which all values, and all pairs of values, appear about equally often. A verdict is that of the ledger's rule, "
    "in each protocol anew. The share of a choice is the part of the effect's variance over all protocols that goes "
    "with its values, less what noise makes of it; intervals of all choices cover together with 95 %, and so do those "
    "of all pairs. The map has the two choices that decide most, all others primary: the colour of a tile is the "
    "verdict, the number in it the effect, and thick lines part effects that the claim allows from those it does not."
)


def atlas_page(
    entries: Sequence[Entry], maps: Mapping[str, str], *, title: str = "Atlas of claims", about: str = ""
) -> str:
    """Write an atlas as a page.

    Args:
        entries: The claims.
        maps: SVG of the map of each claim that has one, by its name; see `theory.ledger.atlas.drawing.map_svg`.
        title: Heading of the page.
        about: Whose claims they are, in a sentence below the heading.

    Returns:
        HTML that is well-formed XML, too; the same bytes for the same entries.
    """
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8" />',
        '<meta name="viewport" content="width=device-width, initial-scale=1" />',
        f"<title>{escape(title)}</title><style>\n{style()}</style></head>\n<body><h1>{escape(title)}</h1>",
        f'<p class="about">{escape(about)}</p>' if about else "",
        f'<p class="label">{escape(_provenance(entries))}</p>',
        f"<p>{escape(_RULE)}</p>",
        _overview(entries),
        *(_section(entry, maps.get(entry.name)) for entry in entries),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _provenance(entries: Sequence[Entry]) -> str:
    if not entries:
        return "No claim was tried."
    told = [f"{name} {value}" for name, value in entries[0].provenance.items()]
    protocols = sum(len(entry.tried) for entry in entries)
    return " · ".join(
        [*told, counted(len(entries), "claim"), f"{counted(protocols, 'protocol')} of all claims together"]
    )


def _overview(entries: Sequence[Entry]) -> str:
    heads = ("#", "Claim", "Primary", "Where it holds")
    lines = [
        [
            str(entry.number),
            f'<a href="#{entry.name}">{in_html(entry.title)}</a>',
            badge(entry.tried[0].verdict),
            escape(sentence(entry)),
        ]
        for entry in entries
    ]
    return table("Overview; the titles lead to the maps", heads, lines)


def _section(entry: Entry, drawn: str | None) -> str:
    tally = "".join(f"<li>{badge(verdict)} {count}</li>" for verdict, count in entry.counts.items())
    label = f"{entry.number} · {escape(entry.name)} · {OWNERS.get(entry.family, escape(entry.family))}"
    return "\n".join(
        [
            f'<section id="{entry.name}"><p class="label">{label}</p>',
            f"<h2>{in_html(entry.title)}</h2>",
            f'<p class="found">{escape(sentence(entry))}</p>',
            f'<ul class="tally">{tally}</ul>',
            f'<p class="label">{in_html(entry.effect_is)}; predicted {escape(with_minus(entry.predicted))}</p>',
            "" if drawn is None else image(drawn, f"Verdicts over {_over(entry)}", "picture"),
            _shares(entry),
            _choices(entry),
            "</section>",
        ]
    )


def _over(entry: Entry) -> str:
    return " and ".join(entry.choices[name]["words"] for name in entry.drawn)


def _shares(entry: Entry) -> str:
    """The largest shares, and that of noise."""
    largest = sorted(entry.shares, key=lambda share: -share["share"])[:_MOST_SHARES]
    lines = [
        [
            escape(" × ".join(entry.choices[name]["words"] for name in share["choices"])),
            number(share["share"], 2),
            interval(share["interval"], 2),
        ]
        for share in largest
    ]
    if entry.noise is not None:
        lines.append(["noise of the measured effects, at most", number(entry.noise, 2), ""])
    shown = f", the largest of {len(entry.shares)}" if len(largest) < len(entry.shares) else ""
    return table(f"Shares of the effect's variance{shown}", ("", "Share", "Interval"), lines, numeric=(1, 2))


def _choices(entry: Entry) -> str:
    """Each value of each choice with what became of the claim, and why the primary one is primary."""
    lines = []
    for name, choice in entry.choices.items():
        found = entry.by_value(name)
        values = "; ".join(
            f"{f'<strong>{escape(label)}</strong>' if label == choice['values'][0] else escape(label)}: "
            + ", ".join(f"{count} {verdict}" for verdict, count in _ordered(found.get(label, {}), entry))
            for label in choice["values"]
        )
        lines.append([escape(choice["words"]), values, in_html(choice["reason"])])
    heads = ("What is open", "Values (primary in bold) and verdicts", "Why the primary one")
    return f"<details><summary>Choices</summary>{table('', heads, lines)}</details>"


def _ordered(found: dict[str, int], entry: Entry) -> list[tuple[str, Any]]:
    return [(verdict, found[verdict]) for verdict in entry.counts if verdict in found]
