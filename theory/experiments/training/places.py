"""Where the test error crosses a level, in units of a predicted boundary, from grids over a factor and the place."""

from __future__ import annotations

import numpy as np
import xarray

from simulate.boundaries.boundary import critical_signal
from theory.statistics import Estimate, bootstrap

__all__ = ["LEVEL", "log_critical", "shift", "shift_of_chance"]

LEVEL = 0.3
"""Test error at which the boundary is read off: halfway between guessing and p = 0.1."""


def log_critical(data: xarray.Dataset, factor: str, rows: np.ndarray) -> np.ndarray:
    """Logarithm of the critical place at each value of a factor, for some replicates.

    Args:
        data: Test errors over the factor, "place" and "seed".
        factor: Name of the factor.
        rows: Replicates, (R,).

    Returns:
        Array (values,); NaN where all places are on one side of the boundary.
    """
    error = data["test_error"].transpose("seed", factor, "place").values[rows]
    return _logs(data["place"].values, error)


def _logs(place: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Logarithms of the critical places of errors (replicates, values, places)."""
    found = np.array([critical_signal(place, row, LEVEL) for row in error.mean(axis=0)])
    inside = (found > 0) & np.isfinite(found)
    return np.where(inside, np.log(np.where(inside, found, 1.0)), np.nan)


def shift(data: xarray.Dataset, factor: str, ends: tuple[object, object], rng: np.random.Generator) -> Estimate:
    """Log of the critical place at the second of two values of a factor, over that at the first."""
    error = data["test_error"].sel({factor: list(ends)}).transpose("seed", factor, "place").values
    return _shift(data["place"].values, error, rng)


def _shift(place: np.ndarray, error: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The same of errors (replicates, 2, places)."""
    return bootstrap(lambda rows: float(np.diff(_logs(place, error[rows]))[0]), len(error), rng)


def shift_of_chance(
    data: xarray.Dataset, factor: str, ends: tuple[object, object], rng: np.random.Generator
) -> Estimate:
    """The same where chance decides in every replicate which of the two values is which: the null experiment."""
    error = data["test_error"].sel({factor: list(ends)}).transpose("seed", factor, "place").values
    swapped = rng.integers(2, size=len(error)).astype(bool)
    return _shift(data["place"].values, np.where(swapped[:, None, None], error[:, ::-1], error), rng)
