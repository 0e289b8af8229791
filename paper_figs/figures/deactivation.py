"""Which noise neurons SAM switches off: a law without constants, and Lemma 3.1.

Numbers are those of the claims `deactivation-law` and `lemma3.1-…`.
"""

from __future__ import annotations

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import OTHERS, label_panels, legend_below, new_figure
from simulate.dynamics.objectives import Objective
from theory.experiments.deactivation import at_start, law_constant
from theory.experiments.lemma31 import LOOKS, MULTIPLES, UNLEARNING, Look, equal, tables
from theory.formulas.statements import STATEMENTS
from theory.formulas.symbols import B, m, sigma_0, tau
from theory.statistics import Estimate, bootstrap, from_fractions

__all__ = ["CELLS", "EQUAL", "draw", "fraction", "main"]

EQUAL = equal(UNLEARNING)
"""The α at which every sample weighs the same."""

CELLS = tuple((part, relation) for part in ("retain", "forget") for relation in ("own", "opposite"))
"""Set and class of each group of neurons."""

_TITLES = {"none": "untrained", "SGD": "SGD-trained", "SAM": "SAM-trained"}
_LOOKS = {
    ("retain", "own"): ("R, own class", OTHERS[0], "o", 5.4, "-"),
    ("retain", "opposite"): ("R, opposite", OTHERS[2], "s", 7.0, ":"),
    ("forget", "own"): ("F, own class", OTHERS[1], "D", 3.6, ":"),
    ("forget", "opposite"): ("F, opposite", OTHERS[3], "^", 5.4, "--"),
}


def draw(results: Results) -> tuple[Figure, Caption]:
    """The law at initialisation, and the fractions of Lemma 3.1 over the radius, before and after pretraining."""
    start, found = results.experiment(at_start), results.experiment(tables)
    made = new_figure(2.55)
    panels = made.subplots(1, 4, sharey=True, width_ratios=(1.25, 1.0, 1.0, 1.0))
    _draw_law(panels[0], start)
    for axes, pretraining in zip(panels[1:], _TITLES, strict=True):
        _draw_lemma(axes, found, pretraining)
    label_panels(panels, ["closed form", *_TITLES.values()])
    panels[0].set(ylabel="fraction switched off", ylim=(-0.05, 1.07))
    legend_below(made, columns=2, panels=panels[:1], side="left")
    legend_below(made, columns=2, panels=panels[1:2], side="right")
    return made, _caption(results, start, found)


def fraction(
    data: xarray.DataArray, pretraining: str, objective: Objective, part: str, relation: str,
    multiple: float = 1.0,
) -> Estimate:  # fmt: skip
    """Fraction of a group's active neurons that is switched off.

    Args:
        data: What `theory.experiments.lemma31.tables` found.
        pretraining: none, SGD or SAM.
        objective: What unlearning descends.
        part: retain or forget.
        relation: own or opposite.
        multiple: τ over the theory's radius.

    Returns:
        The mean over replicates that have such neurons at all.
    """
    look = LOOKS.index(Look(objective, multiple))
    values = data.sel(pretraining=pretraining, set=part, relation=relation).isel(look=look).values
    samples = UNLEARNING.n_forget if part == "forget" else UNLEARNING.n - UNLEARNING.n_forget
    return from_fractions(values[np.isfinite(values)], samples * UNLEARNING.m / 2)


def _draw_law(axes: Axes, start: xarray.Dataset) -> None:
    off = start["deactivated"].isel(phase=0).sel(set="retain", relation="own")
    ratio = off["ratio"].values
    looks = iter(zip("osD^", OTHERS, (6.4, 5.0, 3.6, 2.2), strict=False))
    for n in off["n"].values:
        for filters in off["m"].values:
            marker, color, size = next(looks)
            cells = off.sel(n=n, m=filters).transpose("ratio", "seed").values
            estimates = [from_fractions(cell, int(n * filters / 2)) for cell in cells]
            ends = np.array([each.interval() for each in estimates]).T
            mean = np.array([each.value for each in estimates])
            axes.errorbar(
                ratio, mean, np.abs(ends - mean), ls="none", marker=marker, ms=size, mfc="none", color=color, mew=0.8,
                lw=0.8, label=f"$n={n},\\,m={filters}$",
            )  # fmt: skip
    fine = np.linspace(0.0, 2.15, 100)
    law = STATEMENTS["deactivation_law"].function(tau, sigma_0, m, B)
    axes.plot(fine, law(fine, 1.0, 1, 1), color="black", lw=0.9, zorder=0)
    axes.annotate(r"$2\Phi(\rho)-1$", (0.62, 0.46), xytext=(0.95, 0.30), arrowprops={"arrowstyle": "-", "lw": 0.5},
                  fontsize=8)  # fmt: skip
    axes.set(xlabel=r"$\rho=\tau/(\sigma_0\sqrt{mB})$", xticks=[0, 1, 2])


def _draw_lemma(axes: Axes, found: xarray.DataArray, pretraining: str) -> None:
    radius = np.array(MULTIPLES)
    for part, relation in CELLS:
        label, color, marker, size, line = _LOOKS[part, relation]
        estimates = [fraction(found, pretraining, EQUAL, part, relation, multiple) for multiple in MULTIPLES]
        mean = np.array([each.value for each in estimates])
        ends = np.array([each.interval() for each in estimates]).T
        axes.errorbar(
            radius, mean, np.maximum(np.abs(ends - mean), 0.0), ls=line, marker=marker, ms=size, mfc="none",
            color=color, mew=0.9, lw=0.9, label=label,
        )  # fmt: skip
    axes.axvline(1.0, color="0.7", lw=0.6, zorder=0)
    axes.set(xscale="log", xlabel=r"radius $\tau/\tau_{\mathrm{theory}}$")
    axes.set_xticks([0.1, 1.0, 10.0], ["0.1", "1", "10"])
    axes.minorticks_off()


def _caption(results: Results, start: xarray.Dataset, found: xarray.DataArray) -> Caption:
    constant = bootstrap(
        lambda rows: law_constant(start, rows), start.sizes["seed"], results.lab.rng("deactivation")
    )  # fmt: skip
    low, high = constant.interval()
    retain, forget = (
        {before: fraction(found, before, EQUAL, part, "own").value for before in _TITLES}
        for part in ("retain", "forget")
    )
    return Caption(
        answers=(
            "At the theory's radius, of the active neurons of a sample's own class: before training "
            f"{retain['none']:.1%} of those of the retain set and {forget['none']:.1%} of those of the forget set; "
            f"after pretraining with SGD {retain['SGD']:.1%} and {forget['SGD']:.1%}, with SAM {retain['SAM']:.1%} and "
            f"{forget['SAM']:.1%}."
        ),
        shows=(
            "(a) Fraction of the active own-class noise neurons that SAM's perturbation switches off at the initial "
            "weights, for two numbers of samples and of filters, and the closed form, in which no constant is fitted: "
            f"measured over predicted argument of Φ is {constant.value:.4f} [{low:.4f}, {high:.4f}] (95 %). "
            f"d = 10⁸, full batch, {start.sizes['seed']} instances a point.\n\n"
            "(b–d) Lemma 3.1: the same fraction when NegGrad with SAM begins, on the retain set R and the forget set "
            "F, for filters of the sample's own and of the opposite class, over the radius in units of the theory's, "
            f"τ = m √n/(P σ_p √d) (grey line). α = |R|/n = {EQUAL.alpha:g}, so that all samples weigh the same. Before "
            "training R, own class is off and F, own class is on, as the lemma has it, while F, opposite class is "
            "off; after pretraining to a loss of 0.05 the same radius switches off next to nothing on R, some three "
            f"times the radius nearly all. d = {UNLEARNING.d:,}, n = {UNLEARNING.n}, |F| = {UNLEARNING.n_forget}, "
            f"m = {UNLEARNING.m}, ‖φ‖ = {UNLEARNING.signal:g}, p = {UNLEARNING.label_flip:g}; means over "
            f"{found.sizes['seed']} instances with 95 % intervals. The table lemma31_table has the numbers at the "
            "theory's radius."
        ),
        symbols={
            "τ": "SAM's radius", "σ_0": "standard deviation of the initial weights", "B": "samples of a step (here n)",
            "Φ": "distribution function of the standard normal law",
        },
    )  # fmt: skip


main = figure(draw, number=5, asks="Which noise neurons does SAM switch off, and does training change that?")
