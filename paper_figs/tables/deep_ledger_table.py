"""Deep networks: the deep ledger as a table."""

from __future__ import annotations

from paper_figs.figures.deep_ledger import told
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import nothing_to_draw, published, scale_words
from paper_figs.workshop.ledger_picture import verdict_table
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table

__all__ = ["draw", "main"]


def draw(results: Results) -> tuple[Table, Caption]:
    """One row a claim."""
    found = published(results, "ledger.json")
    if not found.ledger:
        raise nothing_to_draw(found, "claims", ["main"])
    return verdict_table(found.ledger), Caption(
        shows=(
            f"{told(found.ledger)} What every effect is, and what was fixed before it was measured, is in "
            f"ledger.json beside the data. {scale_words(found)}"
        )
    )


main = table(draw, number=3)
