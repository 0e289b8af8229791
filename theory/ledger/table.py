"""The ledger on a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from theory.ledger.book import Ledger, Row
from theory.ledger.decide import Verdict
from theory.ledger.wording import counts, interval, number, with_minus

__all__ = ["STYLES", "summary_table"]

STYLES = {
    Verdict.SUPPORTED.value: "bold blue",
    Verdict.REFUTED.value: "bold red",
    Verdict.INCONCLUSIVE.value: "yellow",
    Verdict.NOT_TESTABLE.value: "dim",
}
"""Colour of each verdict; the word stands there, too."""


def summary_table(ledger: Ledger) -> Table:
    """One line a row: what was claimed, what was found, and whether the false variant was found out.

    Fits 120 columns, and folds long names on narrower terminals.
    """
    total = ", ".join(f"{count} {verdict}" for verdict, count in counts(ledger).items() if count)
    made = Table(
        title=f"{len(ledger.rows)} claims: {total}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    made.add_column("#", justify="right", no_wrap=True)
    made.add_column("claim", overflow="fold", min_width=14)
    made.add_column("verdict", no_wrap=True)
    made.add_column("effect", justify="right", no_wrap=True)
    made.add_column("interval", justify="right")
    made.add_column("predicted", justify="right")
    made.add_column("control", no_wrap=True)
    for row in ledger.rows:
        made.add_row(*_cells(row))
    return made


def _cells(row: Row) -> tuple[str | Text, ...]:
    """The cells of a row; names in brackets are no markup here."""
    control = row.control["verdict"]
    found_out = control == Verdict.REFUTED.value
    return (
        str(row.number),
        Text(row.name),
        Text(row.verdict, style=STYLES[row.verdict]),
        number(row.effect, 3),
        Text(interval(row.interval, 3)),
        Text(with_minus(row.predicted)),
        Text(control, style="" if found_out else "bold reverse red"),
    )
