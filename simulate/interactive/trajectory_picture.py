"""The picture of the trajectory explorer: five panels of curves, and a legend."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simulate.house.drawing.palette import SERIES
from simulate.interactive.canvas import Canvas
from simulate.interactive.trajectory import Trajectory
from simulate.interactive.trajectory_settings import LAST_STEP

__all__ = ["TrajectoryPicture"]

RETAIN, FORGET = SERIES[6], SERIES[5]
"""Colours of the two sets."""
_STYLES: dict[str, dict[str, Any]] = {
    "retain": {"color": RETAIN, "ls": "-", "lw": 2.0},
    "forget": {"color": FORGET, "ls": "--", "lw": 2.0},
}
_BOTH: dict[str, Any] = {"color": "black", "lw": 2.0}
_SMALLEST_ERRORS = (-2, -5, -10, -20, -50, -100, -200, -300)
"""Exponents at which the axis of the test error may end."""


class TrajectoryPicture:
    """Draws trajectories into one figure.

    κ and both ζ share their limits: each is what a neuron adds to the outputs of samples, so their heights compare.
    Limits come from a short list of round numbers, so that the picture jumps seldom while a slider is dragged.

    Args:
        width: Width in inches, at 100 pixels an inch.
    """

    def __init__(self, width: float = 9.2) -> None:
        self.figure = Figure(figsize=(width, 0.54 * width), dpi=100)
        grid = self.figure.subplots(2, 3)
        self.figure.subplots_adjust(left=0.06, right=0.99, bottom=0.1, top=0.9, wspace=0.26, hspace=0.48)
        self._signal, self._own, self._opposite, self._accuracy, self._error = self._axes = list(grid.flat[:5])
        self._label()
        _legend(grid.flat[5])
        self.lines = self._make_lines()
        scales = [axes.yaxis for axes in (self._signal, self._own, self._opposite, self._error)]
        self._canvas = Canvas(self.figure, scales, list(self.lines.values()))
        self._marks: list[Artist] = []
        self._phases: tuple[tuple[str, int], ...] = ()

    def draw(self, trajectory: Trajectory) -> bytes:
        """Draw a trajectory.

        Returns:
            The picture, as PNG.
        """
        floor = self._floor(trajectory.test_error)
        curves = {
            "kappa": trajectory.kappa,
            **{f"zeta own {name}": trajectory.zeta[0, row] for row, name in enumerate(_STYLES)},
            **{f"zeta opposite {name}": trajectory.zeta[1, row] for row, name in enumerate(_STYLES)},
            **{f"accuracy {name}": trajectory.accuracy[row] for row, name in enumerate(_STYLES)},
            "test error": np.maximum(trajectory.test_error, 10.0**floor),
        }
        for name, values in curves.items():
            self.lines[name].set_data(trajectory.step, values)
        limits = self._limits(trajectory)
        self._set_limits(limits, floor)
        self._set_phases(trajectory.phases)
        return self._canvas.draw(trajectory.phases, (limits, floor))

    def _label(self) -> None:
        titles = (r"signal $\kappa$", r"noise $\zeta$, own class", r"noise $\zeta$, opposite class")
        for axes, title in zip(self._axes, (*titles, "training accuracy", "test error"), strict=True):
            axes.set_title(title, fontsize=11, loc="left", pad=14)
            axes.set_xlim(0, LAST_STEP)
            axes.set_xticks([0, 100, 200])
            axes.tick_params(labelsize=9)
            axes.grid(color="0.9", lw=0.6)
        for axes in (self._opposite, self._accuracy, self._error):
            axes.set_xlabel("step", fontsize=10)
        self._accuracy.set_ylim(-0.05, 1.05)
        self._error.set_yscale("log")

    def _make_lines(self) -> dict[str, Line2D]:
        lines = {"kappa": self._signal.plot([], [], **_BOTH)[0]}
        for name, style in _STYLES.items():
            lines[f"zeta own {name}"] = self._own.plot([], [], **style)[0]
            lines[f"zeta opposite {name}"] = self._opposite.plot([], [], **style)[0]
            lines[f"accuracy {name}"] = self._accuracy.plot([], [], **style)[0]
        lines["test error"] = self._error.plot([], [], **_BOTH)[0]
        return lines

    def _limits(self, trajectory: Trajectory) -> tuple[float, float]:
        """Common limits of κ and ζ."""
        values = np.concatenate([trajectory.kappa, trajectory.zeta.ravel()])
        values = values[np.isfinite(values)]
        return -_round_up(-values.min(initial=0.0), least=1.0), _round_up(values.max(initial=0.0), least=4.0)

    def _floor(self, error: np.ndarray) -> int:
        """Exponent at which the axis of the test error ends."""
        smallest = np.nanmin(error, initial=1.0)
        exponent = math.log10(smallest) if smallest > 0.0 else -math.inf
        return next((floor for floor in _SMALLEST_ERRORS if floor <= exponent), _SMALLEST_ERRORS[-1])

    def _set_limits(self, limits: tuple[float, float], floor: int) -> None:
        for axes in (self._signal, self._own, self._opposite):
            axes.set_ylim(*limits)
        self._error.set_ylim(10.0**floor, 1.5)
        parts = 5 if floor % 5 == 0 else 2
        self._error.set_yticks([10.0 ** (floor * part / parts) for part in range(parts + 1)])

    def _set_phases(self, phases: tuple[tuple[str, int], ...]) -> None:
        if phases == self._phases:
            return
        for artist in self._marks:
            artist.remove()
        self._marks = [mark for axes in self._axes for mark in _mark_phases(axes, phases)]
        self._phases = phases


def _mark_phases(axes: Axes, phases: tuple[tuple[str, int], ...]) -> list[Artist]:
    """A line where each phase begins, and its name above."""
    marks: list[Artist] = []
    for name, begins in phases:
        marks.append(axes.axvline(begins, color="0.6", lw=0.8, zorder=0))
        marks.append(axes.annotate(name, (begins, 1.0), (2, 3), xycoords=("data", "axes fraction"),
                                   textcoords="offset points", fontsize=8, color="0.35"))  # fmt: skip
    return marks


def _legend(axes: Axes) -> None:
    axes.set_axis_off()
    lines = [Line2D([], [], **style, label=f"{name} set") for name, style in _STYLES.items()]
    lines.append(Line2D([], [], **_BOTH, label="all samples"))
    axes.legend(handles=lines, loc="center", frameon=False, fontsize=11)


def _round_up(value: float, *, least: float) -> float:
    """The next of 1, 2, 4 times a power of ten, at least `least`."""
    if value <= least:
        return least
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.0, 2.0, 4.0, 10.0) if factor * power >= value)
