"""Figures of maps and trajectories. This module imports matplotlib; nothing else in the room does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate.boundaries.boundary import Boundary
from simulate.house.drawing.layout import SteadyLayout
from simulate.house.drawing.palette import LINES, MARKERS
from simulate.house.drawing.palette import OPTIMIZERS as COLORS

__all__ = ["COLORS", "draw_coefficients", "draw_phase_maps"]


def draw_phase_maps(maps: xarray.Dataset, boundaries: Mapping[str, Boundary], predicted: Mapping[str, float]) -> Figure:
    """Draw the mean test error over d and ‖φ‖, one panel an optimizer, with measured and predicted boundary.

    Args:
        maps: Dataset of `simulate.boundaries.maps.phase_map`.
        boundaries: Measured boundary of each optimizer.
        predicted: Exponent of d that the theory gives each boundary.

    Returns:
        The figure.
    """
    names = list(boundaries)
    figure = Figure(figsize=(3.6 * len(names), 3.4), layout=SteadyLayout(), dpi=150)
    axes = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
    error = maps["test_error"].mean("seed")
    lowest = float(error.min())
    for axis, name in zip(axes, names, strict=True):
        panel = error.sel(optimizer=name).transpose("signal", "d")
        mesh = axis.pcolormesh(
            _edges(panel["d"].values),
            _edges(panel["signal"].values),
            panel.values,
            cmap="cividis_r",
            vmin=lowest,
            vmax=0.5,
        )
        _draw_boundary(axis, boundaries[name], predicted[name])
        axis.set(title=name, xscale="log", yscale="log", xlabel="dimension $d$")
    axes[0].set_ylabel(r"signal strength $\|\varphi\|$")
    for axis in axes:
        axis.legend(loc="upper left", fontsize=7, framealpha=0.9)
    figure.colorbar(mesh, ax=axes, label="test error")
    return figure


def _draw_boundary(axis: Axes, boundary: Boundary, exponent: float) -> None:
    """Measured crossings with intervals, and a line of the predicted slope through their middle."""
    inside = (boundary.signal > 0) & np.isfinite(boundary.signal)
    d, signal = boundary.d[inside], boundary.signal[inside]
    bars = np.abs(boundary.interval[inside].T - signal)
    style: dict[str, Any] = {"fmt": "o", "color": "white", "mec": "black", "ecolor": "black", "ms": 5}
    axis.errorbar(d, signal, yerr=bars, label=f"error {boundary.level:g}", **style)
    if len(d):
        middle = np.exp(np.mean(np.log(signal) - exponent * np.log(d)))
        label = rf"predicted, $\propto d^{{{exponent:g}}}$" if exponent else "predicted, the same for every $d$"
        axis.plot(boundary.d, middle * boundary.d**exponent, "--", color="black", lw=1.2, label=label)


def draw_coefficients(traces: Mapping[str, xarray.Dataset], *, title: str = "") -> Figure:
    """Draw κ and ζ of several runs through their phases.

    Args:
        traces: Trace of each run, observed with "coefficients" and "accuracy", by the name of the optimizer whose
            colour, line and marker it takes.
        title: Title of the figure.

    Returns:
        The figure: mean κ; mean ζ of own-class and opposite-class filters, on the retain set (filled markers) and
        the forget set (open ones); and the accuracies on both.
    """
    figure = Figure(figsize=(7.2, 3.9), layout=SteadyLayout(), dpi=150)
    axes = figure.subplots(2, 2, sharex=True)
    figure.suptitle(title, fontsize="medium")
    for name, trace in traces.items():
        step = trace["step"].values
        every = (len(step) // 16, max(len(step) // 6, 1))
        look = {"color": COLORS[name], "ls": LINES[name], "marker": MARKERS[name], "ms": 3.5, "markevery": every}
        axes[0, 0].plot(step, trace["kappa_mean"].mean("sign"), label=name, **look)
        for chosen, face in (("retain", COLORS[name]), ("forget", "white")):
            look["mfc"] = face
            label = f"{chosen} set" if len(traces) == 1 else f"{name}, {chosen} set"
            axes[0, 1].plot(step, trace["accuracy"].sel(set=chosen), label=label, **look)
            for axis, relation in zip(axes[1], ("own", "opposite"), strict=True):
                noise = trace["zeta_mean"].sel(relation=relation, set=chosen)
                axis.plot(step, noise, label=label, **look)
    axes[0, 0].set(ylabel=r"signal $\kappa$")
    axes[0, 1].set(ylabel="accuracy", ylim=(-0.05, 1.05))
    axes[1, 0].set(ylabel=r"noise $\zeta$, own class", xlabel="step")
    axes[1, 1].set(ylabel=r"noise $\zeta$, opposite class", xlabel="step")
    _mark_phases(axes.ravel(), next(iter(traces.values())))
    axes[0, 1].legend(fontsize=7, loc="lower left")
    return figure


def _mark_phases(axes: Sequence[Axes], trace: xarray.Dataset) -> None:
    """A line where each phase begins, and its name."""
    phases, steps = trace["phase"].values, trace["step"].values
    for name in dict.fromkeys(phases):
        begins = steps[phases == name][0]
        for number, axis in enumerate(axes):
            axis.axvline(begins, color="0.6", lw=0.8, zorder=0)
            if number == 0:
                axis.annotate(name, (begins, 1.0), (3, 2), xycoords=("data", "axes fraction"),
                              textcoords="offset points", fontsize=7, color="0.35")  # fmt: skip


def _edges(centres: np.ndarray) -> np.ndarray:
    """Edges of cells with these centres on a logarithmic axis."""
    logs = np.log(centres.astype(float))
    if len(logs) == 1:  # no neighbour says how wide its cell is
        return np.exp(logs[0] + np.log(2.0) * np.array([-0.5, 0.5]))
    middles = (logs[1:] + logs[:-1]) / 2
    return np.exp(np.concatenate([[2 * logs[0] - middles[0]], middles, [2 * logs[-1] - middles[-1]]]))
