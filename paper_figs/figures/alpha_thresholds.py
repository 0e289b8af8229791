"""How large α has to be: SGD, SAM and Sharp MinMax, and its growth with √(d/n).

Numbers are those of the claims `smaller-alpha-…` and `alpha-gap-sign`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, label_panels, legend_below, new_figure
from simulate.house import ties
from simulate.house.drawing.palette import SERIES
from theory.experiments.choices import STOP
from theory.experiments.forgetting.retrained import interaction
from theory.experiments.forgetting.thresholds import LEAST_FORGOTTEN, critical_alpha
from theory.experiments.protocols import has_forgotten
from theory.experiments.training.signals import alpha_needed
from theory.experiments.unlearning import STANDARD, alpha_grid
from theory.statistics import from_replicates

__all__ = ["draw", "main", "matched", "threshold"]

_LEVEL = STANDARD.label_flip + 0.05
"""Test error at which α is enough."""
_FRACTION = 0.6
"""Fraction of the filters in the forget part of Sharp MinMax: where most of its runs are forgotten."""
_RESAMPLES = 200
_PAIRS = (
    ("SGD", "SGD", COLORS["SGD"], "o", "-"),
    ("SAM", "SGD", SERIES[4], "v", "--"),
    ("SGD", "SAM", COLORS["SAM"], "s", "-"),
    ("SAM", "SAM", SERIES[5], "D", "--"),
)


def draw(results: Results) -> tuple[Figure, Caption]:
    """Test error at matched forgetting over α; and the α that is enough, over √(d/n)."""
    grid, minmax = results.experiment(alpha_grid), results.experiment(interaction).sel(fraction=_FRACTION)
    needed = results.experiment(alpha_needed)
    made = new_figure(3.0)
    left, right = made.subplots(1, 2, width_ratios=(1.2, 1.0))
    for pretraining, optimizer, color, marker, line in _PAIRS:
        chosen = grid.sel(pretraining=pretraining, optimizer=optimizer)
        _errors(left, chosen, f"{pretraining}, then {optimizer}", color, marker, line)
    _errors(left, minmax, "SGD, then Sharp MinMax", COLORS["SharpMinMax"], "^", "-.")
    left.axhline(_LEVEL, color="0.4", lw=0.7, ls=":", zorder=0)
    left.set(xlabel=r"weight of the retain loss $\alpha$", ylabel="test error at matched forgetting")
    left.set(xlim=(-0.03, 1.03), ylim=(0.09, 0.52))
    _thresholds(right, needed, results)
    label_panels((left, right))
    legend_below(made, columns=2, panels=[left], side="left")
    legend_below(made, columns=2, panels=[right], side="right")
    return made, _caption(grid, minmax, needed)


def matched(data: xarray.Dataset) -> np.ndarray:
    """Test errors at matched forgetting, (seed, alpha): 1/2, that of guessing, where a run was not forgotten."""
    forgotten = has_forgotten(data, STOP.primary)
    return np.asarray(data["test_error"].where(forgotten, 0.5).transpose("seed", "alpha").values)


def _errors(axes: Axes, data: xarray.Dataset, label: str, color: str, marker: str, line: str) -> None:
    found = [from_replicates(column) for column in matched(data).T]
    mean = np.array([each.value for each in found])
    ends = np.array([each.interval() for each in found]).T
    axes.errorbar(
        data["alpha"].values, mean, np.abs(ends - mean), color=color, marker=marker, ls=line, lw=1.0, label=label
    )


def threshold(alpha: np.ndarray, error: np.ndarray, forgotten: np.ndarray) -> float:
    """Smallest α that is enough; -inf if every α is, +inf if none is or too few runs are forgotten.

    Args:
        alpha: Weights α, (A,), ascending.
        error: Test errors, (replicates, A).
        forgotten: Whether a run was forgotten, (replicates, A).
    """
    share, mean = forgotten.mean(axis=0), error.mean(axis=0)
    found = critical_alpha(alpha, mean, share, _LEVEL)
    if np.isfinite(found):
        return found
    valid = ties.at_least(share, LEAST_FORGOTTEN)
    return -np.inf if valid.any() and ties.at_most(mean[valid].max(), _LEVEL) else np.inf


def _thresholds(axes: Axes, data: xarray.Dataset, results: Results) -> None:
    """Thresholds with bootstrap intervals, over √(d/n)."""
    for aside, name, marker, line in ((0.975, "SGD", "o", "-"), (1.025, "SAM", "s", "--")):
        for place, n in enumerate(data["n"].values):
            rng = results.lab.rng("alpha thresholds", name, int(n))
            cells = [data.sel(pretraining=name, n=n, d=d).transpose("seed", "alpha", ...) for d in data["d"].values]
            rows = np.array([_threshold_interval(cell, rng) for cell in cells])
            look = {"color": COLORS[name], "marker": marker, "ls": line, "mfc": "white" if place else COLORS[name]}
            x = aside * np.sqrt(data["d"].values / n)
            _series(axes, x, np.clip(rows, -0.02, 1.02), f"after {name}, $n={n}$", look)
    axes.set(xscale="log", xlabel=r"$\sqrt{d/n}$", ylabel=r"$\alpha$ that is enough", ylim=(-0.06, 1.06))
    reach = np.sqrt(np.outer(data["d"].values, 1.0 / data["n"].values))
    shown = [tick for tick in (5, 7, 10, 14, 20, 28, 40) if reach.min() / 1.2 <= tick <= 1.2 * reach.max()]
    axes.set_xticks(shown, [str(tick) for tick in shown])
    axes.minorticks_off()


def _threshold_interval(cell: xarray.Dataset, rng: np.random.Generator) -> tuple[float, float, float]:
    """The threshold of all replicates, and the ends of its 95 % bootstrap interval."""
    alpha, error = cell["alpha"].values, cell["test_error"].values
    forgotten = has_forgotten(cell, STOP.primary).values
    draws = rng.integers(len(error), size=(_RESAMPLES, len(error)))
    again = [threshold(alpha, error[rows], forgotten[rows]) for rows in draws]
    low, high = np.quantile(again, (0.025, 0.975), method="nearest")
    return threshold(alpha, error, forgotten), float(low), float(high)


def _series(axes: Axes, x: np.ndarray, rows: np.ndarray, label: str, look: dict[str, Any]) -> None:
    value, low, high = rows.T
    axes.errorbar(x, value, [value - low, high - value], lw=1.0, ms=4.2, label=label, **look)


def _caption(grid: xarray.Dataset, minmax: xarray.Dataset, needed: xarray.Dataset) -> Caption:
    kept = float(has_forgotten(minmax, STOP.primary).mean("seed").min())
    return Caption(
        shows=(
            "(a) Test error after unlearning over α, for each pair of pretraining and unlearning optimizer and for "
            f"Sharp MinMax with {_FRACTION:.0%} of the filters in its forget part, all from the same problem "
            f"(d = {STANDARD.d:,}, n = {STANDARD.n}, |F| = {STANDARD.n_forget}, ‖φ‖ = {STANDARD.signal:g}, "
            f"p = {STANDARD.label_flip:g}). Forgetting is matched: a run stops when the mean loss on the forget set "
            "is that of the network retrained without it; one that never gets there counts as guessing. Of Sharp "
            f"MinMax at least {kept:.0%} of the "
            f"runs at each α get there. Dotted: the level p + 0.05 = {_LEVEL:g}.\n\n"
            "(b) The smallest α at which the error stays below that level, after pretraining with SGD or SAM from the "
            "weights of their own theorems at 2.5 times the predicted boundary, over √(d/n), the order that the theory "
            "gives to the gap between the two. Markers at the lower edge: every α is enough; at the upper edge: none "
            f"is, at fewer than {LEAST_FORGOTTEN:.0%} forgotten runs or because of the error. No experiment has "
            "thresholds of Sharp MinMax over d and n.\n\n"
            f"(a) Means over {grid.sizes['seed']} replicates ({minmax.sizes['seed']} of Sharp MinMax), bars are 95 % "
            f"Student intervals. (b) {needed.sizes['seed']} replicates, bars are 95 % bootstrap intervals."
        ),
        symbols={"α": "weight of the retain loss in α L(R) − (1 − α) L(F)", "d": "dimension", "n": "training samples"},
    )


main = figure(draw, number=6)
