"""Exponents of the dimension in the boundary between benign and harmful overfitting.

Exponents are those of the claims `sgd-boundary-d`, `sgd-boundary-d-large-weights` and `sam-boundary-d`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, MARKERS, legend_below, new_figure, plain_logarithm
from theory.experiments.boundaries import Lines
from theory.experiments.lab import Lab
from theory.experiments.training import sam, sgd
from theory.statistics import Estimate

__all__ = ["draw", "main"]

_LEVEL = 0.3
"""Test error that defines the critical signal."""
_RESAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class _Series:
    """One boundary over d."""

    label: str
    run: Callable[[Lab], Lines]
    pooled: tuple[str, ...]
    dashes: float
    fraction: str
    color: str
    marker: str
    theorem: float | None
    """The exponent of its theorem; None where none speaks of it."""
    is_open: bool = False


_SERIES = (
    _Series(
        label="SGD, small weights", run=sgd.small_weights, pooled=("d", "n"), dashes=0.25, fraction="1/4",
        color=COLORS["SGD"], marker=MARKERS["SGD"], theorem=0.25,
    ),
    _Series(
        label="SGD, SAM's weights", run=sgd.large_weights, pooled=("d",), dashes=0.5, fraction="1/2",
        color=COLORS["SGD"], marker=MARKERS["SGD"], is_open=True, theorem=None,
    ),
    _Series(
        label="SAM, then SGD", run=sam.over_dimension, pooled=("d",), dashes=0.0, fraction="0",
        color=COLORS["SAM"], marker=MARKERS["SAM"], theorem=0.0,
    ),
)  # fmt: skip


def draw(results: Results) -> tuple[Figure, Caption]:
    """Critical signals over d, and what is left of them when a power is divided out."""
    made = new_figure(3.9)
    top, bottom = made.subplots(2, 1, sharex=True, height_ratios=(2.2, 1.0))
    slopes = []
    for series in _SERIES:
        lines = results.experiment(series.run)
        slope = lines.exponents(results.lab.rng("surface"), *series.pooled)["d"]
        slopes.append(slope)
        d, signal, ends = _critical(lines, results)
        middle = np.exp(np.mean(np.log(signal) - series.dashes * np.log(d)))
        law = middle * d**series.dashes
        face = "white" if series.is_open else series.color
        style = {"color": series.color, "marker": series.marker, "ls": "none", "mfc": face}
        label = rf"{series.label}: exponent {_text(slope)}, dashes $d^{{\,{series.fraction}}}$"
        top.errorbar(d, signal, np.abs(ends - signal), label=label, **style)
        top.plot(d, law, "--", color=series.color, lw=0.9)
        aside = d * 1.05 ** (len(slopes) - 2)  # bars side by side
        bottom.errorbar(aside, signal / law, np.abs(ends - signal) / law, **style)
    bottom.axhline(1.0, color="0.5", lw=0.7, ls="--", zorder=0)
    top.set(xscale="log", yscale="log", ylabel=r"critical signal $\|\varphi\|/((P-1)\sigma_p)$")
    plain_logarithm(top.yaxis)
    bottom.set(yscale="log", xlabel="dimension $d$", ylabel="signal / dashes")
    reach = max(abs(np.log(np.array(bottom.get_ylim()))))
    bottom.set_ylim(np.exp(-reach), np.exp(reach))
    ticks = [tick for tick in (0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0) if abs(np.log(tick)) < reach]
    bottom.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    bottom.yaxis.set_minor_formatter(NullFormatter())
    made.align_ylabels()
    legend_below(made, columns=1)
    return made, _caption(slopes, results)


def _critical(lines: Lines, results: Results) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dimensions, critical signals in units of the noise, and the ends of their bootstrap intervals, (2, D)."""
    count = len(lines.error)
    rng = results.lab.rng("critical signals")
    d, signal = lines.critical("d", _LEVEL)
    again = [lines.critical("d", _LEVEL, rng.integers(count, size=count))[1] for _ in range(_RESAMPLES)]
    inside = (signal > 0) & np.isfinite(signal)
    ends = np.quantile(np.array(again)[:, inside], (0.025, 0.975), axis=0, method="nearest")
    return d[inside], signal[inside], ends


def _text(slope: Estimate) -> str:
    low, high = slope.interval()
    return f"{slope.value:.3f} [{low:.3f}, {high:.3f}]".replace("-", "−")


def _against(series: _Series, slope: Estimate) -> str:
    """An exponent beside the one of its theorem."""
    if series.theorem is None:
        return f"{series.label} has {_text(slope)}, of which no theorem speaks"
    low, high = slope.interval()
    held = "which holds" if low <= series.theorem <= high else "without"
    return f"{series.label} has {_text(slope)}, {held} the {series.fraction} of its theorem"


def _caption(slopes: list[Estimate], results: Results) -> Caption:
    found = "; ".join(f"{each.label} {_text(slope)}" for each, slope in zip(_SERIES, slopes, strict=True))
    reach = "; ".join(_against(each, slope) for each, slope in zip(_SERIES, slopes, strict=True))
    return Caption(
        answers=f"At the weights and times of each theorem, by the exponent's 95 % interval alone: {reach}.",
        shows=(
            f"Above: the signal at which the test error crosses {_LEVEL:g}, over the dimension, with 95 % bootstrap "
            "intervals over replicates. Dashes: a power of d through the middle of the points, the predicted one "
            "but for SGD at SAM's weights. Below: the same divided by the dashes, series side by side.\n\n"
            "Exponents of d with 95 % intervals, from one model of the test error fitted to all cells (the ledger has "
            f"the same numbers, with intervals that allow for all its rows): {found}. The theorems ask for different "
            "initial weights: small ones for SGD, σ_0 = 1/(Pσ_p√d) for SAM. From SAM's weights the exponent of SGD is "
            "not its theorem's 1/4; the 1/2 of the dashes is no theorem's either. SAM runs for a time "
            "ηT = 2m/((P−1)σ_p)² and hands over to SGD. n = 20, m = 10, p = 0.1, P = 2, σ_p = 1."
        ),
        symbols={"d": "dimension of a patch", "‖φ‖": "signal strength", "(P−1)σ_p": "scale of the noise"},
    )


main = figure(draw, number=2, asks="Are the exponents of the dimension those of the theorems?")
