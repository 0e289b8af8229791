"""What unlearning costs: seconds of training against ToW."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from deepnet.report.figures.drawing import Drawing, Skipped, Sources
from deepnet.report.figures.style import color_of, legend_below, light_grid, new_figure
from deepnet.report.naming import optimizer_order, optimizer_words
from deepnet.report.summary import Block, Summary

__all__ = ["draw_cost"]

_CAPTION = (
    "Cost against success: seconds of training, on a logarithmic axis, and ToW, means over seeds with the 95 % "
    "t-interval of ToW. One panel an optimizer; numbers name the methods. The star is the retrained model, its ToW "
    "that against the retrained models of the other seeds. Methods with diverged runs are left out."
)


def draw_cost(sources: Sources) -> Iterator[Drawing | Skipped]:
    """One panel an optimizer, one figure a block."""
    for block in sources.blocks:
        name = f"cost-{block.name}"
        shown = tuple(each for each in block.methods if _has_both(each) and not each.diverged)
        if shown:
            yield _drawn(name, block, shown)
        else:
            yield Skipped(name=name, reason="No method has both a ToW and seconds above 0.")


def _has_both(summary: Summary) -> bool:
    return summary.means["tow"].value is not None and bool(summary.means["seconds"].value)


def _drawn(name: str, block: Block, shown: Sequence[Summary]) -> Drawing:
    optimizers = sorted({each.group.optimizer for each in shown}, key=optimizer_order)
    titles = list(dict.fromkeys(each.title for each in shown))
    figure = new_figure(2.2 + 0.17 * -(-len(titles) // 3))
    axes = figure.subplots(1, len(optimizers), sharex=True, sharey=True, squeeze=False)[0]
    for axis, optimizer in zip(axes, optimizers, strict=True):
        light_grid(axis, "both")
        _draw_retrained(axis, block.retrained)
        for each in shown:
            if each.group.optimizer == optimizer:
                _draw_point(axis, each, titles.index(each.title) + 1)
        axis.set(xscale="log", title=optimizer_words(optimizer), xlabel="seconds")
        _name_ticks(axis)
        axis.margins(x=0.14)
    axes[0].set_ylabel("ToW")
    _number_points(figure, axes, shown, optimizers, titles)
    handles = [Line2D([], [], ls="none", marker=f"${number}$", ms=4.5 if number < 10 else 7.5, mew=0.3,
                      color=color_of(next(each.group.method for each in shown if each.title == title)), label=title)
               for number, title in enumerate(titles, start=1)]  # fmt: skip
    if block.retrained and _ceiling(block.retrained):
        handles.append(Line2D([], [], ls="none", marker="*", ms=6, color="black", label=block.retrained.title))
    legend_below(figure, handles, 3)
    rows = tuple(row for each in (*shown, *([block.retrained] if block.retrained else [])) for row in each.rows)
    return Drawing(
        name=name, figure=figure, caption=f"{_CAPTION} {block.words[0].upper()}{block.words[1:]}.", rows=rows
    )


def _draw_point(axes: Axes, summary: Summary, number: int) -> None:
    """A disc with the method's number, and the interval of ToW behind it."""
    tow, seconds = summary.means["tow"], summary.means["seconds"]
    color = color_of(summary.group.method)
    if tow.low is not None and tow.high is not None:
        axes.plot([seconds.value] * 2, [max(tow.low, 0.0), tow.high], color=color, lw=0.8, zorder=2)
    axes.plot([seconds.value], [tow.value], "o", color=color, mec="white", ms=8.5, mew=0.6, zorder=3)
    axes.annotate(str(number), (seconds.value, tow.value), ha="center", va="center_baseline", color="white",
                  fontsize=6.0, fontweight="bold", zorder=4)  # fmt: skip


def _ceiling(summary: Summary) -> tuple[float, float] | None:
    seconds, tow = summary.means["seconds"].value, summary.means["tow_other_seeds"].value
    return (seconds, tow) if seconds and tow is not None else None


def _draw_retrained(axes: Axes, summary: Summary | None) -> None:
    point = summary and _ceiling(summary)
    if point:
        axes.plot([point[0]], [point[1]], "*", color="black", ms=7, zorder=3)


def _name_ticks(axes: Axes) -> None:
    """Seconds in full; between powers of ten only where there are hardly any."""
    low, high = axes.get_xlim()
    subs = (1.0, 2.0, 5.0) if high < 30.0 * low else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
