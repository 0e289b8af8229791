"""The curves of every run of a grid, as whole numbers of two bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulate.interactive.explorable.grid import Grid
from simulate.interactive.trajectory_settings import LAST_STEP, TrajectorySettings
from simulate.runs.record import Record
from simulate.runs.run import run

__all__ = ["EVERY", "NAMES", "NOTHING", "POINTS", "Series", "curves", "measure"]

EVERY = 12
"""Steps between two points of a curve."""
POINTS = LAST_STEP // EVERY + 3
"""Most points of a curve: one more where a phase ends, and the last."""
NAMES = (
    "step", "kappa", "own_retain", "own_forget", "opposite_retain", "opposite_forget", "loss_retain", "loss_forget",
    "accuracy_retain", "accuracy_forget", "log_error",
)  # fmt: skip
"""What is known at each point; the test error as its logarithm to base 10."""
NOTHING = -32768
"""Stands where a run has ended already, or a number is none."""

_RECORD = Record(every=EVERY, observe=("coefficients", "loss", "accuracy", "test_error"))
_DIRECTIONS = 64
_LEAST = 1e-300


@dataclass(frozen=True, eq=False)
class Series:
    """All curves.

    Attributes:
        values: Whole numbers, (run, name, point); `NOTHING` where there is none.
        scales: What a unit of each name stands for, (name,).
    """

    values: np.ndarray
    scales: np.ndarray


def measure(grid: Grid, step: Callable[[], None] = lambda: None) -> Series:
    """Run a grid.

    Args:
        grid: The grid.
        step: Called after each run.
    """
    found = []
    for settings in grid.settings():
        found.append(curves(settings))
        step()
    return _as_whole_numbers(np.array(found))


def curves(settings: TrajectorySettings) -> np.ndarray:
    """The curves of one run, (name, point); NaN behind its end."""
    result = run(settings.problem, settings.phases, seed=settings.seed, record=_RECORD, test_directions=_DIRECTIONS)
    trace = result.trace
    zeta = trace["zeta_mean"].transpose("relation", "set", "step").values
    rows = [
        trace["step"].values,
        trace["kappa_mean"].mean("sign").values,
        *zeta.reshape(4, -1),
        *trace["loss"].sel(part=["retain", "forget"]).transpose("part", "step").values,
        *trace["accuracy"].transpose("set", "step").values,
        np.log10(np.maximum(trace["test_error"].values, _LEAST)),
    ]
    made = np.full((len(NAMES), POINTS), np.nan)
    made[:, : len(rows[0])] = rows
    return made


def _as_whole_numbers(values: np.ndarray) -> Series:
    """Numbers in units of a 32,767th of the largest of their name."""
    with np.errstate(invalid="ignore"):
        finite = np.where(np.isfinite(values), values, np.nan)
    largest = np.nanmax(np.abs(finite), axis=(0, 2), initial=1e-12)
    scales = largest / 32767.0
    whole = np.rint(finite / scales[None, :, None])
    return Series(np.where(np.isnan(whole), NOTHING, whole).astype(np.int16), scales)
