"""From a phase map to the boundary between benign and harmful overfitting, and its exponent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray
from scipy.optimize import isotonic_regression

from simulate import checks
from simulate.streams import stream

__all__ = ["Boundary", "check_level", "critical_signal", "fit_boundary"]


@dataclass(frozen=True, eq=False)
class Boundary:
    """The signal at which the mean test error crosses a level, as a function of d.

    Attributes:
        level: The test error that defines the boundary.
        d: Dimensions, (D,).
        signal: Critical signal, (D,); infinite where no signal of the map is strong enough, 0 where all are.
        interval: 95 % bootstrap interval of each critical signal, (D, 2).
        slope: Exponent of d: the slope of log signal over log d, by least squares; NaN if censored anywhere.
        slope_interval: 95 % bootstrap interval of the slope, (2,).
    """

    level: float
    d: np.ndarray
    signal: np.ndarray
    interval: np.ndarray
    slope: float
    slope_interval: tuple[float, float]


def check_level(level: float) -> None:
    """Require a test error strictly between 0 and 1/2."""
    checks.real("level", level, positive=True)
    if level >= 0.5:
        checks.fail("level", "lie between 0 and 1/2", level)


def critical_signal(signal: np.ndarray, error: np.ndarray, level: float) -> float:
    """Signal at which a test error, falling with the signal, crosses a level.

    The errors are first made monotone (isotonic regression), then interpolated in the logarithm of the signal.

    Args:
        signal: Signal strengths, (S,), ascending.
        error: Mean test errors, (S,).
        level: The level.

    Returns:
        The critical signal; 0 if even the weakest signal is below the level, infinity if no signal is.

    Example:
        >>> critical_signal(np.array([1.0, 4.0, 16.0]), np.array([0.5, 0.3, 0.1]), 0.4)
        2.0
    """
    falling = isotonic_regression(error, increasing=False).x
    if falling[0] < level:
        return 0.0
    if falling[-1] > level:
        return np.inf
    after = int(np.argmax(falling <= level))
    if falling[after] == level:
        return float(signal[after])
    share = (falling[after - 1] - level) / (falling[after - 1] - falling[after])
    return float(signal[after - 1] * (signal[after] / signal[after - 1]) ** share)


def fit_boundary(error: xarray.DataArray, level: float, *, resamples: int = 1000, seed: int = 0) -> Boundary:
    """Find the boundary of a phase map and its exponent.

    Args:
        error: Test errors with dimensions "d", "signal" (ascending) and "seed".
        level: The test error that defines the boundary, in (0, 1/2).
        resamples: Bootstrap resamples. Seeds are resampled for all d and signals jointly, since the cells of a seed
            share their random numbers.
        seed: Seed of the bootstrap.

    Returns:
        The boundary.

    Raises:
        ValueError: if the level is out of range or a dimension is missing.
    """
    check_level(level)
    checks.integer("resamples", resamples, least=100)
    if set(error.dims) != {"d", "signal", "seed"}:
        checks.fail("error", 'have dimensions "d", "signal" and "seed"', error.dims)
    values = error.transpose("seed", "d", "signal").values
    d, signal = error["d"].values.astype(float), error["signal"].values.astype(float)
    draws = stream(seed, "bootstrap").integers(len(values), size=(resamples, len(values)))
    crossings = np.array([_crossings(signal, values[chosen].mean(axis=0), level) for chosen in draws])
    slopes = np.array([_slope(d, crossing) for crossing in crossings])
    estimate = _crossings(signal, values.mean(axis=0), level)
    return Boundary(
        level=level,
        d=d,
        signal=estimate,
        interval=np.quantile(crossings, (0.025, 0.975), axis=0, method="nearest").T,
        slope=_slope(d, estimate),
        slope_interval=tuple(np.quantile(slopes, (0.025, 0.975))),
    )


def _crossings(signal: np.ndarray, error: np.ndarray, level: float) -> np.ndarray:
    return np.array([critical_signal(signal, row, level) for row in error])


def _slope(d: np.ndarray, crossing: np.ndarray) -> float:
    """Least-squares slope in logarithms; NaN when a crossing is censored."""
    if len(d) < 2 or not np.all((crossing > 0) & np.isfinite(crossing)):
        return float("nan")
    return float(np.polyfit(np.log(d), np.log(crossing), 1)[0])
