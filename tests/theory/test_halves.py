"""Statistics of halves, by hand: one experiment in two, with other seeds."""

import math

import numpy as np
import pytest
from scipy import stats

from theory.statistics import (
    Estimate,
    between_halves,
    bootstrap,
    bootstrap_between_halves,
    from_fractions,
    from_replicates,
)


@pytest.mark.parametrize("last", [(), (99.0,)])
def test_halves_are_every_other_replicate(last: tuple[float, ...]) -> None:
    found = between_halves(np.array([5.0, 1.0, 7.0, 4.0, 6.0, 6.0, *last]))
    assert found == from_replicates(np.array([4.0, 3.0, 0.0]))
    assert found.standard_error == pytest.approx(stats.sem([4.0, 3.0, 0.0]))
    assert math.isnan(between_halves(np.array([1.0, 2.0, 3.0])).value)  # of one pair


def test_bootstrapped_halves_share_no_replicate() -> None:
    """Replicates of even and odd number: values of one half are 10 less than those of the other."""
    values = np.array([0.0, 10.0] * 5) + np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 2)
    seen: list[np.ndarray] = []

    def mean(rows: np.ndarray) -> float:
        seen.append(rows)
        return float(values[rows].mean())

    found = bootstrap_between_halves(mean, 11, np.random.default_rng(0), 50)
    assert (found.value, found.degrees_of_freedom) == (-10.0, 4)
    assert found.standard_error == 0.0  # pairs are drawn together, so that what they share cancels
    assert [rows.tolist() for rows in seen[:2]] == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    assert all((rows % 2 == number % 2).all() for number, rows in enumerate(seen))


def test_bootstrapped_halves_have_the_error_of_a_difference() -> None:
    values = np.random.default_rng(1).standard_normal(200)
    found = bootstrap_between_halves(lambda rows: float(values[rows].mean()), 200, np.random.default_rng(2), 2000)
    pairs = values[::2] - values[1::2]
    assert found.value == pytest.approx(pairs.mean())
    assert found.standard_error == pytest.approx(stats.sem(pairs), rel=0.06)


def test_both_ends_of_an_interval_stay_in_the_range() -> None:
    wide = Estimate(0.5, 1.0, 5, range=(0.0, 1.0))
    assert wide.interval() == (0.0, 1.0)
    high = from_fractions(np.array([1.0, 1.0, 0.9, 1.0]), 10)
    low_end, high_end = high.interval()
    assert high_end == 1.0
    shrunk = (39.0 + 1.0) / (40.0 + 2.0)
    error = max(stats.sem([1.0, 1.0, 0.9, 1.0]), math.sqrt(shrunk * (1 - shrunk) / 40))
    assert low_end == pytest.approx(0.975 - stats.t.ppf(0.975, 3) * error)


def test_a_bootstrap_leaves_out_what_is_censored_in_few_resamples() -> None:
    values = np.arange(1.0, 41.0)
    drawn = np.random.default_rng(3)
    means = np.array([values[drawn.integers(40, size=40)].mean() for _ in range(200)])
    limit = np.quantile(means, 0.97)

    def mean(rows: np.ndarray) -> float:
        found = float(values[rows].mean())
        return found if found < limit else math.nan

    found = bootstrap(mean, 40, np.random.default_rng(3))
    assert found.standard_error == pytest.approx(np.std(means[means < limit], ddof=1) * math.sqrt(40 / 39))
