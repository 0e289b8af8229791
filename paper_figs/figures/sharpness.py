"""Sharpness of the loss before and after unlearning.

Runs are those of the claims `sgd-flattens-…`.
"""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, MARKERS, label_panels, legend_below, new_figure, plain_logarithm
from theory.experiments.unlearning import STANDARD, alpha_grid, phase_from_end

__all__ = ["draw", "main"]

_MEASURES = {"hessian_eigenvalue": "largest Hessian\neigenvalue", "sharpness": "SAM's sharpness"}
_PARTS = {"retain": "retain loss", "forget": "forget loss"}
_RESAMPLES = 400


def draw(results: Results) -> tuple[Figure, Caption]:
    """Two measures of sharpness of two losses, over α, before and after unlearning with SGD."""
    data = results.experiment(alpha_grid)
    made = new_figure(3.7)
    panels = made.subplots(2, 2, sharex=True)
    for row, (measure, words) in enumerate(_MEASURES.items()):
        after, before = (phase_from_end(data, measure, back).sel(optimizer="SGD") for back in (1, 2))
        for axes, part in zip(panels[row], _PARTS, strict=True):
            for name in ("SGD", "SAM"):
                chosen = {"pretraining": name, "part": part}
                _draw_pair(axes, before.sel(chosen), after.sel(chosen), name, results.lab.rng("sharpness", name))
            axes.set_yscale("log")
            plain_logarithm(axes.yaxis)
        panels[row, 0].set_ylabel(words)
    for axes in panels[1]:
        axes.set_xlabel(r"weight of the retain loss $\alpha$")
        axes.set_xticks([0.5, 0.7, 0.9])
    label_panels(panels.ravel(), [*_PARTS.values()] * 2)
    made.align_ylabels()
    legend_below(made, columns=2)
    return made, _caption(data)


def _draw_pair(
    axes: Axes, before: xarray.DataArray, after: xarray.DataArray, name: str, rng: np.random.Generator
) -> None:
    """Medians: after unlearning with their intervals, before it as a line (the same at every α)."""
    values = after.transpose("seed", "alpha").values
    rows = rng.integers(len(values), size=(_RESAMPLES, len(values)))
    ends = np.quantile(np.median(values[rows], axis=1), (0.025, 0.975), axis=0)
    middle = np.median(values, axis=0)
    x = after["alpha"].values
    axes.errorbar(
        x, middle, np.abs(ends - middle), color=COLORS[name], marker=MARKERS[name], label=f"{name}-pretrained, after"
    )
    level = float(before.isel(alpha=0).median("seed"))
    axes.axhline(level, color=COLORS[name], ls=(0, (4, 2)), lw=0.9, zorder=0, label=f"{name}-pretrained, before")


def _caption(data: xarray.Dataset) -> Caption:
    return Caption(
        shows=(
            "Largest eigenvalue of the Hessian (a, b) and SAM's sharpness L(W + ε̂) − L(W) at the theory's "
            "radius (c, d), of the mean loss over the retain set (left) and over the forget set (right): before "
            "unlearning (dashed lines) and after NegGrad with SGD at each α, when the mean loss on the forget set is "
            "that of the network retrained without it. Whether unlearning flattens the retain loss depends on α: at a "
            "small one it is "
            "sharper afterwards, at a large one, where the retain loss is fitted on meanwhile, flatter.\n\n"
            f"Medians over {data.sizes['seed']} replicates; bars are 95 % bootstrap intervals. d = {STANDARD.d:,}, "
            f"n = {STANDARD.n}, |F| = {STANDARD.n_forget}, m = {STANDARD.m}, ‖φ‖ = {STANDARD.signal:g}, "
            f"p = {STANDARD.label_flip:g}, each optimizer's own initial weights, pretraining to a loss of 0.05."
        ),
        symbols={"α": "weight of the retain loss in α L(R) − (1 − α) L(F)"},
    )


main = figure(draw, number=8)
