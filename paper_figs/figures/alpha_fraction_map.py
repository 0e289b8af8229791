"""Sharp MinMax over α and the fraction of the network that forgets.

Numbers are those of the claim `alpha-fraction-independent`.
"""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption, by_sign, with_interval
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import label_panels, new_figure
from theory.experiments.choices import STOP
from theory.experiments.forgetting.retrained import interaction
from theory.experiments.protocols import has_forgotten
from theory.experiments.unlearning import STANDARD
from theory.statistics import Estimate, from_replicates

__all__ = ["draw", "gains", "main"]

_ENOUGH = 0.9
"""Fraction of the runs that have to be forgotten; cells with fewer have no colour."""
_ALPHAS = (0.5, 0.9)
"""The smaller and the larger α of the gain, as the claim has them, where they were run."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """Test error over α and the fraction of the forget part, and what a larger α gains at each fraction."""
    data = results.experiment(interaction)
    error = data["test_error"].transpose("alpha", "fraction", "seed")
    forgotten = has_forgotten(data, STOP.primary).mean("seed").transpose("alpha", "fraction")
    made = new_figure(2.7)
    panels = made.subplots(1, 2, width_ratios=(1.7, 1.0))
    _map(made, panels[0], error, forgotten >= _ENOUGH, forgotten)
    found = gains(data)
    _draw_gains(panels[1], found, data)
    label_panels(panels, ["test error", "gain of the larger α"])
    return made, _caption(data, forgotten, found)


def gains(data: xarray.Dataset) -> dict[float, Estimate]:
    """How much lower the test error is at the larger α, replicate by replicate, at each fraction.

    Fractions at which fewer than nine in ten runs are forgotten at either α are left out.
    """
    small, large = _pair(data)
    error = data["test_error"]
    forgotten = has_forgotten(data, STOP.primary).mean("seed")
    return {
        float(fraction): from_replicates(
            (error.sel(fraction=fraction, alpha=small) - error.sel(fraction=fraction, alpha=large)).values
        )
        for fraction in data["fraction"].values
        if bool((forgotten.sel(fraction=fraction, alpha=[small, large]) >= _ENOUGH).all())
    }


def _pair(data: xarray.Dataset) -> tuple[float, float]:
    """The smaller and the larger α of the gain; the ends of the grid if those of the claim were not run."""
    alphas = [float(alpha) for alpha in data["alpha"].values]
    return _ALPHAS if set(_ALPHAS) <= set(alphas) else (min(alphas), max(alphas))


def _map(
    made: Figure, axes: Axes, error: xarray.DataArray, told: xarray.DataArray, forgotten: xarray.DataArray
) -> None:
    """Every cell with its number and its standard error; cells that tell nothing are grey.

    The colours reach from the label noise to guessing: what differs within the noise looks alike.
    """
    axes.set_facecolor("0.92")
    values, deviation = error.mean("seed"), error.std("seed", ddof=1) / np.sqrt(error.sizes["seed"])
    mesh = axes.pcolormesh(values.where(told).values, cmap="cividis_r", vmin=STANDARD.label_flip, vmax=0.5)
    middle = (STANDARD.label_flip + 0.5) / 2
    wide = values.sizes["fraction"] > 4
    for (row, column), value in np.ndenumerate(values.values):
        known = bool(told[row, column])
        color = "0.45" if not known else "white" if value > middle else "black"
        words = f"{value:.2f}\n±{deviation.values[row, column]:.2f}"
        text = words if known else f"{float(forgotten[row, column]):.0%}\nforgot".replace("%", " %")
        axes.text(column + 0.5, row + 0.5, text if wide else text.replace("\n", " "), ha="center", va="center",
                  fontsize=7, color=color, linespacing=0.95)  # fmt: skip
    axes.set_xticks(np.arange(values.sizes["fraction"]) + 0.5, [f"{x:g}" for x in values["fraction"].values])
    axes.set_yticks(np.arange(values.sizes["alpha"]) + 0.5, [f"{x:g}" for x in values["alpha"].values])
    axes.tick_params(length=0)
    axes.set_xlabel("fraction of the filters that forget")
    axes.set_ylabel(r"weight of the retain loss $\alpha$")
    made.colorbar(mesh, ax=axes, aspect=25, pad=0.02)


def _draw_gains(axes: Axes, found: dict[float, Estimate], data: xarray.Dataset) -> None:
    """Gains with their intervals over the fraction."""
    if found:
        value = np.array([each.value for each in found.values()])
        ends = np.array([each.interval() for each in found.values()]).T
        axes.errorbar(list(found), value, np.abs(ends - value), color="0.15", marker="o", ls="none")
    axes.axhline(0.0, color="0.5", lw=0.7, zorder=0)
    fractions = data["fraction"].values
    axes.set_xticks(fractions, [f"{x:g}" for x in fractions])
    axes.set_xlim(fractions.min() - 0.1, fractions.max() + 0.1)
    small, large = _pair(data)
    axes.set(xlabel="fraction that forgets", ylabel=f"error at {small:g} less error at {large:g}")


def _caption(data: xarray.Dataset, forgotten: xarray.DataArray, found: dict[float, Estimate]) -> Caption:
    error = data["test_error"].std("seed", ddof=1) / np.sqrt(data.sizes["seed"])
    few = int((forgotten < _ENOUGH).sum())
    return Caption(
        answers=_answer(data, found),
        shows=(
            "Sharp MinMax after SGD pretraining, over the weight α of the retain loss and the fraction of the filters "
            "that forget. (a) Mean test error with its standard error, label flips "
            f"(p = {STANDARD.label_flip:g}) included, when the mean loss on the forget set is that of the network "
            "retrained without it; colours reach from the label noise to guessing. Grey: "
            f"the {few} of {forgotten.size} cells in which fewer than {_ENOUGH:.0%} of the runs got there within their "
            "steps, so that their test error is not one at matched forgetting; they have the share that did. "
            "(b) What the larger α gains in test error, replicate by replicate, with 95 % intervals, at the fractions "
            "at which enough runs were forgotten at both.\n\n"
            f"{data.sizes['seed']} replicates a cell; the standard error of the mean is at most "
            f"{float(error.max()):.3f}."
        ),
        symbols={"α": "weight of the retain loss in α L(R) − (1 − α) L(F)"},
    )


def _answer(data: xarray.Dataset, found: dict[float, Estimate]) -> str:
    """Whether the gain at the smallest fraction differs from that at the largest."""
    small, large = _pair(data)
    if len(found) < 2:
        return (
            f"That cannot be said: at fewer than two fractions nine in ten runs are forgotten at α = {small:g} and at "
            f"{large:g}."
        )
    few, many = min(found), max(found)
    error = data["test_error"].sel(alpha=small) - data["test_error"].sel(alpha=large)
    less = from_replicates((error.sel(fraction=few) - error.sel(fraction=many)).values)
    seen = by_sign(less, positive="It does", negative="It does", neither="Not as far as is seen")
    return (
        f"{seen}, at matched forgetting after pretraining with SGD: the test error at α = {small:g} less that at "
        f"{large:g} is {with_interval(found[few])} where {few:g} of the filters forget and "
        f"{with_interval(found[many])} where "
        f"{many:g} do; the two differ by {with_interval(less)}, over {data.sizes['seed']} replicates."
    )


main = figure(
    draw, number=7, asks="Sharp MinMax: does the gain of a larger α depend on the share of filters that forget?"
)
