"""Deep networks: how small a weight α of the retain set NegGrad bears with each optimizer."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepnet.ledger.findings import PLAIN
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import Scale, means_note, nothing_to_draw, scales, unvaried
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, MARKERS, label_panels, legend_below, new_figure
from theory.statistics import Estimate

__all__ = ["CLOSE", "draw", "main", "over_alpha"]

CLOSE = 0.03
"""How far below the ceiling ToW still counts as close to it, in the ledger's primary protocol."""
_ARM = re.compile(rf"neggrad(?:-alpha-[0-9.]+)?-(sgd|sam|asam)-after-{PLAIN}")
_PANELS = {"tow": ("ToW at the match", 1.0, (0.0, 1.0)), "damage": ("accuracy lost (%)", 100.0, (-100.0, 100.0))}


def draw(results: Results) -> tuple[Figure, Caption]:
    """ToW and the accuracy lost by NegGrad over α, one line an optimizer."""
    found = unvaried(scales(results))
    shown = [scale for scale in found if len(_alphas(scale)) > 1]
    if not shown:
        raise nothing_to_draw("several weights α", found)
    made = new_figure(2.2 * len(shown) + 0.4)
    grid = made.subplots(len(shown), 2, squeeze=False)
    for row, scale in zip(grid, shown, strict=True):
        for axes, column in zip(row, _PANELS, strict=True):
            _draw_panel(axes, scale, column)
    label_panels(grid.ravel(), [scale.name for scale in shown for _ in _PANELS])
    legend_below(made, columns=5)
    return made, Caption(
        shows=(
            "NegGrad over the weight α of the retain set, after pretraining with SGD, at the first step at which the "
            "loss on the forget set is that of the retrained network; each α and optimizer has a learning rate of its "
            "own. To the right the forget set weighs more. Dashed: the ceiling, ToW of retrained networks among each "
            f"other; dotted: {CLOSE:g} below it, what still counts as close. Right: accuracy lost since pretraining, "
            f"mean of retain and test set. {means_note(shown)}"
        ),
        symbols={
            "α": "weight in α L(R) − (1 − α) L(F), the loss of NegGrad on retain set R and forget set F",
            "ToW": "tug of war against all retrained networks, 1 is best",
        },
    )


def over_alpha(scale: Scale, column: str) -> dict[str, dict[float, Estimate]]:
    """A number of NegGrad by optimizer and α, from large to small α."""
    found: dict[str, dict[float, Estimate]] = {}
    for arm in scale.findings.arms:
        named = _ARM.fullmatch(arm)
        known = scale.estimate(arm, column) if named else None
        if named and known:
            found.setdefault(named[1].upper(), {})[_alpha(scale, arm)] = known
    return {how: dict(sorted(values.items(), reverse=True)) for how, values in found.items() if len(values) > 1}


def _alpha(scale: Scale, arm: str) -> float:
    return float(scale.findings.about(arm, "settings")["alpha"])


def _alphas(scale: Scale) -> list[float]:
    return sorted({_alpha(scale, arm) for arm in scale.findings.arms if _ARM.fullmatch(arm)}, reverse=True)


def _draw_panel(axes: Axes, scale: Scale, column: str) -> None:
    words, unit, possible = _PANELS[column]
    for place, (name, values) in enumerate(sorted(over_alpha(scale, column).items(), reverse=True)):
        x = np.array([(1.0 - alpha) / alpha for alpha in values]) * 1.05**place  # intervals do not hide each other
        y = unit * np.array([each.value for each in values.values()])
        ends = unit * np.array([each.interval() for each in values.values()])
        bars = np.abs(np.clip(ends, *possible).T - y)
        axes.errorbar(x, y, bars, color=COLORS[name], marker=MARKERS[name], ls=LINES[name], elinewidth=0.8, label=name)
    ceiling = scale.ceiling(PLAIN) if column == "tow" else None
    if ceiling is not None:
        axes.axhline(ceiling, color="0.35", lw=0.8, ls=(0, (4, 2)), zorder=1, label="ceiling")
        axes.axhline(ceiling - CLOSE, color="0.35", lw=0.8, ls=(0, (1, 1.5)), zorder=1, label="close to it")
    alphas = _alphas(scale)
    axes.set_xscale("log")
    axes.set_xticks([(1.0 - alpha) / alpha for alpha in alphas], [f"{alpha:g}" for alpha in alphas])
    axes.minorticks_off()
    axes.set_xlabel(r"weight $\alpha$ of the retain set")
    axes.set_ylabel(words)


main = figure(draw, number=11)
