"""Sharp MinMax over α and the fraction of the network that forgets.

Numbers are those of the claim `alpha-fraction-independent`.
"""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import new_figure
from theory.experiments.choices import STOP
from theory.experiments.forgetting.retrained import interaction
from theory.experiments.protocols import has_forgotten
from theory.experiments.unlearning import STANDARD

__all__ = ["draw", "main"]

_ENOUGH = 0.9
"""Fraction of the runs that have to be forgotten; cells with fewer have no colour."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """Test error, and fraction of the runs that were forgotten, over α and the fraction of the forget part."""
    data = results.experiment(interaction)
    error = data["test_error"].mean("seed").transpose("alpha", "fraction")
    forgotten = has_forgotten(data, STOP.primary).mean("seed").transpose("alpha", "fraction")
    made = new_figure(2.5)
    panels = made.subplots(1, 2, sharey=True)
    _map(made, panels[0], error, forgotten >= _ENOUGH, "test error after unlearning", "cividis_r")
    _map(made, panels[1], forgotten, forgotten >= 0.0, "fraction of the runs forgotten", "viridis", 0.0, 1.0)
    panels[0].set_ylabel(r"weight of the retain loss $\alpha$")
    return made, _caption(data, forgotten)


def _map(
    made: Figure, axes: Axes, values: xarray.DataArray, told: xarray.DataArray, words: str, colors: str,
    low: float | None = None, high: float | None = None,
) -> None:  # fmt: skip
    """One map, every cell with its number; cells that tell nothing are grey."""
    axes.set_facecolor("0.92")
    shown = values.where(told)
    mesh = axes.pcolormesh(shown.values, cmap=colors, vmin=low, vmax=high)
    ends = mesh.get_clim()
    middle = (ends[0] + ends[1]) / 2
    for (row, column), value in np.ndenumerate(values.values):
        dark = (value > middle) == colors.endswith("_r")
        color = "0.55" if not bool(told[row, column]) else "white" if dark else "black"
        axes.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(np.arange(values.sizes["fraction"]) + 0.5, [f"{x:g}" for x in values["fraction"].values])
    axes.set_yticks(np.arange(values.sizes["alpha"]) + 0.5, [f"{x:g}" for x in values["alpha"].values])
    axes.tick_params(length=0)
    axes.set_xlabel("fraction of the filters that forget")
    made.colorbar(mesh, ax=axes, label=words, location="top", aspect=30)


def _caption(data: xarray.Dataset, forgotten: xarray.DataArray) -> Caption:
    error = data["test_error"].std("seed", ddof=1) / np.sqrt(data.sizes["seed"])
    few = int((forgotten < _ENOUGH).sum())
    return Caption(
        shows=(
            "Sharp MinMax after SGD pretraining, over the weight α of the retain loss and the fraction of the filters "
            "that forget. Left: mean test error, label flips "
            f"(p = {STANDARD.label_flip:g}) included. Right: fraction of the runs whose mean loss on the forget set "
            "reached that of the network retrained without it; the others took all their steps. Grey on the left: "
            f"the {few} of {forgotten.size} cells in which fewer than {_ENOUGH:.0%} of the runs were forgotten, so "
            "that their test error is not one at matched forgetting.\n\n"
            f"{data.sizes['seed']} replicates a cell; the standard error of the mean is at most "
            f"{float(error.max()):.3f}."
        ),
        symbols={"α": "weight of the retain loss in α L(R) − (1 − α) L(F)"},
    )


main = figure(draw, number=7)
