"""Deep networks: the deep ledger, every claim with its effect and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.figures.deep_corrections import MARKS
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import nothing_to_draw, published, scale_words
from paper_figs.workshop.ledger_picture import region_of, tally
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import legend_below, new_figure
from simulate.house.counting import counted
from simulate.house.drawing.palette import VERDICTS
from theory.ledger.wording import interval, number

__all__ = ["draw", "main", "margin", "told"]

Row = Mapping[str, Any]
_LINE, _END = 0.123, 20.0  # inches a row; where the axis ends
_MARKS = {**MARKS, "inconclusive": "D", "not testable": "|", "not run": "_"}


def draw(results: Results) -> tuple[Figure, Caption]:
    """One line a claim: how far its effect lies inside or outside of what it predicts."""
    found = published(results, "ledger.json")
    rows = found.ledger
    if not rows:
        raise nothing_to_draw(found, "claims", ["main"])
    made = new_figure(_LINE * len(rows) + 0.75)
    axes = made.subplots()
    axes.axvspan(0.0, _END, color="0.93", lw=0, zorder=0)
    for place, row in enumerate(rows):
        _draw_row(axes, place, row)
    _frame(axes, rows)
    handles: list[Any] = [
        Line2D([], [], ls="none", marker=_MARKS[verdict], color=color, label=verdict, ms=4)
        for verdict, color in VERDICTS.items()
        if verdict in {row["verdict"] for row in rows}
    ]
    legend_below(made, [*handles, Patch(color="0.93", label="predicted")], columns=5)
    return made, Caption(
        shows=(
            f"{told(rows)} Across: distance of the effect from the border of the region that the claim predicts, to "
            "the right (grey) inside of it, in units of half its interval, so that every line reaches from one unit "
            "below its marker to one above. A claim is supported if its whole line lies in the grey, refuted if it "
            "lies outside, and inconclusive across the border. Beyond ±2 the scale is logarithmic; arrows lie beyond "
            "the axis. On the right: effect and interval as they are. On the left: name of the claim and number of "
            f"its group.\n\n{scale_words(found)}"
        )
    )


def margin(row: Row) -> float | None:
    """Distance of the effect to the nearest border of its region, positive inside, over half its interval.

    At least 1 is supported, at most -1 is refuted, whatever the region, since Student's intervals are symmetric.

    Args:
        row: A row of a ledger.

    Returns:
        The distance, infinite for an exact effect off the border; None for a row without effect or interval.

    Example:
        >>> margin({"effect": 0.3, "interval": [0.1, 0.5], "predicted": "≥ 0"})
        1.5
    """
    if row["effect"] is None or row["interval"] is None:
        return None
    region, half = region_of(row["predicted"]), (row["interval"][1] - row["interval"][0]) / 2
    inside = min(row["effect"] - region.low, region.high - row["effect"])
    if half == 0.0:
        return float(np.copysign(np.inf, inside)) if inside else 0.0
    return float(round(inside / half, 12))


def _draw_row(axes: Axes, place: int, row: Row) -> None:
    """Interval and marker; an arrow where the effect lies beyond the axis."""
    color, found = VERDICTS[row["verdict"]], margin(row)
    if found is None:
        word = "not run" if row["verdict"] == "not run" else "not testable"  # any other mark would say: measured as 0
        axes.plot(0.0, place, marker=_MARKS[word], color=color, ms=4)
        return
    if abs(found) >= _END - 1.0:
        axes.plot(np.copysign(0.93 * _END, found), place, marker=">" if found > 0 else "<", color=color, ms=3.6)
        return
    axes.plot([found - 1.0, found + 1.0], [place, place], color=color, lw=1.1, solid_capstyle="butt")
    axes.plot(found, place, marker=_MARKS[row["verdict"]], color=color, ms=3.6, mew=0.3)


def _frame(axes: Axes, rows: Sequence[Row]) -> None:
    axes.set_xscale("symlog", linthresh=2.0, linscale=1.5)
    axes.set(xlim=(-_END, _END), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xticks([-10, -2, -1, 0, 1, 2, 10], ["−10", "−2", "−1", "0", "1", "2", "10"])
    axes.minorticks_off()
    axes.set_xlabel("distance into the predicted region, in half intervals")
    axes.set_yticks(range(len(rows)), [f"{row['name']}  {row['number']:>2}" for row in rows], fontsize=6.3)
    right = axes.secondary_yaxis("right")
    words = ["not measured" if row["effect"] is None else _numbers(row) for row in rows]
    right.set_yticks(range(len(rows)), words, fontsize=6.3)
    for one in (axes, right):
        one.tick_params(axis="y", length=0)
    right.spines["right"].set_visible(False)
    axes.spines["left"].set_visible(False)
    for place, (above, below) in enumerate(pairwise(rows)):
        if above["number"] != below["number"]:
            axes.axhline(place + 0.5, color="0.75", lw=0.3, zorder=1)


def _numbers(row: Row) -> str:
    return f"{number(row['effect'], 2)} {interval(row['interval'], 2)}"


def told(rows: Sequence[Row]) -> str:
    """Counts, confidence and controls of a ledger, in sentences; not every control is measured at every scale."""
    controls = {row["name"]: row["control"]["verdict"] for row in rows if row["control"]["effect"] is not None}
    standing = [name for name, verdict in controls.items() if verdict != "refuted"]
    text = (
        f"{counted(len(rows), 'claim')}: {tally(rows)}. Confidence {rows[0]['confidence']}. Budget: "
        f"{rows[0]['budget']}. Of the "
        f"{len(controls)} negative controls that were measured {len(controls) - len(standing)} are refuted, as they "
        "have to be."
    )
    return f"{text} The verdicts of the others deserve no trust: {', '.join(standing)}." if standing else text


main = figure(draw, number=18)
