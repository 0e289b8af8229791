"""Benign and harmful overfitting of SGD and SAM over dimension and signal strength.

The maps are those of `python -m simulate map`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import label_panels, legend_below, new_figure
from simulate.boundaries.boundary import Boundary, fit_boundary
from simulate.boundaries.maps import OPTIMIZERS, PhaseMap, phase_map
from simulate.cli.map import PREDICTED

__all__ = ["draw", "grid", "main"]

_LEVEL = 0.3
"""Test error that defines the boundary: halfway between the label noise and guessing."""


def grid(results: Results) -> PhaseMap:
    """The grid of the budget."""
    return results.choose(
        quick=PhaseMap(),
        full=PhaseMap(
            d=(1_000, 3_162, 10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000),
            signal=tuple(round(2.0**third, 4) for third in np.arange(-2.5, 6.01, 0.25)),
            replicates=12,
        ),
    )


def draw(results: Results) -> tuple[Figure, Caption]:
    """Mean test error over d and ‖φ‖, one panel an optimizer, with measured and predicted boundaries."""
    chosen = grid(results)
    data = results.dataset(
        "phase maps", lambda progress: phase_map(chosen, progress), configuration=asdict(chosen), seeds=chosen.seeds,
        n_runs=len(OPTIMIZERS) * len(chosen.d) * len(chosen.signal) * chosen.replicates,
    )  # fmt: skip
    boundaries = {name: fit_boundary(data["test_error"].sel(optimizer=name), _LEVEL) for name in OPTIMIZERS}
    made = new_figure(2.7)
    panels = made.subplots(1, len(boundaries), sharex=True, sharey=True)
    for axes, (name, boundary) in zip(panels, boundaries.items(), strict=True):
        mesh = _draw_map(axes, data["test_error"].sel(optimizer=name).mean("seed"), chosen.label_flip)
        _draw_boundary(axes, boundary, PREDICTED[name])
    label_panels(panels, [_title(name, boundary) for name, boundary in boundaries.items()])
    panels[0].set_ylabel(r"signal strength $\|\varphi\|$")
    made.colorbar(mesh, ax=panels, label="test error", aspect=30, pad=0.02)
    legend_below(made, columns=3)
    return made, _caption(chosen, boundaries)


def _draw_map(axes: Axes, error: xarray.DataArray, lowest: float) -> Any:
    """Errors on logarithmic axes, every cell centred on its values."""
    d, signal = (np.log10(error[name].values.astype(float)) for name in ("d", "signal"))
    mesh = axes.pcolormesh(
        d, signal, error.transpose("signal", "d").values, cmap="cividis_r", vmin=lowest, vmax=0.5, shading="nearest"
    )
    decades = np.arange(np.ceil(d[0]), np.floor(d[-1]) + 1)
    axes.set_xticks(decades, [f"$10^{{{k:.0f}}}$" for k in decades])
    powers = [k for k in (0.25, 1, 4, 16, 64) if error["signal"].values[0] <= k <= error["signal"].values[-1]]
    axes.set_yticks(np.log10(powers), [f"{k:g}" for k in powers])
    axes.set_xlabel("dimension $d$")
    return mesh


def _draw_boundary(axes: Axes, boundary: Boundary, exponent: float) -> None:
    """Crossings with their intervals, and lines of the fitted and of the predicted slope through their middle."""
    inside = (boundary.signal > 0) & np.isfinite(boundary.signal)
    d, signal = np.log10(boundary.d[inside]), np.log10(boundary.signal[inside])
    ends = np.log10(boundary.interval[inside].T)
    axes.errorbar(
        d, signal, np.abs(ends - signal), fmt="o", color="white", mec="black", ecolor="black", mew=0.8, lw=0.9, ms=4,
        label=f"test error {boundary.level:g}", zorder=4,
    )  # fmt: skip
    ends_d = np.log10(boundary.d[[0, -1]])
    for slope, style, label in (
        (boundary.slope, "-", "fitted power of $d$"),
        (exponent, "--", "predicted power, height fitted"),
    ):
        if len(d) and np.isfinite(slope):
            axes.plot(ends_d, signal.mean() + slope * (ends_d - d.mean()), style, color="black", lw=1.0, label=label)


def _title(name: str, boundary: Boundary) -> str:
    low, high = boundary.slope_interval
    # In braces a minus is a sign, not an operator with room around it.
    return rf"{name}: $\propto d^{{\,{{{boundary.slope:.3f}}}}}$ $[{{{low:.3f}}},\,{{{high:.3f}}}]$"


def _growth(name: str, boundary: Boundary) -> str:
    """What becomes of the signal that an optimizer needs, from the smallest dimension to the largest."""
    low, high = boundary.slope_interval
    times = (boundary.d[-1] / boundary.d[0]) ** boundary.slope
    moves = "grows" if low > 0.0 else "falls" if high < 0.0 else "does not move, as far as is seen"
    return f"with {name} it {moves}, by a factor of {times:.2g} (∝ d^{boundary.slope:.3f})".replace("^-", "^−")


def _caption(chosen: PhaseMap, boundaries: dict[str, Boundary]) -> Caption:
    found = "; ".join(
        f"{name}: exponent {boundary.slope:.3f} [{boundary.slope_interval[0]:.3f}, {boundary.slope_interval[1]:.3f}], "
        f"predicted {PREDICTED[name]:g}"
        for name, boundary in boundaries.items()
    )
    grows = "; ".join(_growth(name, boundary) for name, boundary in boundaries.items())
    return Caption(
        answers=(
            f"From d = {min(chosen.d):,} to {max(chosen.d):,}, each optimizer from the weights of its own theorem: "
            f"{grows}."
        ),
        shows=(
            "Mean test error, bright where overfitting is benign (down to the label noise "
            f"p = {chosen.label_flip:g}) and dark where it is harmful (guessing: 0.5). Circles: the signal at which "
            f"the error crosses {_LEVEL:g}, with 95 % bootstrap intervals over {chosen.replicates} replicates; solid "
            f"line: the power of d fitted to them; dashed line: the predicted power through their middle. {found}.\n\n"
            "Each optimizer starts from the initial weights of its own theorem (small for SGD, "
            "σ_0 = 1/(Pσ_p√d) for SAM) and stops at a training loss of 0.01; SAM runs for a time ηT = 2m/((P−1)σ_p)² "
            "and hands over to SGD. The panels answer two questions and do not compare the two at one initialisation. "
            f"n = {chosen.n}, m = {chosen.m}, P = {chosen.P}, σ_p = {chosen.sigma_p:g}."
        ),
        symbols={"d": "dimension of a patch", "‖φ‖": "signal strength, in units in which the noise has σ_p = 1"},
    )


main = figure(draw, number=1, asks="How strong must the signal be for benign overfitting, as the dimension grows?")
