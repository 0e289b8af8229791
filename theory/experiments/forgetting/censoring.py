"""Thresholds that are known only to lie between two tries: a normal law of their log-odds, by maximum likelihood.

A replicate is tried at a few α, ascending. If it is well from some α on, its threshold lies between the largest α at
which it is not and the next one; if it always is, below the least; if it never is, above the largest. All three are
intervals, and none is left out: leaving out the last two would pull every curve to the middle of the range.

Where most thresholds lie beyond the ends, their spread is large and badly known, and so is every mean: a few decades of
α say little of hundreds. Shifts in units of the spread are known all the same, by how often an α is enough here and how
often there. The law is therefore fitted by them, in which its likelihood is concave, too (Burridge 1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

from simulate.house import checks

__all__ = ["LogOdds", "brackets"]

_WIDEST = 1e3
"""Largest spread of a law, in log-odds; it comes of none but thresholds beyond the ends."""
_FARTHEST = 8.0
"""Shifts, and logarithm of the precision, from which on nothing holds them: a probability of 10^-15 is none."""


def brackets(alpha: np.ndarray, well: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Between which log-odds the α of each replicate lies from which on it is well.

    Args:
        alpha: The α that were tried, (A,), ascending, inside of (0, 1).
        well: Whether a replicate was well at each, (..., A) of bool.

    Returns:
        Lower and upper ends, (...) each; infinite where the threshold lies beyond all tries.

    Example:
        >>> low, high = brackets(np.array([0.25, 0.5, 0.75]), np.array([[False, True, True], [True, False, False]]))
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([-1.1, 1.1], [0.0, inf])
    """
    alpha = checks.number_array("alpha", alpha)
    if not ((np.diff(alpha) > 0.0).all() and alpha.min() > 0.0 and alpha.max() < 1.0):
        checks.fail("alpha", "be ascending, between 0 and 1", alpha.tolist())
    odds = np.concatenate([[-np.inf], np.log(alpha / (1.0 - alpha)), [np.inf]])
    from_here = np.logical_and.accumulate(np.asarray(well, dtype=bool)[..., ::-1], axis=-1)
    first = len(alpha) - from_here.sum(axis=-1)  # of the α from which on all are well
    return odds[first], odds[first + 1]


@dataclass(frozen=True)
class LogOdds:
    """A law of thresholds: log-odds are normal, with a mean that is linear in some factors.

    Attributes:
        shifts: Coefficients of the factors, in standard deviations, (K,).
        spread: Standard deviation.
    """

    shifts: np.ndarray
    spread: float

    @property
    def slopes(self) -> np.ndarray:
        """Coefficients of the factors, in log-odds, (K,)."""
        return self.shifts * self.spread

    @classmethod
    def fit(cls, factors: np.ndarray, low: np.ndarray, high: np.ndarray, start: LogOdds | None = None) -> LogOdds:
        """The law of the greatest likelihood.

        Args:
            factors: Factors of each threshold, (N, K), one column of them constant.
            low: Lower ends of the intervals, (N,).
            high: Upper ends, (N,).
            start: A law nearby.

        Returns:
            The law; NaN where the likelihood has no greatest value, as when all thresholds lie beyond one end, or all
            of those with some value of a factor.
        """
        factors = checks.number_array("factors", factors)
        checks.shape("factors", factors, ("thresholds", "factors"))
        unknown = cls(np.full(factors.shape[1], np.nan), np.nan)
        if np.isneginf(low).all() or np.isposinf(high).all():
            return unknown
        if start is None or not np.isfinite(start.spread):
            middle = np.clip(0.5 * (np.clip(low, -5.0, 5.0) + np.clip(high, -5.0, 5.0)), -5.0, 5.0)
            first = np.append(np.linalg.lstsq(factors, middle, rcond=None)[0], 0.0)
        else:
            first = np.append(start.shifts, -np.log(start.spread))
        found = minimize(_cost, first, args=(factors, low, high), jac=True, method="BFGS", options={"gtol": 1e-6})
        if not (np.isfinite(found.x[:-1]).all() and max(abs(found.x[:-1]).max(), found.x[-1]) < _FARTHEST):
            return unknown
        return cls(found.x[:-1], 1.0 / _precision(found.x))

    def median(self, factors: np.ndarray) -> np.ndarray:
        """The α that suffices for half of the replicates, (...) of factors (..., K)."""
        return np.asarray(1.0 / (1.0 + np.exp(-(factors @ self.slopes))))


def _cost(parameters: np.ndarray, factors: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, np.ndarray]:
    """Minus the mean log-likelihood, and its gradient; parameters are shifts and the logarithm of the precision."""
    precision, mean = _precision(parameters), factors @ parameters[:-1]
    a, b = precision * low - mean, precision * high - mean
    flipped = a > 0.0  # in the right tail differences of Φ lose their digits
    left, right = np.where(flipped, -b, a), np.where(flipped, -a, b)
    log_mass = log_ndtr(right) + np.log1p(-np.exp(np.minimum(log_ndtr(left) - log_ndtr(right), -1e-300)))
    density_a, density_b = (_density(ends) for ends in (a, b))
    mass = np.exp(log_mass)
    mass = np.where(mass > 0.0, mass, 1e-300)
    by_mean = (density_a - density_b) / mass
    by_precision = (_times(high, density_b) - _times(low, density_a)) / mass
    slope = np.append(factors.T @ by_mean, by_precision.sum() * np.exp(parameters[-1]))
    return float(-log_mass.mean()), -slope / len(low)


def _precision(parameters: np.ndarray) -> float:
    """One over the spread."""
    return float(np.exp(parameters[-1])) + 1.0 / _WIDEST


def _density(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * np.square(z)) / np.sqrt(2.0 * np.pi))


def _times(end: np.ndarray, density: np.ndarray) -> np.ndarray:
    """An end times its density, which is 0 at infinity."""
    return np.where(np.isfinite(end), end, 0.0) * density
