"""Deep networks: the deep ledger as a table, one column per scale."""

from __future__ import annotations

from collections.abc import Sequence

from deepnet.ledger.scales import summary_of
from paper_figs.figures.deep_ledger import told
from paper_figs.tables._side_by_side import side_by_side
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table
from theory.ledger import Row
from theory.ledger.wording import OWNERS, interval, number, other_verdicts, verdict_words

__all__ = ["cell", "draw", "main"]

_UNMATCHED, _UNTRUSTED = "†", "‡"
_MARKS = {
    _UNMATCHED: "Half of the runs or more did not reach the match: they are compared at their end.",
    _UNTRUSTED: "The negative control was not refuted: such a verdict deserves no trust.",
}
_STOPS = {
    "the retrained network's loss on F": "at the loss after SGD",
    "the loss on F of a network retrained with the arm's own optimizer": "at the loss of its own kind",
    "the retrained network's accuracy on F": "at equal accuracy",
    "the loss on held-out images of the same classes": "at the held-out loss",
    "5 epochs": "after 5 epochs",
    "10 epochs": "after 10 epochs",
}
"""Stops as a cell has room for them."""


def draw(results: Results) -> tuple[Table, Caption]:
    """One row per claim."""
    claims = side_by_side(results)
    texts = []
    for place, rows in claims.rows:
        any_row = next(iter(rows.values()))
        together = summary_of([row for scale, row in rows.items() if scale in claims.columns])
        texts.append((str(place), any_row.title, OWNERS[any_row.family], *claims.cells(rows, cell, together)))
    count, some = len(claims.columns), bool(claims.varied)
    width = round(0.42 / (count + some), 3)
    widths = (0.0, 0.23, 0.0, *[width] * count, 0.09, *[width] * some)
    heads = ("#", "claim", "whose", *claims.heads("together"))
    return Table(heads=heads, rows=tuple(texts), numeric=(0,), widths=widths), Caption(
        shows=(
            f"{told(claims.shown)} Each cell: verdict, effect and interval; of an undecided claim the effect that it "
            "could have seen with a probability of 80 %; in parentheses, stops at which it can be tested and the "
            "verdict is another one. Together: the verdict on which all scales agree that have a say; a scale at which "
            "a claim was not run, cannot be tested, or is decided though its control failed has none. What every "
            "effect is, and what was fixed before it was measured, is in ledger.json beside the data of each scale."
            f"{_notes(texts)}"
        )
    )


def _notes(texts: Sequence[Sequence[str]]) -> str:
    """What the marks mean that there are."""
    told = "".join(each for row in texts for each in row)
    return "".join(f" {mark} {words}" for mark, words in _MARKS.items() if mark in told)


def cell(row: Row) -> str:
    """Verdict, effect and interval of a row, marked where they are not what they seem.

    An undecided row tells what it could have seen; any row, at which other stops its verdict is another one.
    """
    words = verdict_words(row.verdict, row.margin)
    if row.effect is None:
        return words
    unmatched = row.endings.get("not reached", 0.0) >= 0.5
    marks = _UNMATCHED * unmatched + _UNTRUSTED * (row.control["verdict"] != "refuted")
    seen = f", could have seen {number(row.detectable['effect'], 2)}" if row.detectable else ""
    return f"{words}{marks}: {number(row.effect, 2)} {interval(row.interval, 2)}{seen}{_at_other_stops(row)}"


def _at_other_stops(row: Row) -> str:
    """Where the verdict is another one that can be told, in parentheses; nothing if it is the same everywhere."""
    found = other_verdicts(row, row.choices.get("stop", {}).get("verdicts", {}))
    told = "; ".join(
        f"{', '.join(_STOPS.get(each, each) for each in labels)}: {words}" for words, labels in found.items()
    )
    return f" ({told})" if told else ""


main = table(draw, number=3)
