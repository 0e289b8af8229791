"""Estimates with their uncertainty, and the fits that make them.

Replicates (whole data sets with their seeds) are the unit of everything: intervals come from how a statistic differs
between replicates, or between bootstrap samples of replicates, never from cells that share their random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from simulate.house import checks, ties
from simulate.house.counting import counted

__all__ = [
    "CORRELATIONS",
    "EQUIVALENCE_LEVEL",
    "FAMILY_LEVEL",
    "Estimate",
    "allowing_for_rare",
    "between_halves",
    "bootstrap",
    "bootstrap_between_halves",
    "exact",
    "from_fractions",
    "from_replicates",
    "jackknife",
    "slope",
    "slopes",
    "worst_of",
]

FAMILY_LEVEL = 0.95
"""Probability that all intervals of a family of claims cover together (Bonferroni)."""
CORRELATIONS = (-1.0, 1.0)
"""Where correlations lie, of ranks and of orders too."""
MOST_ROWS = 10**9
"""Intervals that a family may have."""
EQUIVALENCE_LEVEL = 0.90
"""The same where a region has two borders: two one-sided tests at 5 % are an interval of 90 %."""


_MOST = 10**7
"""Most replicates and resamples of a bootstrap."""


@dataclass(frozen=True)
class Estimate:
    """A number, and how well it is known.

    Attributes:
        value: The estimate; NaN if it could not be made.
        standard_error: Its standard error; 0 for what is exact.
        degrees_of_freedom: Those of the standard error, number of replicates less one.
        comparisons: Number of candidates it was picked from (the worst of so many cells); its interval allows for it.
        range: Values the number can have at all, such as 0 to 1 of a fraction; its interval ends there.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float
    comparisons: int = 1
    range: tuple[float, float] = (-math.inf, math.inf)

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is no number or out of range; the message names it.
        """
        for name in ("value", "standard_error", "degrees_of_freedom"):
            checks.number(name, getattr(self, name))
        if self.standard_error < 0.0:
            checks.fail("standard_error", "not be negative", self.standard_error)
        checks.integer("comparisons", self.comparisons, least=1)
        low, high = self.range
        if not low < high:
            checks.fail("range", "have a lower end below its upper end", self.range)

    def interval(self, rows: int = 1, level: float = FAMILY_LEVEL) -> tuple[float, float]:
        """Student's interval, one of `rows` that are to cover together with a probability.

        Args:
            rows: Number of intervals of the family.
            level: Probability that all of them cover.

        Returns:
            Both ends, inside of `range`; NaN without a standard error.

        Example:
            >>> Estimate(1.0, 0.1, 9).interval()
            (0.774, 1.226)
            >>> Estimate(1.0, 0.1, 9).interval(rows=20)
            (0.585, 1.415)
        """
        checks.integer("rows", rows, least=1, most=MOST_ROWS)
        checks.real("level", level, positive=True)
        if level >= 1.0:
            checks.fail("level", "be below 1", level)
        if not math.isfinite(self.value) or not math.isfinite(self.standard_error):
            return math.nan, math.nan
        if self.standard_error == 0.0:
            return self.value, self.value
        if self.degrees_of_freedom < 1:
            return math.nan, math.nan
        reach = self._reach(rows, level) * self.standard_error
        return max(self.value - reach, self.range[0]), min(self.value + reach, self.range[1])

    def detectable(self, rows: int = 1, level: float = FAMILY_LEVEL, power: float = 0.8) -> float:
        """The least effect whose sign an experiment like this one would have seen: its interval excludes 0.

        Args:
            rows: Number of intervals of the family.
            level: Probability that all of them cover.
            power: Probability with which such an effect is seen.

        Returns:
            The effect, by the noncentral t distribution; NaN without an interval, 0 without a standard error.

        Example:
            >>> round(Estimate(0.0, 0.01, 29).detectable(), 4), round(Estimate(0.0, 0.01, 29).detectable(rows=10), 4)
            (0.029, 0.0392)
        """
        checks.real("power", power, positive=True)
        if not level < 1.0 or not 0.5 <= power < 1.0:
            checks.fail("power", "lie in [0.5, 1)", power)
        if math.isnan(self.interval(rows, level)[0]):
            return math.nan
        if self.standard_error == 0.0:
            return 0.0
        return float(nctdtrinc(self.degrees_of_freedom, 1.0 - power, self._reach(rows, level))) * self.standard_error

    def _reach(self, rows: int, level: float) -> float:
        """Standard errors from the estimate to either end of its interval."""
        return -float(stdtrit(self.degrees_of_freedom, (1.0 - level) / (2.0 * rows * self.comparisons)))


def exact(value: float) -> Estimate:
    """An estimate without chance, such as the largest deviation from an identity."""
    array = checks.number_array("value", value)
    checks.shape("value", array, ())
    return Estimate(float(array), 0.0, math.inf)


def from_replicates(
    values: np.ndarray, comparisons: int = 1, range: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """Mean over independent replicates.

    Args:
        values: One number a replicate, (R,).
        comparisons: See `Estimate`.
        range: See `Estimate`.

    Returns:
        The estimate; NaN if a replicate has no number, since to leave it out would bias what remains.

    Raises:
        ValueError: if `values` is no list of numbers.
    """
    values = checks.number_array("values", values)
    if values.ndim != 1:
        checks.fail("values", "have one axis", values.shape)
    if len(values) < 2 or not np.isfinite(values).all():
        return Estimate(math.nan, math.nan, len(values) - 1, comparisons, range)
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite error leaves no interval
        error = float(values.std(ddof=1) / math.sqrt(len(values)))
        return Estimate(float(values.mean()), error, len(values) - 1, comparisons, range)


def from_fractions(values: np.ndarray, trials: float, comparisons: int = 1) -> Estimate:
    """Mean of fractions over replicates, each a fraction of many trials.

    Where all replicates agree (every neuron on, or off), the deviation between them says nothing of the uncertainty;
    the standard error is then at least that of (k + 1) / (N + 2) for k successes in all N trials.

    Args:
        values: One fraction a replicate, (R,).
        trials: Number of trials in a replicate, or their mean.
        comparisons: See `Estimate`.

    Example:
        >>> round(from_fractions(np.zeros(16), 100).standard_error, 5)
        0.00062

    Raises:
        ValueError: if `values` are no fractions or `trials` is not positive.
    """
    checks.real("trials", trials, positive=True)
    estimate = from_replicates(values, comparisons)
    if not math.isfinite(estimate.value):
        return estimate
    if np.min(values) < 0.0 or np.max(values) > 1.0:
        checks.fail("values", "lie in [0, 1]", [float(np.min(values)), float(np.max(values))])
    total = trials * len(values)
    shrunk = (estimate.value * total + 1.0) / (total + 2.0)
    floor = math.sqrt(shrunk * (1.0 - shrunk) / total)
    return replace(estimate, standard_error=max(estimate.standard_error, floor), range=(0.0, 1.0))


def allowing_for_rare(estimate: Estimate, n_replicates: int, most: float) -> Estimate:
    """A mean whose error allows for replicates that are too rare to have been met.

    Where nearly all replicates agree and one in a hundred is far away, a few that agree say nothing of that one. The
    standard error is then at least that of a value that is `most` away in one of N + 2 replicates, as `from_fractions`
    has it of a success that never came.

    Args:
        estimate: The mean.
        n_replicates: Number of replicates N that it was taken over.
        most: How far away a replicate can be.

    Example:
        >>> round(allowing_for_rare(from_replicates(np.zeros(18)), 18, most=0.4).standard_error, 4)
        0.0205
    """
    checks.integer("n_replicates", n_replicates, least=1)
    checks.real("most", most, positive=True)
    share = 1.0 / (n_replicates + 2.0)
    least = most * math.sqrt(share * (1.0 - share) / n_replicates)
    return replace(estimate, standard_error=max(estimate.standard_error, least))


def bootstrap(
    statistic: Callable[[np.ndarray], float], n_replicates: int, rng: np.random.Generator, resamples: int = 200
) -> Estimate:
    """A statistic of all replicates, with the standard error of the bootstrap over replicates.

    Args:
        statistic: Maps the chosen replicates, (R,) of whole numbers with repetitions, to a number.
        n_replicates: Number of replicates R.
        rng: Draws the resamples.
        resamples: Number of them.

    Returns:
        The estimate; NaN if more than one resample in twenty has no finite statistic (which is how censoring shows).

    Example:
        >>> values = np.arange(20.0)
        >>> estimate = bootstrap(lambda chosen: values[chosen].mean(), 20, np.random.default_rng(0))
        >>> estimate.value, round(estimate.standard_error, 1), round(float(values.std()) / 20**0.5, 1)
        (9.5, 1.3, 1.3)
    """
    checks.integer("n_replicates", n_replicates, least=2, most=_MOST)
    checks.integer("resamples", resamples, least=2, most=_MOST)
    value = statistic(np.arange(n_replicates))
    again = np.array([statistic(rng.integers(n_replicates, size=n_replicates)) for _ in range(resamples)])
    known = again[np.isfinite(again)]
    if not math.isfinite(value) or len(known) < 0.95 * resamples:
        return Estimate(math.nan, math.nan, n_replicates - 1)
    # A bootstrap sample varies by (R - 1) / R of what a fresh sample does.
    error = float(known.std(ddof=1)) * math.sqrt(n_replicates / (n_replicates - 1))
    return Estimate(float(value), error, n_replicates - 1)


def jackknife(statistic: Callable[[np.ndarray], float], n_replicates: int) -> Estimate:
    """A statistic of all replicates, with the standard error of leaving out one after another.

    For what is smooth in the replicates, and dear: it takes as many statistics as there are replicates.

    Args:
        statistic: Maps the chosen replicates, (R,) of whole numbers, to a number.
        n_replicates: Number of replicates R.

    Returns:
        The estimate; NaN if one of the statistics is.

    Example:
        >>> values = np.arange(20.0)
        >>> found, mean = jackknife(lambda rows: float(values[rows].mean()), 20), from_replicates(values)
        >>> round(found.standard_error, 6) == round(mean.standard_error, 6)
        True
    """
    checks.integer("n_replicates", n_replicates, least=2, most=_MOST)
    everyone = np.arange(n_replicates)
    value = statistic(everyone)
    without = np.array([statistic(np.delete(everyone, row)) for row in everyone])
    if not math.isfinite(value) or not np.isfinite(without).all():
        return Estimate(math.nan, math.nan, n_replicates - 1)
    error = math.sqrt((n_replicates - 1) * float(np.square(without - without.mean()).mean()))
    return Estimate(float(value), error, n_replicates - 1)


def between_halves(values: np.ndarray) -> Estimate:
    """Mean of one half of the replicates, less that of the other half: an experiment against itself, with other seeds.

    Args:
        values: One number a replicate, (R,); the last of an odd number is left out.
    """
    values = checks.number_array("values", values)
    checks.shape("values", values, ("replicates",))
    pairs = len(values) // 2
    return from_replicates(values[: 2 * pairs : 2] - values[1 : 2 * pairs : 2])


def bootstrap_between_halves(
    statistic: Callable[[np.ndarray], float], n_replicates: int, rng: np.random.Generator, resamples: int = 200
) -> Estimate:
    """A statistic of one half of the replicates, less that of the other; NaN of fewer than four. See `bootstrap`."""
    if n_replicates < 4:
        return Estimate(math.nan, math.nan, 0)
    return bootstrap(
        lambda pairs: statistic(2 * pairs) - statistic(2 * pairs + 1), n_replicates // 2, rng, resamples
    )  # fmt: skip


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """Least-squares slope of y over x, (N,) each; NaN if a value is not finite or x does not vary."""
    y = checks.number_array("y", y)
    checks.shape("y", y, np.shape(x))
    return float(slopes(x, y[None])[0])


def slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least-squares slopes of the rows of y, (..., N), over x, (N,); NaN where a value is not finite.

    Raises:
        ValueError: if x is no list of numbers, or the rows of y are not as long.
    """
    x, y = checks.number_array("x", x), checks.number_array("y", y)
    checks.shape("x", x, ("points",))
    if y.shape[-1:] != x.shape:
        checks.fail("y", f"have rows of {counted(len(x), 'value')}, as many as `x`", y.shape)
    with np.errstate(all="ignore"):
        centred = x - x.mean()
        return np.asarray(y @ centred / (centred @ centred))


def worst_of(values: np.ndarray, pick: Callable[[np.ndarray], np.intp]) -> Estimate:
    """Mean over replicates in the cell whose mean is picked; its interval allows for the picking.

    Of cells whose means are tied (`simulate.house.ties`) the first is picked.

    Args:
        values: One row a replicate, (R, C).
        pick: `numpy.argmin` or `numpy.argmax`.

    Raises:
        ValueError: if `values` is no table of numbers, or `pick` neither of the two.
    """
    values = checks.number_array("values", values)
    checks.shape("values", values, ("replicates", "cells"))
    if pick is not np.argmin and pick is not np.argmax:
        checks.fail("pick", "be numpy.argmin or numpy.argmax", pick)
    chosen = ties.first_of(values.mean(axis=0), pick, scale=float(np.abs(values).mean(axis=0).max()))
    return from_replicates(values[:, chosen], comparisons=values.shape[1])
