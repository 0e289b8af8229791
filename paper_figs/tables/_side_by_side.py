"""The tracked deep ledgers beside each other: for each claim its row at each scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from paper_figs.figures.deep_ledger import names_of
from paper_figs.workshop.deep_data import Scale, nothing_to_draw, scales, unvaried
from paper_figs.workshop.results import Results
from simulate.house.verdicts import Verdict
from theory.ledger import Row
from theory.ledger.book import ledger_from

__all__ = ["Claims", "side_by_side"]

_NOT_RUN = "—"


@dataclass(frozen=True)
class Claims:
    """Every claim of the ledgers, at every scale."""

    shown: Sequence[Scale]
    """The scales."""
    columns: Sequence[str]
    """Names of those that have a column of their own; the others differ from one of them in one thing."""
    rows: Sequence[tuple[int, Mapping[str, Row]]]
    """The number of each claim, and its rows by scale."""

    @property
    def varied(self) -> Sequence[str]:
        """Names of the scales without a column."""
        return [scale.name for scale in self.shown if scale.name not in self.columns]

    def heads(self, *between: str) -> tuple[str, ...]:
        """Heads of the columns of cells, with others between the scales and their variants."""
        return (*self.columns, *between, *(["with one thing changed"] if self.varied else []))

    def cells(self, rows: Mapping[str, Row], cell: Callable[[Row], str], *between: str) -> tuple[str, ...]:
        """A claim's cells under these heads; variants at which it was not run are left out.

        Args:
            rows: Its rows by scale.
            cell: What is said of a row.
            between: Texts of the columns between.
        """
        run = [scale for scale, row in rows.items() if row.verdict != Verdict.NOT_RUN.value]
        kept = [scale for scale in rows if scale in self.columns or scale in run]
        return self.under_heads({scale: cell(rows[scale]) for scale in kept}, *between)

    def under_heads(self, texts: Mapping[str, str], *between: str) -> tuple[str, ...]:
        """Texts by scale as cells under these heads.

        Args:
            texts: What is said of each scale; one of which nothing is said is left out.
            between: Texts of the columns between.
        """
        own = [texts.get(scale, _NOT_RUN) for scale in self.columns]
        others = "; ".join(f"{scale}: {texts[scale]}" for scale in self.varied if scale in texts)
        return (*own, *between, *([others or _NOT_RUN] if self.varied else []))


def side_by_side(results: Results) -> Claims:
    """The claims of all scales that are shown.

    Args:
        results: Says which; the ledgers are noted as its sources.

    Raises:
        FileNotFoundError: if nothing is published; the message has the command that makes it.
        ValueError: if the ledgers have no claim.
    """
    shown = scales(results, "ledger.json")
    names = names_of(shown)
    if not names:
        raise nothing_to_draw("claims", shown)
    ledgers = {scale.name: _rows(scale) for scale in shown}
    rows = [
        (place, {scale: ledger[name] for scale, ledger in ledgers.items() if name in ledger})
        for name, place in names.items()
    ]
    return Claims(shown, [scale.name for scale in unvaried(shown)], rows)


def _rows(scale: Scale) -> dict[str, Row]:
    """The rows of a scale's ledger by name."""
    text = (scale.published.folder / "ledger.json").read_text(encoding="utf-8")
    return {row.name: row for row in ledger_from(text).rows}
