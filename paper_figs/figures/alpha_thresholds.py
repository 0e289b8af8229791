"""How small α may be: the share of networks that forget and stay benign, over α and over √(d/n).

Runs are those of the claims `smaller-alpha-…` and `alpha-gap-sign`.
"""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, MARKERS, label_panels, legend_below, new_figure
from simulate.house import ties
from theory.experiments.choices import STOP
from theory.experiments.forgetting.retrained import interaction
from theory.experiments.protocols import has_forgotten
from theory.experiments.training.signals import alpha_needed
from theory.experiments.unlearning import STANDARD, alpha_grid
from theory.statistics import Estimate, from_fractions

__all__ = ["benign", "draw", "main"]

_LEVEL = STANDARD.label_flip + 0.05
"""Test error up to which a network is benign."""
_FRACTION = 0.6
"""Fraction of the filters in the forget part of Sharp MinMax: where most of its runs are forgotten."""
_PAIRS = (("SGD", "SGD"), ("SAM", "SGD"), ("SGD", "SAM"), ("SAM", "SAM"))
"""Optimizers of pretraining and of unlearning. Colour, marker and line are the latter's; open is after SAM."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """The share of networks that are benign at matched forgetting, over α; and at the smallest α, over √(d/n)."""
    grid, minmax = results.experiment(alpha_grid), results.experiment(interaction).sel(fraction=_FRACTION)
    needed = results.experiment(alpha_needed)
    made = new_figure(2.9)
    left, right = made.subplots(1, 2, width_ratios=(1.2, 1.0), sharey=True)
    for place, (pretraining, optimizer) in enumerate(_PAIRS):
        chosen = grid.sel(pretraining=pretraining, optimizer=optimizer)
        _shares(left, chosen, optimizer, f"{pretraining}, then {optimizer}", place - 2, is_open=pretraining == "SAM")
    _shares(left, minmax, "SharpMinMax", "SGD, then Sharp MinMax", 2, is_open=False)
    alphas = sorted({*grid["alpha"].values, *minmax["alpha"].values})
    left.set_xticks(alphas, [f"{alpha:g}" for alpha in alphas])
    left.set(xlabel=r"weight of the retain loss $\alpha$", ylabel="share of networks benign", ylim=(-0.06, 1.06))
    _over_dimension(right, needed)
    smallest = float(needed["alpha"].min())
    label_panels((left, right), [r"over $\alpha$", rf"over the dimension, $\alpha={smallest:g}$"])
    legend_below(made, columns=2, panels=[left], side="left")
    legend_below(made, columns=2, panels=[right], side="right")
    return made, _caption(grid, minmax, needed)


def benign(data: xarray.Dataset) -> xarray.DataArray:
    """Whether a network forgot within its steps and its test error is at most p + 0.05, as 0 or 1; (seed, …)."""
    good = ties.at_most(data["test_error"].values, _LEVEL)
    found: xarray.DataArray = has_forgotten(data, STOP.primary) & data["test_error"].copy(data=good)
    return found.astype(float).transpose("seed", ...)


def _shares(axes: Axes, data: xarray.Dataset, name: str, label: str, place: int, *, is_open: bool) -> None:
    """Shares with their intervals over α, series side by side."""
    _bars(axes, data["alpha"].values + 0.008 * place, benign(data).values.T, name, label, is_open=is_open)


def _over_dimension(axes: Axes, data: xarray.Dataset) -> None:
    """Shares at the smallest α, over √(d/n)."""
    found = benign(data.sel(alpha=data["alpha"].min()))
    for aside, name in ((0.975, "SGD"), (1.025, "SAM")):
        for place, n in enumerate(data["n"].values):
            x = aside * np.sqrt(data["d"].values / n)
            values = found.sel(pretraining=name, n=n).transpose("d", "seed").values
            _bars(axes, x, values, name, f"after {name}, $n={n}$", is_open=place > 0)
    axes.set(xscale="log", xlabel=r"$\sqrt{d/n}$")
    reach = np.sqrt(np.outer(data["d"].values, 1.0 / data["n"].values))
    shown = [tick for tick in (5, 7, 10, 14, 20, 28, 40) if reach.min() / 1.2 <= tick <= 1.2 * reach.max()]
    axes.set_xticks(shown, [str(tick) for tick in shown])
    axes.minorticks_off()


def _bars(axes: Axes, x: np.ndarray, values: np.ndarray, name: str, label: str, *, is_open: bool) -> None:
    """Shares of ones, values (X, seed), in the look of an optimizer."""
    found = [_share(row) for row in values]
    share, ends = np.array([each.value for each in found]), np.array([each.interval() for each in found]).T
    axes.errorbar(
        x, share, np.abs(ends - share), color=COLORS[name], marker=MARKERS[name], ls=LINES[name], lw=1.0, label=label,
        mfc="white" if is_open else COLORS[name],
    )  # fmt: skip


def _share(values: np.ndarray) -> Estimate:
    return from_fractions(values, 1)


def _answer(grid: xarray.Dataset, needed: xarray.Dataset) -> str:
    """The share of benign networks at the smallest α, by who unlearns, and after which pretraining over d."""
    smallest = float(grid["alpha"].min())
    shares = {
        pair: float(benign(grid.sel(pretraining=pair[0], optimizer=pair[1], alpha=smallest)).mean()) for pair in _PAIRS
    }
    told = ", ".join(f"{share:.0%} by {after} after {before}" for (before, after), share in shares.items())
    least = float(needed["alpha"].min())
    at_least = benign(needed.sel(alpha=least)).mean("seed")
    over = ", ".join(
        f"{float(at_least.sel(pretraining=name).min()):.0%} to {float(at_least.sel(pretraining=name).max()):.0%} after "
        f"{name}"
        for name in ("SGD", "SAM")
    )
    return (
        f"At matched forgetting, of networks unlearned at α = {smallest:g}, the smallest tried, these forget and keep "
        f"a test error of at most p + 0.05: {told}. By SGD at α = {least:g}, from one d and n to another: {over}."
    ).replace("%", " %")


def _caption(grid: xarray.Dataset, minmax: xarray.Dataset, needed: xarray.Dataset) -> Caption:
    kept = float(has_forgotten(minmax, STOP.primary).mean("seed").min())
    return Caption(
        answers=_answer(grid, needed),
        shows=(
            "Share of the networks that forget within their steps and whose test error is then at most p + 0.05 = "
            f"{_LEVEL:g}: single networks are benign or guess one class, so that a mean error is that of none of them. "
            "Forgetting is matched: a run stops when the mean loss on the forget set is that of the network retrained "
            "without it. (a) Over α, for each pair of pretraining and unlearning optimizer (filled: after SGD, open: "
            f"after SAM) and for Sharp MinMax with {_FRACTION:.0%} of the filters in its forget part, of whose runs at "
            f"least {kept:.0%} at each α get there, all from the same problem (d = {STANDARD.d:,}, n = {STANDARD.n}, "
            f"|F| = {STANDARD.n_forget}, ‖φ‖ = {STANDARD.signal:g}, p = {STANDARD.label_flip:g}).\n\n"
            "(b) At the smallest α that was tried, unlearning with SGD after pretraining with SGD or SAM from the "
            "weights of their own theorems at 2.5 times the predicted boundary, over √(d/n), the order that the theory "
            "gives to the gap between the two: a share that falls with it would say that a larger α is needed "
            "there.\n\n"
            f"(a) {grid.sizes['seed']} replicates ({minmax.sizes['seed']} of Sharp MinMax), (b) "
            f"{needed.sizes['seed']}; bars are 95 % intervals."
        ),
        symbols={"α": "weight of the retain loss in α L(R) − (1 − α) L(F)", "d": "dimension", "n": "training samples"},
    )


main = figure(draw, number=6, asks="How small may α be before unlearning costs test error?")
