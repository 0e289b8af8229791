"""How fast the forget set comes back: relearning curves beside the retrained model's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from deepnet.report.figures.drawing import Drawing, Skipped, Sources
from deepnet.report.figures.style import color_of, legend_below, light_grid, line_of, new_figure
from deepnet.report.naming import optimizer_order, optimizer_words
from deepnet.report.rows import RelearnCurve, Row
from deepnet.report.summary import Block, Summary

__all__ = ["draw_relearning"]

_COLUMNS = 3
_CAPTION = (
    "Relearning: accuracy on the forget set while the model is trained on it again. Thick: means over seeds; thin: "
    "single seeds; black: the retrained model, which learns the set for the first time. A curve above the black one "
    "means that the data were hidden, not forgotten."
)


def draw_relearning(sources: Sources) -> Iterator[Drawing | Skipped]:
    """One panel a method, one line an optimizer, one figure a block."""
    for block in sources.blocks:
        name = f"relearning-{block.name}"
        shown = tuple(each for each in block.methods if _curves(each.rows))
        if shown:
            rows = tuple(row for each in shown for row in each.rows)
            yield _drawn(name, block, shown, rows)
        else:
            yield Skipped(name=name, reason="No run has a relearning curve.")


def _drawn(name: str, block: Block, shown: Sequence[Summary], rows: tuple[Row, ...]) -> Drawing:
    titles = list(dict.fromkeys(each.title for each in shown))
    optimizers = sorted({each.group.optimizer for each in shown}, key=optimizer_order)
    lines = -(-len(titles) // _COLUMNS)
    figure = new_figure(1.15 * lines + 0.8)
    axes = figure.subplots(lines, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axis, title in zip(axes, titles, strict=False):
        members = [each for each in shown if each.title == title]
        _draw_panel(axis, members, optimizers)
        axis.set_title(title)
    for number, axis in enumerate(axes):
        axis.set_visible(number < len(titles))
        lowest = number + _COLUMNS >= len(titles)
        axis.tick_params(labelbottom=lowest)
        axis.set_xlabel("step of the attack" if lowest else "")
    figure.supylabel("forget accuracy (%)", fontsize=8)
    handles = [Line2D([], [], color="black", lw=1.4, label="retrained model")]
    handles += [Line2D([], [], color="0.35", ls=line_of(each, optimizers), lw=1.4, label=optimizer_words(each))
                for each in optimizers]  # fmt: skip
    legend_below(figure, handles, 4)
    return Drawing(
        name=name, figure=figure, caption=f"{_CAPTION} {block.words[0].upper()}{block.words[1:]}.", rows=rows
    )


def _draw_panel(axes: Axes, members: Sequence[Summary], optimizers: Sequence[str]) -> None:
    light_grid(axes, "both")
    controls = {row.seed: row.relearn_curve for each in members for row in each.rows if row.relearn_curve}
    _draw_curves(axes, [(c.steps, c.control) for c in controls.values() if c.control], "black", "-", 1)
    for each in members:
        curves = [(c.steps, c.accuracy) for c in _curves(each.rows)]
        _draw_curves(axes, curves, color_of(each.group.method), line_of(each.group.optimizer, optimizers), 2)
    axes.set_ylim(-3.0, 103.0)
    axes.set_yticks([0, 50, 100])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def _draw_curves(
    axes: Axes, curves: Sequence[tuple[tuple[float, ...], tuple[float, ...]]], color: str, line: object, order: int
) -> None:
    """Single seeds, and their mean where they were measured at the same steps."""
    for steps, accuracy in curves:
        axes.plot(steps, np.multiply(accuracy, 100.0), color=color, lw=0.5, alpha=0.35, zorder=order)
    if curves and len({steps for steps, _ in curves}) == 1:
        mean = 100.0 * np.mean([accuracy for _, accuracy in curves], axis=0)
        axes.plot(curves[0][0], mean, color=color, ls=line, lw=1.4, zorder=order + 2)


def _curves(rows: Sequence[Row]) -> list[RelearnCurve]:
    return [row.relearn_curve for row in rows if row.relearn_curve is not None]
