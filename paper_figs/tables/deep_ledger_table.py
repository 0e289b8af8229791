"""Deep networks: the deep ledger as a table, a column a scale."""

from __future__ import annotations

from deepnet.ledger.scales import summary_of
from paper_figs.figures.deep_ledger import names_of, told
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import nothing_to_draw, scales
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table
from theory.ledger import Row
from theory.ledger.book import ledger_from
from theory.ledger.wording import OWNERS, interval, number, verdict_words

__all__ = ["cell", "draw", "main"]


def draw(results: Results) -> tuple[Table, Caption]:
    """One row a claim."""
    shown = scales(results, "ledger.json")
    names = names_of(shown)
    if not names:
        raise nothing_to_draw("claims", shown)
    ledgers = [
        {row.name: row for row in ledger_from((scale.published.folder / "ledger.json").read_text("utf-8")).rows}
        for scale in shown
    ]
    texts = []
    for name, place in names.items():
        rows = [ledger[name] for ledger in ledgers if name in ledger]
        cells = [cell(ledger[name]) if name in ledger else "—" for ledger in ledgers]
        texts.append((str(place), rows[0].title, OWNERS[rows[0].family], *cells, summary_of(rows)))
    heads = ("#", "claim", "whose", *(scale.name for scale in shown), "together")
    widths = (0.0, 0.26, 0.0, *[round(0.5 / len(shown), 2)] * len(shown), 0.1)
    return Table(heads=heads, rows=tuple(texts), numeric=(0,), widths=widths), Caption(
        shows=(
            f"{told(shown)} Each cell: verdict, effect and interval. What every effect is, and what was fixed before "
            "it was measured, is in ledger.json beside the data of each scale."
        )
    )


def cell(row: Row) -> str:
    """Verdict, effect and interval of a row."""
    words = verdict_words(row.verdict, row.margin)
    return words if row.effect is None else f"{words}: {number(row.effect, 2)} {interval(row.interval, 2)}"


main = table(draw, number=3)
