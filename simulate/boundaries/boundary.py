"""From a phase map to the boundary between benign and harmful overfitting, and its exponent.

`critical_values` reads the boundary off any swept dataset; `fit_boundary` is the one over d, with its exponent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray
from scipy.optimize import isotonic_regression

from simulate.house import checks, ties
from simulate.problems.streams import stream

__all__ = ["Boundary", "check_level", "critical_signal", "critical_values", "crossing", "fit_boundary"]

_MOST_RESAMPLES = 10**6
"""Most bootstrap resamples that can be asked for."""
_ENDS = (0.025, 0.975)
"""Quantiles between which 95 % of the resamples lie."""


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
        The critical signal; 0 if even the weakest signal is below the level, infinity if no signal is, NaN if an error
        is not finite.

    Example:
        >>> critical_signal(np.array([1.0, 4.0, 16.0]), np.array([0.5, 0.3, 0.1]), 0.4)
        2.0
    """
    if not np.isfinite(error).all():
        return np.nan
    before, share = crossing(error, level)
    if before < 0:
        return 0.0
    if before >= len(signal):
        return np.inf
    if share == 0.0:
        return float(signal[before])
    return float(signal[before] * (signal[before + 1] / signal[before]) ** share)


def crossing(error: np.ndarray, level: float) -> tuple[int, float]:
    """Where errors, made to fall, cross a level: the point before it and the share of the way to the next.

    An error that is tied with the level (`simulate.house.ties`) is at it: seeds are averaged in another order on
    another processor, and one step further along the axis is no small matter.

    Args:
        error: Mean errors along an axis, (S,).
        level: The level.

    Returns:
        The point and the share, 0 where the error of the point is at the level. The point is -1 if all errors are
        below the level, and S if none is at it or below.

    Example:
        >>> crossing(np.array([0.5, 0.1 + 0.2, 0.1]), 0.3), crossing(np.array([0.5, 0.4]), 0.3)
        ((1, 0.0), (2, 0.0))
    """
    falling = isotonic_regression(error, increasing=False).x
    reached = ties.at_most(falling, level)
    if not reached[-1]:
        return len(error), 0.0
    after = int(np.argmax(reached))
    if ties.tied(falling[after], level):
        return after, 0.0
    if after == 0:
        return -1, 0.0
    return after - 1, float((falling[after - 1] - level) / (falling[after - 1] - falling[after]))


def critical_values(
    data: xarray.Dataset | xarray.DataArray,
    level: float,
    *,
    along: str = "signal",
    variable: str = "test_error",
    direction: Literal["falling", "rising"] = "falling",
    spacing: Literal["log", "linear"] = "log",
    resamples: int = 1000,
    seed: int = 0,
) -> xarray.Dataset:
    """Find where the mean over seeds crosses a level along one axis, at every point of all others.

    The means are first made monotone (isotonic regression), then interpolated.

    Args:
        data: What `simulate.sweep` returned, or one variable of it, with a dimension "seed".
        level: The value that defines the boundary.
        along: The dimension, with at least two different values.
        variable: Name of the variable, one of numbers, in a dataset.
        direction: Whether the variable falls or rises along it.
        spacing: Whether it is interpolated in the logarithm of the axis, which must be positive then, or in the axis.
        resamples: Bootstrap resamples. Seeds are resampled for all points jointly, since the cells of a seed share
            their random numbers.
        seed: Seed of the bootstrap.

    Returns:
        Dataset over the other dimensions: "critical", its 95 % interval "low" and "high", and "censored": "no",
        "below" or "above" where the boundary lies below or above the range of the axis, "undefined" where a mean is
        not finite. A critical value below the range is -inf (0 in logarithms), one above it is inf; so may be the ends
        of an interval whose resamples leave the range.

    Raises:
        ValueError: if an argument is out of range or a dimension is missing.

    Example:
        >>> error = xarray.DataArray([[0.5, 0.3, 0.1]], dims=("seed", "signal"), coords={"signal": [1.0, 4.0, 16.0]})
        >>> critical_values(error, 0.4).critical.item()
        2.0
    """
    values, axis = _ordered(data, along, variable, spacing)
    checks.real("level", level)
    checks.choice("direction", direction, ("falling", "rising"))
    draws = _resampled(values.sizes["seed"], resamples, seed)
    order = np.argsort(axis)[:: 1 if direction == "falling" else -1]
    axis, table = axis[order], values.values[..., order]
    others = values.isel({"seed": 0, along: 0}, drop=True)
    rows = table.reshape(len(table), -1, len(axis))
    weights = np.stack([np.bincount(drawn, minlength=len(rows)) for drawn in draws]) / len(rows)
    found = np.empty((rows.shape[1], 3))
    for number in range(rows.shape[1]):
        with np.errstate(over="ignore", invalid="ignore"):  # a mean that is not finite leaves its value undefined
            means = weights @ rows[:, number]
            estimate = _place(axis, rows[:, number].mean(axis=0), level)
        spread = [_place(axis, mean, level) for mean in means]
        found[number] = estimate, *np.quantile(spread, _ENDS, method="nearest")
    if spacing == "log":
        found = np.exp(found)
    outside = found[:, 0] == (0.0 if spacing == "log" else -np.inf)
    flags = np.where(outside, "below", np.where(found[:, 0] == np.inf, "above", "no"))
    columns = {"critical": found[:, 0], "low": found[:, 1], "high": found[:, 2]}
    columns["censored"] = np.where(np.isnan(found[:, 0]), "undefined", flags)
    attributes = {"level": level, "along": along, "variable": str(values.name)}
    made = {name: (others.dims, column.reshape(others.shape)) for name, column in columns.items()}
    return xarray.Dataset(made, coords=others.coords, attrs=attributes)


def _ordered(
    data: xarray.Dataset | xarray.DataArray, along: str, variable: str, spacing: str
) -> tuple[xarray.DataArray, np.ndarray]:
    """A variable with its seeds first and the axis last, and the axis as it is interpolated."""
    checks.choice("spacing", spacing, ("log", "linear"))
    if isinstance(data, xarray.Dataset):
        checks.choice("variable", variable, [str(name) for name, each in data.items() if each.dtype.kind in "fiu"])
        data = data[variable]
    if not isinstance(data, xarray.DataArray) or "seed" not in data.dims:
        checks.fail("data", 'be a swept dataset, or an array with a dimension "seed"', data)
    if data.dtype.kind not in "fiub" or not data.size:
        checks.fail("data", "hold numbers", data.dtype if data.size else dict(data.sizes))
    choices = [str(dim) for dim in data.dims if dim != "seed"]
    checks.choice("along", along, choices)
    axis = np.asarray(data[along].values)
    if axis.dtype.kind not in "iuf" or len(np.unique(axis)) < max(2, len(axis)) or not np.isfinite(axis).all():
        checks.fail("along", "name an axis of at least two different numbers", along)
    if spacing == "log" and axis.min() <= 0:
        checks.fail("spacing", 'be "linear" where the axis is not positive', spacing)
    others = [dim for dim in data.dims if dim not in ("seed", along)]
    return data.transpose("seed", *others, along), np.log(axis) if spacing == "log" else axis.astype(float)


def _place(axis: np.ndarray, error: np.ndarray, level: float) -> float:
    """Crossing on an axis along which the error falls; infinite on the side of the range on which it lies."""
    if not np.isfinite(error).all():
        return np.nan
    before, share = crossing(error, level)
    rising = 1.0 if axis[-1] > axis[0] else -1.0
    if before < 0:
        return -np.inf * rising
    if before >= len(axis):
        return np.inf * rising
    return float(axis[before] + share * (axis[before + 1] - axis[before])) if share > 0.0 else float(axis[before])


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
    if not isinstance(error, xarray.DataArray) or set(error.dims) != {"d", "signal", "seed"} or not error.size:
        checks.fail("error", 'have dimensions "d", "signal" and "seed"', getattr(error, "dims", error))
    if error.dtype.kind not in "fiub":
        checks.fail("error", "hold numbers", error.dtype)
    for name in ("d", "signal"):
        axis = checks.real_array(name, error[name].values)
        if axis.min() <= 0.0 or (name == "signal" and (np.diff(axis) <= 0.0).any()) or len(set(axis)) < len(axis):
            checks.fail(name, "be positive, different and, for the signal, ascending", axis.tolist())
    values = error.transpose("seed", "d", "signal").values
    d, signal = error["d"].values.astype(float), error["signal"].values.astype(float)
    draws = _resampled(len(values), resamples, seed)
    with np.errstate(over="ignore", invalid="ignore"):  # a mean that is not finite leaves its crossing undefined
        crossings = np.array([_crossings(signal, values[chosen].mean(axis=0), level) for chosen in draws])
        estimate = _crossings(signal, values.mean(axis=0), level)
    slopes = np.array([_slope(d, crossing) for crossing in crossings])
    return Boundary(
        level=level,
        d=d,
        signal=estimate,
        interval=np.quantile(crossings, _ENDS, axis=0, method="nearest").T,
        slope=_slope(d, estimate),
        slope_interval=tuple(np.quantile(slopes, _ENDS)),
    )


def _resampled(n_seeds: int, resamples: int, seed: int) -> np.ndarray:
    """Bootstrap samples of the seeds, (resamples, n_seeds), for all cells: those of a seed share random numbers."""
    checks.integer("resamples", resamples, least=100, most=_MOST_RESAMPLES)
    return stream(seed, "bootstrap").integers(n_seeds, size=(resamples, n_seeds))


def _crossings(signal: np.ndarray, error: np.ndarray, level: float) -> np.ndarray:
    return np.array([critical_signal(signal, row, level) for row in error])


def _slope(d: np.ndarray, crossing: np.ndarray) -> float:
    """Least-squares slope in logarithms; NaN when a crossing is censored."""
    if len(d) < 2 or not np.all((crossing > 0) & np.isfinite(crossing)):
        return float("nan")
    return float(np.polyfit(np.log(d), np.log(crossing), 1)[0])
