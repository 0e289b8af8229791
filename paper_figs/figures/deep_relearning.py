"""Deep networks: how fast what was forgotten is learned again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from deepnet.publishing import Curve
from deepnet.report.naming import PRETRAINED, RETRAINED
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import (
    family,
    forget_sets,
    forget_words,
    nothing_to_draw,
    optimizer_legend,
    published,
    scale_words,
)
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, legend_below, new_figure

__all__ = ["draw", "main"]

_COLUMNS = (4, 3)
"""Numbers of panels in a line, of which that with fewer places left empty is taken."""
_REFERENCES = (RETRAINED, PRETRAINED)
_THIN = {RETRAINED: "-", PRETRAINED: (0, (4, 1.5))}


def draw(results: Results) -> tuple[Figure, Caption]:
    """Accuracy on the forget set over the steps of the attack, one panel a method, one line an optimizer."""
    found = published(results, "curves.jsonl", "main")
    plain = found.provenance["optimizers"][0]
    curves = [curve for curve in found.curves if curve.pretrain == plain]
    if not curves:
        raise nothing_to_draw(found, "relearning curves", ["main"])
    hardest = forget_sets(curves)[0]
    curves = [curve for curve in curves if curve.forget_set == hardest]
    methods = list(dict.fromkeys(curve.title for curve in curves if curve.method not in _REFERENCES))
    columns = min(_COLUMNS, key=lambda count: -len(methods) % count)
    lines = -(-len(methods) // columns)
    made = new_figure(1.2 * lines + 0.6)
    panels = list(made.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes, title in zip(panels, methods, strict=False):
        _draw_panel(axes, title, curves)
    _label(made, panels, len(methods), columns)
    legend_below(made, _handles(curves), columns=5)
    seeds = max(curve.runs for curve in curves)
    return made, Caption(
        shows=(
            "Accuracy on the forget set while a model is trained on it again, with SGD, after unlearning of the "
            f"{forget_words(hardest)} samples; pretraining with SGD. Black: the retrained models, which learn these "
            "samples for the first time; grey, dashed: the pretrained models, which never forgot them. A curve above "
            "the black one starts higher or rises faster than that of a model that never saw the samples. Means over "
            f"{seeds} seeds; bands are Student's 95 % intervals at each step for itself.\n\n{scale_words(found)}"
        )
    )


def _draw_panel(axes: Axes, title: str, curves: Sequence[Curve]) -> None:
    for curve in curves:
        ends = np.array([curve.low, curve.high], dtype=float)
        if curve.method in _REFERENCES:
            axes.fill_between(curve.steps, *np.clip(100.0 * ends, 0.0, 100.0), color="0.5", alpha=0.15, lw=0, zorder=0)
            axes.plot(curve.steps, 100.0 * np.array(curve.accuracy), color=COLORS[curve.method], lw=0.9,
                      ls=_THIN[curve.method], zorder=1)  # fmt: skip
        elif curve.title == title:
            color = COLORS[family(curve.optimizer)]
            axes.fill_between(curve.steps, *np.clip(100.0 * ends, 0.0, 100.0), color=color, alpha=0.15, lw=0, zorder=2)
            axes.plot(curve.steps, 100.0 * np.array(curve.accuracy), color=color, ls=LINES[family(curve.optimizer)],
                      lw=1.1, zorder=3)  # fmt: skip
    axes.set_title(title, fontsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))


def _label(made: Figure, panels: Sequence[Axes], shown: int, columns: int) -> None:
    for number, axes in enumerate(panels):
        axes.set_visible(number < shown)
        lowest = number + columns >= shown
        axes.tick_params(labelbottom=lowest)
        axes.set_xlabel("step of the attack" if lowest else "", fontsize=8)
    made.supylabel("accuracy on the forget set (%)", fontsize=8.5)


def _handles(curves: Sequence[Curve]) -> list[Line2D]:
    made = [
        Line2D([], [], color=COLORS[name], ls=LINES[name], label=words)
        for name, words in optimizer_legend(curves).items()
    ]
    told = {curve.method: curve.title for curve in curves if curve.method in _REFERENCES}
    return made + [
        Line2D([], [], color=COLORS[name], lw=0.9, ls=_THIN[name], label=title) for name, title in told.items()
    ]


main = figure(draw, number=15)
