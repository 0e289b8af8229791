"""The ledger on a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.jupyter import JupyterMixin
from rich.table import Table
from rich.text import Text

from simulate.house.counting import counted
from simulate.house.drawing.palette import VERDICTS
from simulate.house.verdicts import Verdict
from theory.ledger.book import Ledger, Row
from theory.ledger.wording import control_verdict, counts, interval, number, verdict_words, with_minus

__all__ = ["STYLES", "summary_table"]

STYLES = {verdict: f"bold {color}" for verdict, color in VERDICTS.items()}
"""Style of each verdict; the word stands there, too."""

_NARROW = ("#", "claim", "verdict", "effect", "interval")
_USUAL = (*_NARROW, "predicted", "control")
_WIDE = ("#", "claim", "whose", *_USUAL[2:])
_TOLD = (*_WIDE, "where it holds")
_HEADS = ((0, _NARROW), (60, _USUAL), (75, _WIDE), (120, _TOLD))
"""Columns of the table by how many characters a terminal has besides the names."""
_NUMBERS = ("#", "effect", "interval", "predicted")
_FOLDED = ("verdict", "interval", "predicted", "where it holds")


def summary_table(ledger: Ledger) -> ConsoleRenderable:
    """One line a row: what was claimed, what was found, and whether the false variant was found out.

    Names are never folded, so that they can be copied. Where they leave no room on a terminal, whose claims they are is
    left out, then what was predicted and the control. Where they leave very much, it is told where the claim holds, as
    far as that is known. A row outside the hypotheses says what its effect says alone.
    """
    return _Summary(ledger)


@dataclass(frozen=True)
class _Summary(JupyterMixin):
    ledger: Ledger

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table as wide as the terminal allows."""
        rows = self.ledger.rows
        total = ", ".join(f"{count} {verdict}" for verdict, count in counts(self.ledger).items() if count)
        title = f"{counted(len(rows), 'claim')}: {total}"
        made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        room = options.max_width - max((len(row.name) for row in rows), default=0)
        told = any(row.holds for row in rows)
        fitting = [heads for least, heads in _HEADS if (room >= least or not least) and (told or heads is not _TOLD)]
        heads = fitting[-1]
        lines = [_cells(row) for row in rows]
        for head in heads:
            folded = head in _FOLDED  # between words, not inside of one
            longest = max((len(word) for line in lines for word in str(line[head]).split()), default=0)
            justify: Literal["left", "right"] = "right" if head in _NUMBERS else "left"
            made.add_column(head, justify=justify, no_wrap=not folded, min_width=longest if folded else None)
        for line in lines:
            made.add_row(*(line[head] for head in heads))
        yield made


def _cells(row: Row) -> dict[str, str | Text]:
    """The cells of a row by their heads; names in brackets are no markup here."""
    control = control_verdict(row)
    found_out = control in (None, Verdict.REFUTED.value)
    outside = row.verdict == Verdict.OUTSIDE.value
    verdict = f"{row.verdict} ({row.by_effect})" if outside else verdict_words(row.verdict, row.margin)
    return {
        "#": str(row.number),
        "claim": Text(row.name),
        "whose": Text(row.family),
        "verdict": Text(verdict, style=STYLES[row.verdict]),
        "effect": number(row.effect, 3),
        "interval": Text(interval(row.interval, 3)),
        "predicted": Text(with_minus(row.predicted)),
        "control": Text(control or "—", style="" if found_out else "bold reverse red"),
        "where it holds": Text(row.holds or "—"),
    }
