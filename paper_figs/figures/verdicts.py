"""All verdicts at a glance: every claim of the theory's ledger is one mark.

The ledger is the published one, docs/ledger.json, at the full budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.figures.ledger import joint
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.ledger_lines import verdict_handles
from paper_figs.workshop.ledger_picture import tally
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import legend_below, new_figure, wrapped
from simulate.house.counting import counted
from simulate.house.drawing.palette import VERDICT_MARKERS, VERDICTS
from theory import claims
from theory.ledger.claim import FAMILIES

__all__ = ["by_topic", "draw", "main"]

Row = Mapping[str, Any]
Cells = Mapping[str, Mapping[str, Sequence[str]]]

_HEADS = {"paper": "the paper's", "ours": "ours", "open": "open questions"}
_LINE, _MARK, _LEAST = 0.157, 0.128, 8  # inches of a row and of a mark; marks for which each column has room
_WORDS, _GAP = 1.95, 0.16  # inches for the words of a row, and between columns


def draw(results: Results) -> tuple[Figure, Caption]:
    """A row a topic, a block of columns for whose claims they are, a mark a claim."""
    rows = results.published_ledger()
    cells = by_topic(rows, claims.topics())
    widths = _widths(cells)
    made = new_figure(_LINE * len(cells) + 0.85)
    axes = made.subplots()
    for place, columns in enumerate(cells.values()):
        if place % 2 == 0:
            axes.axhspan(place - 0.5, place + 0.5, color="0.955", lw=0, zorder=0)
        for family, verdicts in columns.items():
            _draw_marks(axes, place, _begin(widths, family), verdicts)
    _dress(axes, list(cells), widths, rows)
    count = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS}
    words = {verdict: f"{number} {verdict}" for verdict, number in count.items() if number}
    legend_below(made, verdict_handles(words, size=5.6), columns=3)
    return made, Caption(
        answers=_answer(rows),
        shows=(
            f"Every one of the {counted(len(rows), 'claim')} of the theory's ledger is a mark, whose shape and colour "
            "are its verdict: a row for what it is about, a block for whose it is. A claim is supported if the whole "
            "interval of its effect lies where the claim allows it, refuted if it lies outside, inconclusive across "
            f"the border. {joint(rows)} Budget {rows[0]['budget']}, master seed "
            f"{rows[0]['seed']}. The figure `ledger` has effects and intervals, the table `ledger_table` their numbers."
        ),
    )


def by_topic(rows: Sequence[Row], topics: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    """Verdicts by topic and by whose claims they are; topics in the order in which the ledger comes to them.

    Args:
        rows: Rows of a ledger.
        topics: What claims are about, by their names; one that is not there is called by the number of its group.

    Returns:
        For each topic and family the verdicts, in the order of the palette.
    """
    order = list(VERDICTS)
    found: dict[str, dict[str, list[str]]] = {}
    for row in sorted(rows, key=lambda row: int(row["number"])):
        topic = found.setdefault(topics.get(row["name"], f"Group {row['number']}"), {})
        topic.setdefault(row["family"], []).append(row["verdict"])
    return {
        topic: {family: sorted(columns[family], key=order.index) for family in FAMILIES if family in columns}
        for topic, columns in found.items()
    }


def _widths(cells: Cells) -> dict[str, float]:
    """Inches of the column of each family that there is."""
    most = {family: max((len(columns.get(family, ())) for columns in cells.values()), default=0) for family in FAMILIES}
    return {family: _MARK * max(count, _LEAST) + _GAP for family, count in most.items() if count}


def _begin(widths: Mapping[str, float], family: str) -> float:
    """Where the column of a family begins, in inches."""
    names = list(widths)
    return sum(widths[name] for name in names[: names.index(family)])


def _draw_marks(axes: Axes, place: int, begin: float, verdicts: Sequence[str]) -> None:
    for number, verdict in enumerate(verdicts):
        x = begin + _MARK * (number + 0.5)
        axes.plot(x, place, VERDICT_MARKERS[verdict], color=VERDICTS[verdict], ms=5.6, mew=0.9, clip_on=False)


def _dress(axes: Axes, topics: Sequence[str], widths: Mapping[str, float], rows: Sequence[Row]) -> None:
    axes.set(xlim=(0.0, sum(widths.values())), ylim=(len(topics) - 0.5, -0.5))
    axes.set_yticks(range(len(topics)), [_shortened(topic) for topic in topics], fontsize=8.5)
    axes.tick_params(axis="both", length=0)
    axes.spines[:].set_visible(False)
    places, words = [], []
    for family, width in widths.items():
        begin = _begin(widths, family)
        if begin:
            axes.axvline(begin - _GAP / 2, color="0.6", lw=0.6)
        chosen = [row for row in rows if row["family"] == family]
        held = sum(row["verdict"] == "supported" for row in chosen)
        places.append(begin + (width - _GAP) / 2)
        words.append(f"{_HEADS[family]}\n{held} of {len(chosen)} supported")
    axes.xaxis.tick_top()
    axes.set_xticks(places, words, fontsize=8.5)


def _shortened(topic: str) -> str:
    """The first words of a topic, as many as there is room for."""
    lines = wrapped(topic, _WORDS, size=8.5)
    return lines[0] if len(lines) == 1 else f"{lines[0].rstrip(',;')} …"


def _answer(rows: Sequence[Row]) -> str:
    """Verdicts of each family, in words."""
    parts = []
    for family, words in (("paper", "the paper's, as its summaries state them"), ("ours", "ours"), ("open", "open")):
        chosen = [row for row in rows if row["family"] == family]
        if chosen:
            parts.append(f"of the {len(chosen)} that are {words}: {tally(chosen)}")
    return f"At the {rows[0]['budget']} budget, in the small network: {'; '.join(parts)}."


main = figure(draw, number=16, asks="Which of the theory's claims hold in the small network?")
