"""A claim's map as matplotlib draws it: verdicts over two choices with their border, and what decides."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from simulate.house.drawing.layout import SteadyLayout
from simulate.house.drawing.palette import VERDICT_INKS, VERDICTS
from simulate.house.verdicts import Verdict
from theory.ledger.atlas.entry import Entry, Tried
from theory.ledger.drawing import figure_svg, house_style
from theory.ledger.wording import number

__all__ = ["borders", "draw_entry", "map_svg"]

_WIDTH, _TILE, _BAR, _WORDS = 4.5, 0.42, 0.27, 1.25  # inches
_MOST_BARS = 7
_NARROW, _WIDE, _ROW = 13, 26, 50  # letters of a line of labels, and of all labels below the tiles together

_BORDER: dict[str, Any] = {"color": "black", "lw": 2.6, "solid_capstyle": "round"}
_Cells = dict[tuple[int, int], Tried]
_Segment = tuple[tuple[float, float], tuple[float, float]]


def draw_entry(entry: Entry) -> Figure:
    """Draw a claim's map: a tile for each combination of the two choices that decide most, all others primary.

    A tile has the colour of its verdict and shows its effect; thick lines part effects that the claim allows from those
    that it does not; hatched tiles deserve no trust; names of primary values are bold. Below are the largest shares of
    the effect's variance, with their intervals.

    Args:
        entry: A claim with protocols that are drawn.

    Returns:
        The figure, 4.5 inches wide.
    """
    bars = sorted(entry.shares, key=lambda share: -share["share"])[:_MOST_BARS]
    rows = len(entry.choices[entry.drawn[1]]["values"]) if len(entry.drawn) > 1 else 1
    heights = [_TILE * rows + _WORDS, _BAR * (len(bars) + 1) + 0.5]
    parts = 2 if bars else 1
    with house_style():
        figure = Figure(figsize=(_WIDTH, sum(heights[:parts])), layout=SteadyLayout(), dpi=150)
        axes = figure.subplots(parts, squeeze=False, height_ratios=heights[:parts])[:, 0]
        _explain(figure, entry.crossed, bordered=_draw_tiles(axes[0], entry))
        if bars:
            _draw_bars(axes[1], entry, bars)
        return figure


def map_svg(entry: Entry) -> str:
    """The map of a claim as SVG text; see `draw_entry`."""
    return figure_svg(draw_entry(entry))


def _draw_tiles(axes: Axes, entry: Entry) -> bool:
    """Draw the tiles; whether there is a border among them."""
    cells, orders = _placed(entry)
    for (x, y), cell in cells.items():
        look: dict[str, Any] = {"facecolor": VERDICTS[cell.verdict], "edgecolor": "white", "lw": 1.0}
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1.0, 1.0, hatch=None if cell.trusted else "///", **look))
        axes.text(x, y, number(cell.effect, 3), ha="center", va="center", color=VERDICT_INKS[cell.verdict])
    lines = borders(entry, cells)
    for (x0, y0), (x1, y1) in lines:
        axes.plot([x0, x1], [y0, y1], **_BORDER)
    axes.set(xlim=(-0.5, len(orders[0]) - 0.5), ylim=(-0.5, len(orders[1]) - 0.5))
    for place, axis in enumerate((axes.xaxis, axes.yaxis)):
        if place >= len(entry.drawn):
            axis.set_visible(False)
            continue
        choice = entry.choices[entry.drawn[place]]
        letters = min(_NARROW, _ROW // len(orders[0])) if place == 0 else _WIDE
        axis.set_ticks(range(len(orders[place])), [textwrap.fill(choice["values"][k], letters) for k in orders[place]])
        axis.set_label_text(textwrap.fill(choice["words"], 60 if place == 0 else _WIDE))
        axis.get_ticklabels()[orders[place].index(0)].set_fontweight("bold")
        axis.set_tick_params(length=0, labelsize=7)
    axes.spines[:].set_visible(False)
    return bool(lines)


def _explain(figure: Figure, cells: Sequence[Tried], *, bordered: bool) -> None:
    """Name colours, hatching and lines, as far as they are there."""
    there = {cell.verdict for cell in cells}
    marks: list[Any] = [Patch(color=VERDICTS[v.value], label=v.value) for v in Verdict if v.value in there]
    if not all(cell.trusted for cell in cells):
        marks.append(Patch(facecolor="white", edgecolor="0.4", hatch="///", label="a control failed"))
    if bordered:
        marks.append(Line2D([], [], label="border of what is predicted", **_BORDER))
    columns = 2 if len(marks) in (2, 4) else 3
    figure.legend(handles=marks, loc="outside upper center", ncols=columns, fontsize=7)


def _placed(entry: Entry) -> tuple[_Cells, list[list[int]]]:
    """Cells by their position, and the values along both axes: numbers ascending, others as the choice lists them."""
    places = [list(entry.choices).index(name) for name in entry.drawn]
    orders = [_ascending(entry.choices[name]["numbers"]) for name in entry.drawn]
    orders += [[0]] * (2 - len(orders))
    cells: _Cells = {}
    for cell in entry.crossed:
        at = [orders[axis].index(cell.levels[place]) for axis, place in enumerate(places)]
        cells[at[0], at[1] if len(at) > 1 else 0] = cell
    return cells, orders


def _ascending(numbers: Sequence[float | None]) -> list[int]:
    known = [value for value in numbers if value is not None]
    if len(known) < len(numbers):
        return list(range(len(numbers)))
    return [int(place) for place in np.argsort(known, kind="stable")]


def borders(entry: Entry, cells: _Cells) -> list[_Segment]:
    """Sides between two cells of which one has an effect that the claim allows, and the other one that it does not.

    Args:
        entry: The claim.
        cells: Cells by their position, (x, y).

    Returns:
        Both ends of each side; a cell reaches half a unit to all sides of its position.
    """
    found = []
    for (x, y), (right, up) in product(cells, ((1, 0), (0, 1))):
        one, other = cells[x, y].effect, cells[x + right, y + up].effect if (x + right, y + up) in cells else None
        if one is not None and other is not None and entry.allows(one) != entry.allows(other):
            corner = (x + 0.5, y + 0.5)
            found.append((corner, (corner[0] - up, corner[1] - right)))
    return found


def _draw_bars(axes: Axes, entry: Entry, bars: Sequence[dict[str, Any]]) -> None:
    """Shares with their intervals, the largest on top; what decides is darker."""
    for place, bar in enumerate(bars):
        color = "0.4" if bar["choices"] == entry.decisive else "0.8"
        low, high = bar["interval"]
        axes.barh(place, bar["share"], height=0.6, color=color)
        axes.plot([low, high], [place, place], color="black", lw=1.0, marker="|", ms=4)
    labels = [" × ".join(entry.choices[name]["words"] for name in bar["choices"]) for bar in bars]
    if entry.noise is not None:
        axes.barh(len(bars), entry.noise, height=0.6, color="white", edgecolor="0.6", hatch="////")
        labels.append("noise, at most")
    axes.set_yticks(range(len(labels)), [textwrap.fill(label, _WIDE + 4) for label in labels], fontsize=7)
    axes.invert_yaxis()
    least = min(0.0, *(bar["interval"][0] for bar in bars))
    axes.set_xlim(max(least, -0.3) - 0.02, 1.0)
    axes.axvline(0.0, color="black", lw=0.7)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("share of the effect's variance")
