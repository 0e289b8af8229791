"""How much of what an effect varies over protocols goes with which choice.

An effect is taken apart as in an analysis of variance over all protocols, each counted alike: a mean, what each value
of a choice adds to it on average (the main effect), what each pair of values of two choices adds to these, and the
rest. The share of a choice is the mean square of what its values add, over the sum of these of all choices and the
variance of the rest.

Least squares give estimates of what values add; their squares are too large by the variance of these estimates, which
is subtracted (each protocol's from its own residual, as HC2 has it). So a share is unbiased, and 0 on average where the
choice changes nothing, whatever the noise of the effects. Pairs are estimated one at a time beside all main effects.
What is random about the rest (other pairs, noise) is resampled as the residuals with random signs, for intervals that
cover together: those of all main effects with 95 %, and those of all pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import combinations

import numpy as np
from scipy.special import ndtri, stdtrit

from simulate.house import checks
from simulate.house.ties import ROUNDING
from theory.statistics import FAMILY_LEVEL

__all__ = ["Share", "shares_of"]

_LEAST_DEGREES = 4
"""Protocols beyond the number of coefficients without which nothing is said of a share, and"""
_LEAST_PART = 0.25
"""the part of all protocols that these have to be."""
_FREE = 0.05
"""Part of its own noise that a residual must show; where it is less, the mean of all residuals stands for it."""


@dataclass(frozen=True)
class Share:
    """Share of the variance of an effect.

    Attributes:
        choices: Place of the choice, or of both of a pair.
        value: The estimate; it may be below 0 by chance.
        low: Lower end of its interval.
        high: Upper end.
    """

    choices: tuple[int, ...]
    value: float
    low: float
    high: float


def shares_of(levels: np.ndarray, effects: np.ndarray, rng: np.random.Generator, resamples: int = 1000) -> list[Share]:
    """Shares of all choices, then of all pairs of them, as far as the protocols tell.

    Args:
        levels: The value of each choice in each protocol, by its place, (protocols, choices), whole numbers.
        effects: The effect of each, (protocols,).
        rng: Draws the resamples.
        resamples: Number of them.

    Returns:
        The shares; without those of choices and pairs that too few protocols tell apart, and none if all effects are
        the same.

    Example:
        >>> levels = np.array([[a, b] for a in range(4) for b in range(4)])
        >>> effects = levels[:, 0] + 0.01 * np.random.default_rng(0).standard_normal(16)
        >>> [round(share.value, 2) + 0.0 for share in shares_of(levels, effects, np.random.default_rng(0))]
        [1.0, 0.0]
    """
    effects = checks.real_array("effects", effects)
    levels = np.asarray(levels, dtype=int)
    checks.shape("levels", levels, (len(effects), "choices"))
    if len(effects) < 2 or np.ptp(effects) <= ROUNDING * np.abs(effects).max():
        return []
    mains, pairs = _fits(np.ascontiguousarray(levels).tobytes(), *levels.shape)
    if mains is None:
        return []
    signs = rng.choice((-1.0, 1.0), (len(effects), resamples))
    found = _estimated(mains, mains, [term.choices for term in mains.terms], effects, signs, len(mains.terms))
    for pair, fit in pairs.items():
        if fit is not None:
            found += _estimated(fit, mains, [pair], effects, signs, len(pairs))
    return found


# --- least squares -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Term:
    """What one choice adds, or two together.

    Attributes:
        choices: Their places.
        solver: Maps effects to coefficients, (coefficients, protocols).
        square: Quadratic form of the coefficients that is the mean square of what they add.
    """

    choices: tuple[int, ...]
    solver: np.ndarray
    square: np.ndarray

    def added(self, effects: np.ndarray) -> np.ndarray:
        """Mean square of what it adds, for each column of effects without noise."""
        coefficients = self.solver @ effects
        return np.asarray((coefficients * (self.square @ coefficients)).sum(axis=0))

    def mean_square(self, effects: np.ndarray, variances: np.ndarray) -> np.ndarray:
        """The same, less what noise of some variances makes of it."""
        weights = ((self.square @ self.solver) * self.solver).sum(axis=0)
        return np.asarray(self.added(effects) - weights @ variances)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Least squares with all main effects and perhaps a pair.

    Attributes:
        terms: All of them.
        hat: Maps effects to fitted ones, (protocols, protocols).
        degrees: Protocols beyond the number of all coefficients.
    """

    terms: Sequence[_Term]
    hat: np.ndarray
    degrees: int

    def about(self, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Variance about the fit, of each protocol and of all together, for each column of effects."""
        squares = (effects - self.hat @ effects) ** 2
        pooled = squares.sum(axis=0) / self.degrees
        free = 1.0 - np.diagonal(self.hat)
        each = squares / np.maximum(free, _FREE).reshape(-1, *[1] * (effects.ndim - 1))
        each[free <= _FREE] = pooled
        return each, pooled

    def whole(self, effects: np.ndarray) -> np.ndarray:
        """Variance over all protocols, for each column of effects."""
        variances, rest = self.about(effects)
        return np.asarray(np.maximum(sum(term.mean_square(effects, variances) for term in self.terms), 0.0) + rest)


@lru_cache(maxsize=16)
def _fits(levels: bytes, protocols: int, choices: int) -> tuple[_Fit | None, dict[tuple[int, ...], _Fit | None]]:
    """The fits of all main effects, and of each pair beside them; claims that share choices share them."""
    table = np.frombuffer(levels, dtype=int).reshape(protocols, choices)
    coded = {place: _coded(column) for place, column in enumerate(table.T) if np.ptp(column) > 0}
    alone: list[tuple[int, ...]] = [(place,) for place in coded]
    return _fitted(coded, alone), {pair: _fitted(coded, [*alone, pair]) for pair in combinations(coded, 2)}


def _fitted(coded: Mapping[int, np.ndarray], terms: Sequence[tuple[int, ...]]) -> _Fit | None:
    """The fit with some terms; None if the protocols do not tell its coefficients apart, or are too few."""
    columns = [_products([coded[place] for place in term]) for term in terms]
    if not columns:
        return None
    design = np.hstack([*columns, np.ones((len(columns[0]), 1))])
    degrees = len(design) - design.shape[1]
    if degrees < max(_LEAST_DEGREES, _LEAST_PART * len(design)) or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    inverse = np.linalg.pinv(design)
    solvers = np.split(inverse[:-1], np.cumsum([each.shape[1] for each in columns])[:-1])
    squares = [reduce(np.kron, [_square(coded[place]) for place in term]) for term in terms]
    return _Fit([_Term(*each) for each in zip(terms, solvers, squares, strict=True)], design @ inverse, degrees)


def _coded(column: np.ndarray) -> np.ndarray:
    """What the values of a choice add, as columns; their coefficients are those of all values but the last."""
    values, places = np.unique(column, return_inverse=True)
    return np.vstack([np.eye(len(values) - 1), -np.ones(len(values) - 1)])[places]


def _square(coded: np.ndarray) -> np.ndarray:
    """Quadratic form of the coefficients of a choice: the mean square over its values; the last is less all others."""
    count = coded.shape[1]
    return (np.eye(count) + 1.0) / (count + 1)


def _products(coded: Sequence[np.ndarray]) -> np.ndarray:
    """All products of columns."""
    return reduce(lambda one, other: (one[:, :, None] * other[:, None, :]).reshape(len(one), -1), coded)


# --- intervals -----------------------------------------------------------------------------------------


def _estimated(
    fit: _Fit,
    mains: _Fit,
    wanted: Sequence[tuple[int, ...]],
    effects: np.ndarray,
    signs: np.ndarray,
    family: int,
) -> list[Share]:
    """Shares of some terms of a fit.

    The errors of a share are those in other worlds, where the fitted effects are the true ones: from the true share
    there, and from its mean over these worlds, whichever makes the interval longer. The fit of main effects alone, by
    which the whole is known best, errs in a world where a pair does much. Intervals are stretched as Student's are,
    since few residuals say how large the noise is.

    Args:
        fit: The fit.
        mains: That of all main effects.
        wanted: The terms.
        effects: What was measured, (protocols,).
        signs: Of the noise in each of the other worlds, (protocols, resamples).
        family: Number of intervals that cover together.
    """
    fitted, (noise, _) = fit.hat @ effects, fit.about(effects)
    drawn = fitted[:, None] + np.sqrt(noise)[:, None] * signs
    variances, whole, wholes = fit.about(drawn)[0], mains.whole(effects), mains.whole(drawn)
    added = {term.choices: float(term.added(fitted)) for term in fit.terms}
    true_whole = sum(added.values()) + float(noise.mean())
    tail = (1.0 - FAMILY_LEVEL) / (2.0 * family)
    stretch = float(stdtrit(fit.degrees, 1.0 - tail) / ndtri(1.0 - tail))
    found = []
    for term in (term for term in fit.terms if term.choices in wanted):
        value = float(term.mean_square(effects, noise) / whole)
        shares = term.mean_square(drawn, variances) / wholes
        least, most = np.quantile(shares, [tail, 1.0 - tail])
        centres = (added[term.choices] / true_whole, float(shares.mean()))
        low = value - stretch * (float(most) - min(centres))
        high = value + stretch * (max(centres) - float(least))
        found.append(Share(term.choices, value, low, min(high, 1.0)))
    return found
