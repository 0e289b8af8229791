"""The ledger of the theory as a table."""

from __future__ import annotations

from paper_figs.figures.ledger import told
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.ledger_picture import verdict_table
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table

__all__ = ["draw", "main"]


def draw(results: Results) -> tuple[Table, Caption]:
    """One row per claim."""
    rows = results.ledger()
    return verdict_table(rows), Caption(
        shows=f"{told(rows)} What every effect is, and what was fixed before it was measured, is in ledger.json."
    )


main = table(draw, number=1)
