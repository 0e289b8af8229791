"""Deep networks: which optimizer bears a small weight α of the retain set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepnet.publishing import GroupRecord
from deepnet.report.naming import RETRAINED, optimizer_words
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import (
    family,
    forget_words,
    interval_note,
    nothing_to_draw,
    optimizers,
    published,
    scale_words,
)
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, MARKERS, label_panels, legend_below, new_figure

__all__ = ["draw", "main"]

_WORD = "alpha="
_PANELS = {
    "tow": ("ToW", 1.0),
    "retain_accuracy": ("retain accuracy (%)", 100.0),
    "forget_accuracy": ("forget accuracy (%)", 100.0),
    "test_accuracy": ("test accuracy (%)", 100.0),
}


def draw(results: Results) -> tuple[Figure, Caption]:
    """ToW and the three accuracies of NegGrad over α, one line an optimizer."""
    found = published(results, "groups.csv", "alpha")
    groups = found.study("alpha")
    tried = [group for group in groups if group.variant.startswith(_WORD)]
    if not tried:
        raise nothing_to_draw(found, "weights α", ["alpha"])
    alphas = sorted({_alpha(group) for group in tried}, reverse=True)
    made = new_figure(3.6)
    panels = made.subplots(2, 2, sharex=True).ravel()
    for axes, metric in zip(panels, _PANELS, strict=True):
        _draw_panel(axes, metric, groups, tried, alphas)
    for axes in panels[2:]:
        axes.set_xlabel(r"weight $\alpha$ of the retain set")
    label_panels(panels)
    legend_below(made, _handles(tried), columns=4)
    return made, Caption(
        shows=(
            "NegGrad with each optimizer over the weight α of the retain set, after pretraining with SGD; the "
            f"{forget_words(tried[0].forget_set)} samples are forgotten. From left to right the forget set weighs "
            "more. Places are those of the α that were tried, not to scale. Dashed: the retrained models "
            f"(their ToW against those of the other seeds). {interval_note(tried)} Intervals end where "
            f"values cannot be.\n\n{scale_words(found)}"
        ),
        symbols={
            "α": "weight in α L(R) − (1 − α) L(F), the loss of NegGrad on retain set R and forget set F",
            "ToW": "tug of war, 1 is best",
        },
    )


def _alpha(group: GroupRecord) -> float:
    return float(group.variant.removeprefix(_WORD))


def _draw_panel(
    axes: Axes, metric: str, groups: Sequence[GroupRecord], tried: Sequence[GroupRecord], alphas: Sequence[float]
) -> None:
    words, scale = _PANELS[metric]
    names = optimizers(tried)
    for number, name in enumerate(names):
        members = sorted((g for g in tried if g.optimizer == name), key=_alpha, reverse=True)
        beside = 0.07 * (number - (len(names) - 1) / 2)  # so that intervals do not hide each other
        known = [group for group in members if group.means[metric].value is not None]
        x = np.array([alphas.index(_alpha(group)) + beside for group in known])
        means = [group.means[metric] for group in known]
        y = scale * np.array([mean.value for mean in means], dtype=float)
        ends = scale * np.clip(
            np.array([[mean.low, mean.high] for mean in means], dtype=float).reshape(-1, 2), 0.0, 1.0
        )
        bars = np.abs(ends.T - y)  # NaN, and so no bar, where there is no interval
        axes.errorbar(x, y, bars, color=COLORS[family(name)], marker=MARKERS[family(name)], ls=LINES[family(name)],
                      elinewidth=0.8)  # fmt: skip
    column = "tow_other_seeds" if metric == "tow" else metric
    goal = next((group.means[column] for group in groups if group.method == RETRAINED), None)
    if goal is not None and goal.value is not None:
        axes.axhline(scale * goal.value, color="0.35", lw=0.8, ls=(0, (4, 2)), zorder=1)
    axes.set_xticks(range(len(alphas)), [f"{alpha:g}" for alpha in alphas])
    axes.set_ylabel(words)


def _handles(tried: Sequence[GroupRecord]) -> list[Line2D]:
    made = [
        Line2D([], [], color=COLORS[family(name)], marker=MARKERS[family(name)], ls=LINES[family(name)],
               label=optimizer_words(name))
        for name in optimizers(tried)
    ]  # fmt: skip
    return [*made, Line2D([], [], color="0.35", lw=0.8, ls=(0, (4, 2)), label="retrained")]


main = figure(draw, number=11)
