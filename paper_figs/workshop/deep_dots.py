"""Dots with intervals: a block a scale, methods down the page, one panel a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, LogLocator, MaxNLocator, NullFormatter

from deepnet.ledger.findings import PLAIN
from deepnet.ledger.naming import arm_words
from paper_figs.workshop.deep_data import Scale, family
from paper_figs.workshop.style import COLORS, LINES, MARKERS, legend_below, new_figure
from theory.statistics import Estimate

__all__ = ["Levels", "Panel", "arm_handles", "dots_figure", "mark_lost", "method_words"]

_LINE, _BLOCK, _AROUND = 0.1, 0.5, 0.45  # inches: an arm, around a block, around all
_LONG = 300.0
"""How many times its smallest value the largest one of a long logarithmic axis is."""
Levels = Callable[[Scale], Mapping[str, float]]
"""Lines of what is to be reached, by the optimizer of pretraining that they are of."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of each block."""

    label: str
    """Label of its axis."""
    measure: Callable[[Scale, str], Estimate | None]
    """What it shows of an arm; where the axis is logarithmic, the natural logarithm of it."""
    scale: float = 1.0
    """What numbers are multiplied by: 100 for percent."""
    possible: tuple[float, float] = (-np.inf, np.inf)
    """Values that can be, after scaling; intervals are cut off there."""
    log: bool = False
    """Whether the axis is logarithmic."""
    levels: Levels = field(default=lambda scale: {})
    """Lines of what is to be reached, before scaling."""

    def shown(self, values: Sequence[float]) -> np.ndarray:
        """Values as they are drawn."""
        made = np.exp(values) if self.log else np.array(values)
        return np.clip(made * self.scale, *self.possible)


def method_words(arm: str) -> str:
    """What an arm's method is called, without its optimizers.

    Example:
        >>> method_words("neggrad-asam-after-sgd")
        'NegGrad'
    """
    return re.sub(r" with \w+ after \w+$", "", arm_words(arm))


def dots_figure(shown: Sequence[tuple[Scale, Sequence[str]]], panels: Sequence[Panel], goal: str = "") -> Figure:
    """A figure of dots with its legend.

    Args:
        shown: Scales with their arms; those of one method share a label. A scale that comes again has its variants.
        panels: The panels, from left to right.
        goal: What the lines of what is to be reached stand for.
    """
    blocks = [(scale, _by_method(arms)) for scale, arms in shown]
    heights = [_LINE * len(arms) + _BLOCK for _, arms in blocks]
    made = new_figure(sum(heights) + _AROUND)
    grid = made.subplots(len(blocks), len(panels), squeeze=False, sharey="row", height_ratios=heights)
    for place, (row, (scale, arms)) in enumerate(zip(grid, blocks, strict=True)):
        for axes, panel in zip(row, panels, strict=True):
            _draw(axes, scale, arms, panel)
        _name_methods(row[0], arms)
        again = any(other.name == scale.name for other, _ in blocks[:place])
        words = f"{scale.name}, variants" if again else scale.name
        row[0].text(-0.04, 1.03, words, transform=row[0].transAxes, ha="right", va="bottom", fontsize=7.5)
    legend_below(made, _handles(blocks, panels, goal), columns=4)
    return made


def _by_method(arms: Sequence[str]) -> list[str]:
    """Arms with those of one method beside each other, methods in the order in which they come first."""
    methods = list(dict.fromkeys(map(method_words, arms)))
    return sorted(arms, key=lambda arm: methods.index(method_words(arm)))


def _name_methods(axes: Axes, arms: Sequence[str]) -> None:
    places: dict[str, list[int]] = {}
    for place, arm in enumerate(arms):
        places.setdefault(method_words(arm), []).append(place)
    axes.set_yticks([(found[0] + found[-1]) / 2 for found in places.values()], list(places), fontsize=6.6)


def _draw(axes: Axes, scale: Scale, arms: Sequence[str], panel: Panel) -> None:
    axes.set_xscale("log" if panel.log else "linear")
    axes.grid(axis="x", color="0.9", lw=0.5)
    axes.set_axisbelow(True)
    for place, (above, below) in enumerate(pairwise(arms)):
        if method_words(above) != method_words(below):
            axes.axhline(place + 0.5, color="0.88", lw=0.5, zorder=0)
    for pretraining, level in panel.levels(scale).items():
        axes.axvline(level * panel.scale, color="0.35", lw=0.8, ls=_dashes(pretraining), zorder=1)
    for place, arm in enumerate(arms):
        found = panel.measure(scale, arm)
        if found is not None:
            _dot(axes, place, scale, arm, found, panel)
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(panel.label)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.06)
    if panel.log:
        _mark_powers(axes)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))


def _mark_powers(axes: Axes) -> None:
    """Marks at powers of ten and three times them; on a long axis at powers alone, which are written as such."""
    low, high = axes.get_xlim()
    if high < _LONG * low:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=9))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_major_formatter(LogFormatterMathtext())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _dot(axes: Axes, place: int, scale: Scale, arm: str, found: Estimate, panel: Panel) -> None:
    name = family(scale.findings.about(arm, "optimizer"))
    plain = scale.findings.about(arm, "pretraining") == PLAIN
    (value,) = panel.shown([found.value])
    if np.isfinite(found.standard_error):
        axes.plot(panel.shown(found.interval()), (place, place), color=COLORS[name], lw=0.8, solid_capstyle="butt",
                  zorder=2)  # fmt: skip
    axes.plot(value, place, MARKERS[name], color=COLORS[name], ms=3.0, mew=0.7,
              mfc=COLORS[name] if plain else "white", zorder=3)  # fmt: skip
    if scale.lost(arm):
        end = value if not np.isfinite(found.standard_error) else panel.shown(found.interval())[1]
        mark_lost(axes, max(end, value), place)


def mark_lost(axes: Axes, end: float, place: float) -> None:
    """A † behind the end of an interval, white around it where it lies on a line."""
    axes.annotate("†", (end, place), (2.5, 0), textcoords="offset points", va="center", fontsize=6, zorder=4,
                  path_effects=[withStroke(linewidth=1.5, foreground="white")])  # fmt: skip


def _dashes(pretraining: str) -> str:
    return LINES[family(pretraining)]


def _handles(blocks: Sequence[tuple[Scale, Sequence[str]]], panels: Sequence[Panel], goal: str) -> list[Line2D | Patch]:
    levels = {family(label): label for scale, _ in blocks for panel in panels for label in panel.levels(scale)}
    dashes: list[Line2D | Patch] = [
        Line2D([], [], color="0.35", lw=0.8, ls=_dashes(label),
               label=f"{goal}, {name}" if len(levels) > 1 else goal)
        for name, label in sorted(levels.items(), reverse=True)
    ]  # fmt: skip
    return arm_handles([(scale, arm) for scale, arms in blocks for arm in arms], dashes)


def arm_handles(arms: Sequence[tuple[Scale, str]], others: Sequence[Line2D | Patch]) -> list[Line2D | Patch]:
    """Entries of a legend: the optimizers of some arms and what came before them, other entries, and lost runs."""
    optimizers = {family(scale.findings.about(arm, "optimizer")) for scale, arm in arms}
    before = {family(scale.findings.about(arm, "pretraining")) for scale, arm in arms}
    made: list[Line2D | Patch] = [
        Line2D([], [], ls="none", marker=MARKERS[name], color=COLORS[name], ms=3.6, label=name)
        for name in ("SGD", "SAM", "ASAM") if name in optimizers
    ]  # fmt: skip
    made += [
        Line2D([], [], ls="none", marker="o", color="0.3", mfc="0.3" if name == family(PLAIN) else "white", ms=3.6,
               label=f"after {name}")
        for name in sorted(before, reverse=True)
    ]  # fmt: skip
    made += others
    if any(scale.lost(arm) for scale, arm in arms):
        made.append(
            Line2D([], [], ls="none", marker="$†$", color="0.2", ms=4, label="some runs did not reach the match")
        )
    return made
