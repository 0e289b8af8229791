"""Deep networks: the deep ledger as a table, one column per scale."""

from __future__ import annotations

from collections.abc import Sequence

from deepnet.ledger.scales import summary_of
from paper_figs.figures.deep_ledger import names_of, told
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import Scale, nothing_to_draw, scales, unvaried
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table
from theory.ledger import Row
from theory.ledger.book import ledger_from
from theory.ledger.wording import OWNERS, interval, number, verdict_words

__all__ = ["cell", "draw", "main"]

_UNMATCHED, _UNTRUSTED = "†", "‡"
_MARKS = {
    _UNMATCHED: "Half of the runs or more did not reach the match: they are compared at their end.",
    _UNTRUSTED: "The negative control was not refuted: such a verdict deserves no trust.",
}


def draw(results: Results) -> tuple[Table, Caption]:
    """One row per claim."""
    shown = scales(results, "ledger.json")
    names = names_of(shown)
    if not names:
        raise nothing_to_draw("claims", shown)
    ledgers = {scale.name: _rows(scale) for scale in shown}
    columns = [scale.name for scale in unvaried(shown)]
    varied = [name for name in ledgers if name not in columns]
    texts = []
    for name, place in names.items():
        rows = {scale: ledger[name] for scale, ledger in ledgers.items() if name in ledger}
        cells = [cell(rows[scale]) if scale in rows else "—" for scale in columns]
        others = [
            f"{scale}: {cell(rows[scale])}" for scale in varied if scale in rows and not rows[scale].has_no_verdict
        ]
        any_row = next(iter(rows.values()))
        together = summary_of([row for scale, row in rows.items() if scale in columns])
        more = ("; ".join(others) or "—",) if varied else ()
        texts.append((str(place), any_row.title, OWNERS[any_row.family], *cells, together, *more))
    heads = ("#", "claim", "whose", *columns, "together", *(["with one thing changed"] if varied else []))
    width = round(0.42 / (len(columns) + bool(varied)), 3)
    widths = (0.0, 0.23, 0.0, *[width] * len(columns), 0.09, *([width] if varied else []))
    return Table(heads=heads, rows=tuple(texts), numeric=(0,), widths=widths), Caption(
        shows=(
            f"{told(shown)} Each cell: verdict, effect and interval. What every effect is, and what was fixed before "
            "it was measured, is in ledger.json beside the data of each scale."
            f"{_notes(texts)}"
        )
    )


def _notes(texts: Sequence[Sequence[str]]) -> str:
    """What the marks mean that there are."""
    told = "".join(each for row in texts for each in row)
    return "".join(f" {mark} {words}" for mark, words in _MARKS.items() if mark in told)


def _rows(scale: Scale) -> dict[str, Row]:
    """The rows of a scale's ledger by name."""
    text = (scale.published.folder / "ledger.json").read_text(encoding="utf-8")
    return {row.name: row for row in ledger_from(text).rows}


def cell(row: Row) -> str:
    """Verdict, effect and interval of a row, marked where they are not what they seem."""
    words = verdict_words(row.verdict, row.margin)
    if row.effect is None:
        return words
    unmatched = row.endings.get("not reached", 0.0) >= 0.5
    marks = _UNMATCHED * unmatched + _UNTRUSTED * (row.control["verdict"] != "refuted")
    return f"{words}{marks}: {number(row.effect, 2)} {interval(row.interval, 2)}"


main = table(draw, number=3)
