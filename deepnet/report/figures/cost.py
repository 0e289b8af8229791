"""What unlearning costs: seconds of training against ToW."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
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
    "that against the retrained models of the other seeds. Groups with diverged runs are left out."
)
_REACH = 7.5  # points from a disc to its number
_FAR = np.array([-1e3, -1e3])
_DIRECTIONS = [(_REACH * np.cos(angle), _REACH * np.sin(angle)) for angle in np.linspace(0.0, 2.0 * np.pi, 17)[:-1]]


def draw_cost(sources: Sources) -> Iterator[Drawing | Skipped]:
    """One panel an optimizer, one figure a block."""
    for block in sources.blocks:
        name = f"cost-{block.name}"
        shown = tuple(each for each in block.methods if _point(each, "tow") and not each.diverged)
        if shown:
            yield _drawn(name, block, shown)
        else:
            yield Skipped(name=name, reason="No method has both a ToW and seconds above 0.")


def _point(summary: Summary, column: str) -> tuple[float, float] | None:
    """Seconds and ToW, if there are both."""
    seconds, tow = summary.means["seconds"].value, summary.means[column].value
    return (seconds, tow) if seconds and tow is not None else None


def _drawn(name: str, block: Block, shown: Sequence[Summary]) -> Drawing:
    titles = list(dict.fromkeys(each.title for each in shown))
    retrained = [block.retrained] if block.retrained and _point(block.retrained, "tow_other_seeds") else []
    rows = tuple(row for each in (*shown, *retrained) for row in each.rows)
    caption = f"{_CAPTION} {block.words[0].upper()}{block.words[1:]}."
    return Drawing(name=name, figure=_figure(shown, titles, retrained), caption=caption, rows=rows)


def _figure(shown: Sequence[Summary], titles: Sequence[str], retrained: Sequence[Summary]) -> Figure:
    optimizers = sorted({each.group.optimizer for each in shown}, key=optimizer_order)
    figure = new_figure(2.2 + 0.17 * -(-(len(titles) + 1) // 3))
    axes = figure.subplots(1, len(optimizers), sharex=True, sharey=True, squeeze=False)[0]
    for axis, optimizer in zip(axes, optimizers, strict=True):
        light_grid(axis, "both")
        for each in retrained:
            axis.plot(*np.transpose([_point(each, "tow_other_seeds")]), "*", color="black", ms=7, mew=0, zorder=3)
        for each in shown:
            if each.group.optimizer == optimizer:
                _draw_point(axis, each)
        axis.set(xscale="log", title=optimizer_words(optimizer), xlabel="seconds")
        axis.margins(x=0.12, y=0.1)
    axes[0].set_ylabel("ToW")
    _name_ticks(axes[0])
    legend_below(figure, _handles(shown, titles, retrained), 3)
    figure.draw_without_rendering()  # numbers are placed where the discs will be on paper
    for axis, optimizer in zip(axes, optimizers, strict=True):
        members = [each for each in shown if each.group.optimizer == optimizer]
        _number_points(axis, members, titles, retrained)
    return figure


def _handles(shown: Sequence[Summary], titles: Sequence[str], retrained: Sequence[Summary]) -> list[Line2D]:
    methods = {each.title: each.group.method for each in shown}
    handles = [
        Line2D([], [], ls="none", marker="o", ms=4.5, mew=0, color=color_of(methods[title]), label=f"{number} {title}")
        for number, title in enumerate(titles, start=1)
    ]
    stars = [Line2D([], [], ls="none", marker="*", ms=7, mew=0, color="black", label=e.title) for e in retrained[:1]]
    return handles + stars


def _draw_point(axes: Axes, summary: Summary) -> None:
    """A disc, and the interval of ToW behind it."""
    seconds, tow = _point(summary, "tow") or (np.nan, np.nan)
    mean, color = summary.means["tow"], color_of(summary.group.method)
    if mean.low is not None and mean.high is not None:
        axes.plot([seconds, seconds], [max(mean.low, 0.0), min(mean.high, 1.0)], color=color, lw=0.8, zorder=2)
    axes.plot([seconds], [tow], "o", color=color, ms=4.5, mew=0, zorder=3)


def _number_points(axes: Axes, members: Sequence[Summary], titles: Sequence[str], retrained: Sequence[Summary]) -> None:
    """Each number beside its disc, on the side that is farthest from everything else."""
    to_points = 72.0 / axes.figure.dpi
    discs: list[np.ndarray] = [_on_paper(axes, _point(each, "tow"), to_points) for each in members]
    taken = [*discs, *(_on_paper(axes, _point(each, "tow_other_seeds"), to_points) for each in retrained)]
    frame = axes.get_window_extent()
    low, high = np.array([frame.x0, frame.y0]) * to_points, np.array([frame.x1, frame.y1]) * to_points
    for each, disc in zip(members, discs, strict=True):
        others = np.array([_FAR, *(point for point in taken if point is not disc)])

        def room(way: tuple[float, float], disc: np.ndarray = disc, others: np.ndarray = others) -> float:
            place = disc + way
            inside = min(float((place - low).min()), float((high - place).min()))
            on_bar = 4.0 if abs(way[0]) < 3.0 else 0.0  # its own interval runs up and down
            return min(float(np.hypot(*(others - place).T).min()), inside + 4.0, 20.0) - on_bar

        way = max(_DIRECTIONS, key=room)
        taken.append(disc + way)
        axes.annotate(str(titles.index(each.title) + 1), _point(each, "tow") or (np.nan, np.nan), way,
                      textcoords="offset points", ha="center", va="center", fontsize=6.5,
                      color=color_of(each.group.method), zorder=4)  # fmt: skip


def _on_paper(axes: Axes, point: tuple[float, float] | None, to_points: float) -> np.ndarray:
    return np.asarray(axes.transData.transform(point or (np.nan, np.nan))) * to_points


def _name_ticks(axes: Axes) -> None:
    """Seconds in full; between powers of ten only where there are hardly any."""
    low, high = axes.get_xlim()
    subs = (1.0, 2.0, 5.0) if high < 30.0 * low else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
