"""Dots with intervals: methods down the page, one panel a metric, all runs of single seeds beside their mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from deepnet.report.figures.style import (
    FULL,
    GREY,
    color_of,
    legend_below,
    light_grid,
    marker_of,
    new_figure,
    optimizer_handles,
)
from deepnet.report.naming import optimizer_order
from deepnet.report.summary import Block, Mean, Summary

__all__ = ["Panel", "draw_dots", "has_numbers"]

_SLOT = 0.135  # inches a dot
_GAP = 0.08  # inches between methods


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel."""

    column: str
    """The result column it shows."""
    label: str
    """Label of its axis."""
    scale: float = 1.0
    """What numbers are multiplied by."""
    possible: tuple[float, float] = (-math.inf, math.inf)
    """Values that can be, after scaling; intervals are cut off there."""
    reference: Callable[[Block], float | None] = lambda block: None
    """Where the line of what is to be reached stands, before scaling."""
    before: bool = True
    """Whether the model before unlearning gets a line."""


def has_numbers(block: Block, column: str) -> bool:
    """Whether any method has a number in a column."""
    return any(each.means[column].value is not None for each in block.methods)


def draw_dots(block: Block, panels: Sequence[Panel], goal: str) -> Figure:
    """Draw the methods of a block.

    Args:
        block: What to draw.
        panels: The panels, from left to right.
        goal: What the dashed line stands for, in the legend.

    Returns:
        The figure.
    """
    positions, middles, height = _positions(block.methods)
    figure = new_figure(height + 0.95, FULL)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    optimizers = sorted({each.group.optimizer for each in block.methods}, key=optimizer_order)
    for axis, panel in zip(axes, panels, strict=True):
        _draw_panel(axis, panel, block, positions, optimizers)
        axis.set_ylim(height, 0.0)
    axes[0].set_yticks(list(middles.values()), list(middles))
    axes[0].tick_params(axis="y", length=0)
    _tell_diverged(axes[-1], positions)
    legend_below(figure, [*optimizer_handles(optimizers), *_handles(block, panels, goal)], 3)
    return figure


def _positions(summaries: Sequence[Summary]) -> tuple[list[tuple[Summary, float]], dict[str, float], float]:
    """Where each summary stands, in inches from the top; the middle of each method; the height of all."""
    positions, places, top = [], {}, _GAP / 2
    for title in dict.fromkeys(each.title for each in summaries):
        members = [each for each in summaries if each.title == title]
        room = max(_SLOT * len(members), 0.15)
        step = room / len(members)
        positions += [(each, top + step * (number + 0.5)) for number, each in enumerate(members)]
        places[title] = top + room / 2
        top += room + _GAP
    return positions, places, top - _GAP / 2


def _draw_panel(
    axes: Axes, panel: Panel, block: Block, positions: Sequence[tuple[Summary, float]], optimizers: Sequence[str]
) -> None:
    light_grid(axes)
    for edge in _edges(positions):
        axes.axhline(edge, color="0.9", lw=0.5, zorder=0)
    if (goal := panel.reference(block)) is not None:
        axes.axvline(goal * panel.scale, color="black", lw=0.9, ls=(0, (4, 2)), zorder=1)
    before = block.pretrained.means[panel.column].value if block.pretrained and panel.before else None
    if before is not None:
        axes.axvline(before * panel.scale, color=GREY, lw=0.9, ls=":", zorder=1)
    for summary, y in positions:
        _draw_mean(axes, panel, summary, y, marker_of(summary.group.optimizer, optimizers))
    axes.set_xlabel(panel.label)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.06)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    _keep_possible(axes, panel)


def _edges(positions: Sequence[tuple[Summary, float]]) -> list[float]:
    """Lines between methods."""
    pairs = pairwise(positions)
    return [(y + below) / 2 for (one, y), (other, below) in pairs if one.title != other.title]


def _draw_mean(axes: Axes, panel: Panel, summary: Summary, y: float, marker: str) -> None:
    mean, color = summary.means[panel.column], color_of(summary.group.method)
    if mean.value is None:
        return
    ends = _interval(mean, panel)
    if ends is not None and not summary.diverged:
        axes.plot(ends, (y, y), color=color, lw=1.0, solid_capstyle="butt", zorder=2)
    values = np.array(list(summary.values(panel.column).values())) * panel.scale
    if mean.low is not None:  # seeds that share a number, or a single one, have no dots of their own
        axes.plot(values, np.full(len(values), y + 0.048), "o", color=color, ms=1.5, mew=0, zorder=3)
    face = "white" if summary.diverged else color
    axes.plot(mean.value * panel.scale, y, marker, color=color, mfc=face, ms=3.8, mew=0.7, zorder=4)


def _interval(mean: Mean, panel: Panel) -> tuple[float, float] | None:
    if mean.low is None or mean.high is None:
        return None
    low, high = panel.possible
    return max(mean.low * panel.scale, low), min(mean.high * panel.scale, high)


def _keep_possible(axes: Axes, panel: Panel) -> None:
    """No room for values that cannot be, but enough for a marker at the end."""
    low, high = axes.get_xlim()
    pad = 0.04 * (high - low)
    axes.set_xlim(max(low, panel.possible[0] - pad), min(high, panel.possible[1] + pad))


def _tell_diverged(axes: Axes, positions: Sequence[tuple[Summary, float]]) -> None:
    """How many runs diverged, in the margin, where no data are."""
    for summary, y in positions:
        if summary.diverged:
            text = f"×{len(summary.diverged)}/{len(summary.rows)}"
            axes.annotate(text, (1.0, y), (2, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                          va="center", fontsize=6.5, color="0.2", annotation_clip=False)  # fmt: skip


def _handles(block: Block, panels: Sequence[Panel], goal: str) -> list[Line2D]:
    made = [Line2D([], [], color="0.25", lw=1.0, label="95 % t-interval"),
            Line2D([], [], ls="none", marker="o", color="0.25", ms=1.6, mew=0, label="single seeds")]  # fmt: skip
    if any(panel.reference(block) is not None for panel in panels):
        made.append(Line2D([], [], color="black", lw=0.9, ls=(0, (4, 2)), label=goal))
    if block.pretrained and any(panel.before for panel in panels):
        made.append(Line2D([], [], color=GREY, lw=0.9, ls=":", label="before unlearning"))
    if any(each.diverged for each in block.methods):
        made.append(Line2D([], [], ls="none", marker="$×$", color="0.2", ms=4, label="k/n: k of n diverged"))
    return made
