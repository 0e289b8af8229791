"""Dots with intervals: methods and optimizers down the page, one panel a metric, forget sets told by their fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from deepnet.publishing import GroupRecord
from deepnet.report.naming import PRETRAINED, RETRAINED
from paper_figs.workshop.deep_data import family, forget_sets, forget_words, optimizer_legend
from paper_figs.workshop.style import COLORS, MARKERS, legend_below, new_figure

__all__ = ["Panel", "dots_axes", "dots_figure", "draw_dots"]

_SLOT, _GAP, _AROUND = 0.088, 0.05, 0.9  # inches: one dot, between methods, axis labels and legend
_DASHES = ((0, (4, 2)), (0, (1, 1.5)), (0, (4, 1.5, 1, 1.5)))
_FILLS: tuple[Literal["full", "none", "left", "right"], ...] = ("full", "none", "left", "right")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel."""

    metric: str
    """What it shows, one of `deepnet.publishing.records.METRICS`."""
    label: str
    """Label of its axis."""
    scale: float = 1.0
    """What numbers are multiplied by: 100 for percent."""
    possible: tuple[float, float] = (-np.inf, np.inf)
    """Values that can be, after scaling; intervals are cut off there."""
    log: bool = False
    """Whether the axis is logarithmic."""
    goal: Callable[[Sequence[GroupRecord]], float | None] = lambda groups: None
    """Of the groups of one forget set, where the line of what is to be reached stands, before scaling."""


def dots_figure(groups: Sequence[GroupRecord], panels: Sequence[Panel], goal: str) -> Figure:
    """A figure of dots with its legend.

    Args:
        groups: The groups; those of one method and optimizer share a line.
        panels: The panels, from left to right.
        goal: What the lines of what is to be reached stand for.
    """
    places, height = _places(groups)
    made = new_figure(height + _AROUND)
    axes = made.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for one, panel in zip(axes, panels, strict=True):
        draw_dots(one, groups, panel)
    _name_methods(axes[0], groups, places)
    legend_below(made, _handles(groups, panels, goal), columns=4)
    return made


def dots_axes(axes: Axes, groups: Sequence[GroupRecord], panel: Panel, goal: str) -> list[Line2D]:
    """One panel with the names of the methods, in axes of any height; returns the entries of its legend."""
    places, _ = _places(groups)
    draw_dots(axes, groups, panel)
    _name_methods(axes, groups, places)
    return _handles(groups, [panel], goal)


def draw_dots(axes: Axes, groups: Sequence[GroupRecord], panel: Panel) -> None:
    """Draw one panel; its y-axis is in inches from the top."""
    places, height = _places(groups)
    sets = forget_sets(groups)
    axes.set_xscale("log" if panel.log else "linear")
    axes.grid(axis="x", color="0.9", lw=0.5)
    axes.set_axisbelow(True)
    for edge in _edges(groups, places):
        axes.axhline(edge, color="0.88", lw=0.5, zorder=0)
    for number, name in enumerate(sets):
        goal = panel.goal([group for group in groups if group.forget_set == name])
        if goal is not None:
            axes.axvline(goal * panel.scale, color="0.35", lw=0.8, ls=_DASHES[number % len(_DASHES)], zorder=1)
    for group, y in zip(groups, places, strict=True):
        _draw_dot(axes, group, y, panel, _FILLS[sets.index(group.forget_set) % len(_FILLS)])
    axes.set_ylim(height, 0.0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(panel.label)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.06)
    if panel.log:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))


def _draw_dot(axes: Axes, group: GroupRecord, y: float, panel: Panel, fill: Any) -> None:
    mean = group.means[panel.metric]
    if mean.value is None:
        return
    color, marker = _look(group)
    if mean.low is not None and mean.high is not None:
        ends = np.clip(np.array([mean.low, mean.high]) * panel.scale, *panel.possible)
        axes.plot(ends, (y, y), color=color, lw=0.8, solid_capstyle="butt", zorder=2)
    axes.plot(mean.value * panel.scale, y, marker, color=color, ms=3.2, mew=0.7, fillstyle=fill,
              markerfacecoloralt="white", mfc=color if fill != "none" else "white", zorder=3)  # fmt: skip
    if group.diverged:
        axes.annotate("†", (mean.value * panel.scale, y), (4, 0), textcoords="offset points", va="center", fontsize=7)


def _look(group: GroupRecord) -> tuple[str, str]:
    """Colour and marker: of the optimizer, or of what is only there for comparison."""
    if group.method in (PRETRAINED, RETRAINED):
        return COLORS[group.method], {"retrain": "*", "pretrained": "x"}[group.method]
    return COLORS[family(group.optimizer)], MARKERS[family(group.optimizer)]


def _places(groups: Sequence[GroupRecord]) -> tuple[list[float], float]:
    """Where each group stands, in inches from the top, and the height of all."""
    lines = _lines(groups)
    sets = forget_sets(groups)
    tops: dict[tuple[str, str], float] = {}
    top = _GAP
    for before, line in pairwise([("", ""), *lines]):
        top += _GAP if before[0] and before[0] != line[0] else 0.0
        tops[line] = top
        top += _SLOT * max(len(sets), 1.3)
    step = _SLOT * max(len(sets), 1.3) / len(sets)
    places = [tops[_line(group)] + step * (sets.index(group.forget_set) + 0.5) for group in groups]
    return places, top + _GAP


def _lines(groups: Iterable[GroupRecord]) -> list[tuple[str, str]]:
    """Method and optimizer of each line, in the order in which methods and optimizers are listed."""
    found = {_line(group): None for group in groups}
    titles = list(dict.fromkeys(title for title, _ in found))
    return sorted(found, key=lambda line: titles.index(line[0]))


def _line(group: GroupRecord) -> tuple[str, str]:
    title = f"{group.title} ({group.variant})" if group.variant else group.title
    return title, group.optimizer


def _edges(groups: Sequence[GroupRecord], places: Sequence[float]) -> list[float]:
    """Where lines between methods stand."""
    found = sorted((y, _line(group)[0]) for group, y in zip(groups, places, strict=True))
    return [(y + below) / 2 for (y, one), (below, other) in pairwise(found) if one != other]


def _name_methods(axes: Axes, groups: Sequence[GroupRecord], places: Sequence[float]) -> None:
    middles: dict[str, list[float]] = {}
    for group, y in zip(groups, places, strict=True):
        middles.setdefault(_line(group)[0], []).append(y)
    axes.set_yticks([(min(ys) + max(ys)) / 2 for ys in middles.values()], list(middles))


def _handles(groups: Sequence[GroupRecord], panels: Sequence[Panel], goal: str) -> list[Line2D]:
    sets = forget_sets(groups)
    made = [
        Line2D([], [], ls="none", marker=MARKERS[name], color=COLORS[name], ms=3.6, label=words)
        for name, words in optimizer_legend(groups).items()
    ]
    made += [
        Line2D([], [], ls="none", marker="o", color="0.3", ms=3.6, fillstyle=_FILLS[number % len(_FILLS)],
               markerfacecoloralt="white", label=forget_words(name))
        for number, name in enumerate(sets if len(sets) > 1 else [])
    ]  # fmt: skip
    for number, name in enumerate(sets):
        members = [group for group in groups if group.forget_set == name]
        if any(panel.goal(members) is not None for panel in panels):
            made.append(Line2D([], [], color="0.35", lw=0.8, ls=_DASHES[number % len(_DASHES)],
                               label=f"{goal}, {forget_words(name)}" if len(sets) > 1 else goal))  # fmt: skip
    if any(group.diverged for group in groups):
        made.append(Line2D([], [], ls="none", marker="$†$", color="0.2", ms=4, label="some runs diverged"))
    return made
