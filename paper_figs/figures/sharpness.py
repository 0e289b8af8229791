"""Sharpness of the loss before and after unlearning.

Runs are those of the claims `sgd-flattens-…`.
"""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.workshop.caption import Caption, by_sign
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, MARKERS, label_panels, legend_below, new_figure, plain_logarithm
from theory.experiments.unlearning import STANDARD, alpha_grid, phase_from_end
from theory.statistics import Estimate, from_replicates

__all__ = ["change", "draw", "main"]

_MEASURES = {"hessian_eigenvalue": "largest Hessian eigenvalue", "sharpness": "SAM's sharpness"}
_OPEN = {"retain": False, "forget": True}
"""Whether the markers of a loss are open."""
_PRETRAINING = ("SGD", "SAM")


def draw(results: Results) -> tuple[Figure, Caption]:
    """Two measures of sharpness of two losses, over α: what they are after unlearning with SGD, over before."""
    data = results.experiment(alpha_grid)
    made = new_figure(2.6)
    panels = made.subplots(1, 2, sharey=True)
    for axes, measure in zip(panels, _MEASURES, strict=True):
        for part in _OPEN:
            for name in _PRETRAINING:
                _draw_changes(axes, data, measure, name, part)
        axes.axhline(1.0, color="0.4", lw=0.8, zorder=0)
        axes.set_yscale("log")
        plain_logarithm(axes.yaxis)
        axes.set_xlabel(r"weight of the retain loss $\alpha$")
        axes.set_xticks(data["alpha"].values, [f"{alpha:g}" for alpha in data["alpha"].values])
    panels[0].set_ylabel("after unlearning / before")
    for word, up in (("sharper", 1), ("flatter", -1)):
        panels[0].annotate(
            word, (0.99, 1.0), (0, 2 * up), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="bottom" if up > 0 else "top", fontsize=7.5, color="0.35",
        )  # fmt: skip
    label_panels(panels, list(_MEASURES.values()))
    legend_below(made, _handles(), columns=4)
    return made, _caption(data)


def change(data: xarray.Dataset, measure: str, pretraining: str, part: str, alpha: float) -> Estimate:
    """Mean log(after / before) of a measure of curvature, network by network, as the ledger has it.

    Args:
        data: What `theory.experiments.unlearning.alpha_grid` found.
        measure: "hessian_eigenvalue" or "sharpness".
        pretraining: "SGD" or "SAM"; unlearning is with SGD.
        part: Whose loss, "retain" or "forget".
        alpha: Weight of the retain loss.

    Returns:
        The estimate, over the networks that have some before and after.
    """
    chosen = {"optimizer": "SGD", "pretraining": pretraining, "part": part, "alpha": alpha}
    after, before = (phase_from_end(data, measure, back).sel(chosen).values for back in (1, 2))
    ratio = after / before
    return from_replicates(np.log(ratio[ratio > 0.0]))


def _draw_changes(axes: Axes, data: xarray.Dataset, measure: str, name: str, part: str) -> None:
    """Geometric means over the networks with their intervals; pretraining optimizers side by side."""
    alphas = data["alpha"].values
    found = [change(data, measure, name, part, float(alpha)) for alpha in alphas]
    value = np.exp([each.value for each in found])
    ends = np.exp([each.interval() for each in found]).T
    aside = 0.008 * (2 * _PRETRAINING.index(name) - 1)
    axes.errorbar(
        alphas + aside, value, np.abs(ends - value), color=COLORS[name], marker=MARKERS[name], ls=LINES[name],
        mfc="white" if _OPEN[part] else COLORS[name], lw=1.0, label=f"{name}, {part}",
    )  # fmt: skip


def _handles() -> list[Line2D]:
    made = [
        Line2D([], [], color=COLORS[name], ls=LINES[name], marker=MARKERS[name], label=f"{name}-pretrained")
        for name in _PRETRAINING
    ]
    return made + [
        Line2D([], [], color="0.25", ls="none", marker="o", mfc="white" if is_open else "0.25", label=f"{part} loss")
        for part, is_open in _OPEN.items()
    ]


def _answer(data: xarray.Dataset) -> str:
    """What becomes of both losses after pretraining with SGD, at the smallest and the largest α."""
    words = []
    for part in _OPEN:
        ends = []
        for alpha in (float(data["alpha"].min()), float(data["alpha"].max())):
            found = change(data, "hessian_eigenvalue", "SGD", part, alpha)
            way = by_sign(found, positive="sharper", negative="flatter", neither="undecided")
            ends.append(f"{way} at α = {alpha:g} (×{np.exp(found.value):.2g})")
        words.append(f"the {part} loss is {' and '.join(ends)}")
    told = "; ".join(words)
    return f"By the largest Hessian eigenvalue, of networks pretrained with SGD, at matched forgetting: {told}."


def _caption(data: xarray.Dataset) -> Caption:
    return Caption(
        answers=_answer(data),
        shows=(
            "Largest eigenvalue of the Hessian (a) and SAM's sharpness L(W + ε̂) − L(W) at the theory's radius (b), of "
            "the mean loss over the retain set (filled) and over the forget set (open): after NegGrad with SGD at each "
            "α, when the mean loss on the forget set is that of the network retrained without it, over before, network "
            "by network. Below the line unlearning has flattened the loss. The larger α, the longer unlearning goes on "
            "fitting the retain loss.\n\n"
            f"Geometric means over {data.sizes['seed']} replicates with 95 % intervals. d = {STANDARD.d:,}, "
            f"n = {STANDARD.n}, |F| = {STANDARD.n_forget}, m = {STANDARD.m}, ‖φ‖ = {STANDARD.signal:g}, "
            f"p = {STANDARD.label_flip:g}, each optimizer's own initial weights, pretraining to a loss of 0.05."
        ),
        symbols={"α": "weight of the retain loss in α L(R) − (1 − α) L(F)"},
    )


main = figure(draw, number=8, asks="Does unlearning with SGD flatten the loss?")
