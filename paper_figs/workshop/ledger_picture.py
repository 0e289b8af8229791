"""A ledger as one picture, and as one table. Any ledger: its rows as `ledger.json` has them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from paper_figs.workshop.ledger_lines import lines_of, name_lines, verdict_handles
from paper_figs.workshop.style import new_figure
from paper_figs.workshop.tabular import Table
from simulate.house.drawing.palette import VERDICT_MARKERS, VERDICTS
from simulate.house.verdicts import Region
from theory.ledger.wording import interval, number, verdict_words, with_minus

__all__ = ["draw_rows", "region_of", "standardised", "standardised_region", "tally", "verdict_table"]

Row = Mapping[str, Any]

_TITLES = 2.95  # inches for the titles of claims
_END = 30.0
"""Where the axis ends; what lies beyond is drawn at its end, as an arrow."""


def region_of(predicted: str) -> Region:
    """The region that a ledger writes as text.

    Raises:
        ValueError: if the text is not one that `str(Region)` makes.

    Example:
        >>> region_of("in [-0.3, 1e-05]"), region_of("≥ 0.1").low
        (Region(low=-0.3, high=1e-05), 0.1)
    """
    number = r"(-?[0-9.]+(?:e[-+]?[0-9]+)?)"
    if found := re.fullmatch(rf"in \[{number}, {number}\]", predicted):
        return Region(float(found[1]), float(found[2]))
    if found := re.fullmatch(rf"([≥≤]) {number}", predicted):
        return Region(low=float(found[2])) if found[1] == "≥" else Region(high=float(found[2]))
    raise ValueError(f"Argument `predicted` must be a region as a ledger writes it, but is {predicted!r}.")


def standardised(row: Row) -> tuple[float, float, float] | None:
    """Effect and interval on a scale on which the predicted region ends at ±1.

    A region between two ends is mapped to [-1, 1]. A half-line keeps one end, at -1 or 1; its unit is the distance to
    the nearest other end of the control's region, or the end's own size where the control has the same end; where a
    claim names its smallest effect of interest, that is the unit. An exact
    effect in a region that begins at 0 is an identity with a tolerance, of which the upper end alone counts.

    Args:
        row: A row of a ledger.

    Returns:
        Effect, lower and upper end; None for a row that has none.

    Example:
        >>> control = {"predicted": "≥ 0.9"}
        >>> standardised({"effect": 0.25, "interval": [0.2, 0.3], "predicted": "in [0.1, 0.5]", "control": control})
        (-0.25, -0.5, 0.0)
    """
    if row["effect"] is None or row["interval"] is None:
        return None
    region = region_of(row["predicted"])
    low, high = row["interval"]
    values = np.array([row["effect"], low, high])
    if region.low == 0.0 and low == high:
        region = Region(high=region.high)
    if math.isfinite(region.low) and math.isfinite(region.high):
        made = 2.0 * (values - region.low) / (region.high - region.low) - 1.0
    else:
        sign, end = (-1.0, region.low) if math.isfinite(region.low) else (1.0, region.high)
        unit = row.get("margin") or _unit(end, region_of(row["control"]["predicted"]))
        made = sign + (values - end) / unit
    return float(made[0]), float(made[1]), float(made[2])


def _unit(end: float, control: Region) -> float:
    distances = [abs(other - end) for other in (control.low, control.high) if math.isfinite(other) and other != end]
    return min(distances) if distances else abs(end) or 1.0


def tally(rows: Sequence[Row]) -> str:
    """How many rows have each verdict, in words."""
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def draw_rows(rows: Sequence[Row]) -> Figure:
    """Every row of a ledger: its effect and interval against its region, in the colour of its verdict.

    Args:
        rows: The rows.

    Returns:
        A figure as wide as the paper's text and as high as its rows need.
    """
    lines = lines_of(rows, _TITLES)
    made = new_figure(lines.height + 0.75)
    axes = made.subplots()
    for row in rows:
        region, place = standardised_region(row), lines.places[row["name"]]
        axes.barh(place, region[1] - region[0], left=region[0], height=0.1, color="0.9", lw=0, zorder=0)
        _draw_row(axes, place, row)
    axes.set_xscale("symlog", linthresh=1.0, linscale=0.8)
    axes.set_xlim(-_END, _END)
    axes.set_xticks([-10, -1, 0, 1, 10], ["−10", "−1", "0", "1", "10"])
    axes.minorticks_off()
    axes.set_xlabel("effect; its predicted region ends at ±1")
    name_lines(axes, lines)
    right = axes.secondary_yaxis("right")
    right.set_yticks([lines.places[row["name"]] for row in rows], [_numbers(row) for row in rows], fontsize=6.3)
    right.tick_params(axis="y", length=0)
    right.spines["right"].set_visible(False)
    axes.spines["left"].set_visible(False)
    handles: list[Any] = verdict_handles({row["verdict"]: row["verdict"] for row in rows})
    made.legend(handles=[*handles, Patch(color="0.9", label="predicted")], loc="outside lower center", ncols=5)
    return made


def standardised_region(row: Row) -> tuple[float, float]:
    """Ends of the predicted region on the scale of `standardised`, cut at the ends of the axis."""
    region = region_of(row["predicted"])
    identity = region.low == 0.0 and row["interval"] is not None and row["interval"][0] == row["interval"][1]
    bounded_below = math.isfinite(region.low) and not identity
    return -1.0 if bounded_below else -_END, 1.0 if math.isfinite(region.high) else _END


def _draw_row(axes: Axes, place: float, row: Row) -> None:
    """Interval and marker; an arrow where the effect lies beyond the axis."""
    color, found = VERDICTS[row["verdict"]], standardised(row)
    if found is None:
        word = "not run" if row["verdict"] == "not run" else "not testable"  # any other mark would say: measured as 0
        axes.plot([0.0], [place], marker=VERDICT_MARKERS[word], color=color, ms=4)
        return
    value, low, high = np.clip(found, -0.93 * _END, 0.93 * _END)
    marker = VERDICT_MARKERS[row["verdict"]] if abs(found[0]) < 0.93 * _END else (">" if found[0] > 0 else "<")
    axes.plot([low, high], [place, place], color=color, lw=1.1, solid_capstyle="butt")
    axes.plot([value], [place], marker=marker, color=color, ms=3.6, mew=0.5)


def _numbers(row: Row) -> str:
    return "no number" if row["effect"] is None else f"{number(row['effect'], 3)} {interval(row['interval'], 3)}"


def verdict_table(rows: Sequence[Row]) -> Table:
    """The rows with their verdicts, effects, intervals and regions."""
    heads = ("#", "claim", "verdict", "effect", "interval", "predicted", "control")
    texts = tuple(
        (
            str(row["number"]),
            row["title"],
            verdict_words(row["verdict"], row.get("margin")),
            number(row["effect"], 3),
            interval(row["interval"], 3),
            with_minus(row["predicted"]),
            row["control"]["verdict"],
        )
        for row in rows
    )
    return Table(heads=heads, rows=texts, numeric=(0, 3), widths=(0.0, 0.25, 0.11, 0.0, 0.18, 0.17, 0.0))
