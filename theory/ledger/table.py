"""The ledger on a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.jupyter import JupyterMixin
from rich.table import Table
from rich.text import Text

from simulate.house.counting import counted
from simulate.house.drawing.palette import VERDICTS
from simulate.house.verdicts import Verdict
from theory.ledger.book import Ledger, Row
from theory.ledger.wording import control_verdict, counts, interval, number, with_minus

__all__ = ["STYLES", "summary_table"]

STYLES = {verdict: f"bold {color}" for verdict, color in VERDICTS.items()}
"""Style of each verdict; the word stands there, too."""

_HEADS = ("#", "claim", "verdict", "effect", "interval", "predicted", "control", "where it holds")
_NUMBERS, _FOLDED = ("#", "effect", "interval", "predicted"), ("interval", "predicted", "where it holds")
_ROOM, _SENTENCE = 60, 45  # columns that all but the names and sentences need, and that a sentence needs


def summary_table(ledger: Ledger) -> ConsoleRenderable:
    """One line a row: what was claimed, what was found, and whether the false variant was found out.

    Names are never folded, so that they can be copied. Where they leave no room on a terminal, what was predicted and
    the control are left out. Where they leave very much, it is told where the claim holds, as far as that is known.
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
        wide = room >= _ROOM + _SENTENCE and any(row.holds for row in rows)
        heads = _HEADS if wide else _HEADS[:7] if room >= _ROOM else _HEADS[:5]
        for head in heads:
            made.add_column(head, justify="right" if head in _NUMBERS else "left", no_wrap=head not in _FOLDED)
        for row in rows:
            made.add_row(*_cells(row)[: len(heads)])
        yield made


def _cells(row: Row) -> tuple[str | Text, ...]:
    """The cells of a row; names in brackets are no markup here."""
    control = control_verdict(row)
    found_out = control in (None, Verdict.REFUTED.value)
    return (
        str(row.number),
        Text(row.name),
        Text(row.verdict, style=STYLES[row.verdict]),
        number(row.effect, 3),
        Text(interval(row.interval, 3)),
        Text(with_minus(row.predicted)),
        Text(control or "—", style="" if found_out else "bold reverse red"),
        Text(row.holds or "—"),
    )
