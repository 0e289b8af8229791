"""Intervals cover as often as they say, by simulation; and what is not known is never given a number."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from theory.statistics import (
    FAMILY_LEVEL,
    Estimate,
    allowing_for_rare,
    between_halves,
    bootstrap,
    bootstrap_between_halves,
    exact,
    from_fractions,
    from_replicates,
    jackknife,
    slope,
    slopes,
    worst_of,
)


def reach(estimate: Estimate, rows: int = 1) -> float:
    """Half the width of an interval, in standard errors."""
    low, high = estimate.interval(rows)
    return (high - low) / (2.0 * estimate.standard_error)


@pytest.mark.parametrize(
    ("degrees", "rows", "comparisons", "by_hand"),
    [(9, 1, 1, 2.262157), (9, 20, 1, 4.1458), (4, 1, 1, 2.776445), (30, 1, 1, 2.042272), (9, 4, 5, 4.1458)],
)
def test_quantiles_of_student(degrees: float, rows: int, comparisons: int, by_hand: float) -> None:
    found = reach(Estimate(3.0, 0.5, degrees, comparisons), rows)
    assert found == pytest.approx(stats.t.ppf(1 - 0.025 / (rows * comparisons), degrees), rel=1e-9)
    assert found == pytest.approx(by_hand, rel=2e-3)


def test_more_rows_and_more_candidates_widen() -> None:
    widths = [
        reach(Estimate(0.0, 1.0, 9, comparisons), rows) for rows, comparisons in ((1, 1), (2, 1), (2, 3), (20, 3))
    ]
    assert widths == sorted(set(widths))
    assert reach(Estimate(0.0, 1.0, 9, 6), 1) == pytest.approx(reach(Estimate(0.0, 1.0, 9, 1), 6))


def test_an_interval_is_centred() -> None:
    low, high = Estimate(-2.0, 0.3, 7).interval(5)
    assert low + high == pytest.approx(-4.0)


@pytest.mark.parametrize("rows", [0, -1, 1.5, True, 10**400])
def test_a_number_of_rows_is_a_count(rows: object) -> None:
    with pytest.raises(ValueError, match="`rows`"):
        Estimate(0.0, 1.0, 9).interval(rows)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(math.nan, 0.1, 9),
        Estimate(1.0, math.nan, 9),
        Estimate(math.inf, 0.1, 9),
        Estimate(math.nan, 0.0, 9),
        Estimate(1.0, 0.1, 0),
        from_replicates(np.array([1.0])),
        from_replicates(np.array([1.0, 2.0, np.nan])),
        from_replicates(np.array([1.0, 2.0, np.inf])),
    ],
)
def test_what_is_not_known_has_no_interval(estimate: Estimate) -> None:
    assert np.isnan(estimate.interval()).all()


def test_what_is_exact_is_a_point() -> None:
    assert exact(0.25).interval(50) == (0.25, 0.25)


def test_replicates_by_hand() -> None:
    estimate = from_replicates(np.array([1.0, 2.0, 3.0, 6.0]))
    assert (estimate.value, estimate.degrees_of_freedom) == (3.0, 3)
    assert estimate.standard_error == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 3 / 4))


# --- coverage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replicates", [3, 10, 40])
def test_student_intervals_cover_as_often_as_they_say(replicates: int) -> None:
    samples = 2.0 + np.random.default_rng(replicates).standard_normal((4000, replicates))
    covered = [low <= 2.0 <= high for low, high in (from_replicates(sample).interval() for sample in samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)  # four standard errors


def test_a_whole_ledger_covers_at_least_as_often_as_it_says() -> None:
    rows = 12
    samples = np.random.default_rng(5).standard_normal((800, rows, 8))
    intervals = np.array([[from_replicates(row).interval(rows) for row in sample] for sample in samples])
    inside = (intervals[..., 0] <= 0.0) & (intervals[..., 1] >= 0.0)
    together = inside.all(axis=1).mean()
    assert FAMILY_LEVEL - 0.03 <= together <= FAMILY_LEVEL + 0.03
    alone = np.array([[from_replicates(row).interval() for row in sample] for sample in samples])
    assert ((alone[..., 0] <= 0.0) & (alone[..., 1] >= 0.0)).all(axis=1).mean() < 0.7  # what the correction is for


def test_bootstrap_intervals_of_a_ratio_cover() -> None:
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(300):
        x, y = 4.0 + rng.standard_normal(30), 2.0 + rng.standard_normal(30)
        ratio = bootstrap(lambda rows, x=x, y=y: y[rows].mean() / x[rows].mean(), 30, rng, 100)  # type: ignore[misc]
        low, high = ratio.interval()
        covered.append(low <= 0.5 <= high)
    assert 0.9 <= np.mean(covered) <= 0.985


def test_bootstrap_of_a_mean_is_the_mean() -> None:
    values = np.random.default_rng(3).exponential(size=25)
    estimate = bootstrap(lambda rows: values[rows].mean(), 25, np.random.default_rng(0), 4000)
    expected = from_replicates(values)
    assert estimate.value == pytest.approx(expected.value, rel=1e-12)
    assert estimate.standard_error == pytest.approx(expected.standard_error, rel=0.05)
    assert estimate.degrees_of_freedom == expected.degrees_of_freedom


def test_bootstrap_by_hand() -> None:
    """Its error is the deviation of these resamples, over √((R - 1)/R): a resample varies less than a fresh sample."""
    values, drawn = np.array([1.0, 4.0, 9.0, 16.0]), np.random.default_rng(7)
    means = [values[drawn.integers(4, size=4)].mean() for _ in range(50)]
    found = bootstrap(lambda rows: values[rows].mean(), 4, np.random.default_rng(7), 50)
    assert (found.value, found.degrees_of_freedom) == (7.5, 3)
    assert found.standard_error == pytest.approx(stats.tstd(means) * math.sqrt(4 / 3), rel=1e-12)
    usual = bootstrap(lambda rows: values[rows].mean(), 4, np.random.default_rng(7))
    assert usual == bootstrap(lambda rows: values[rows].mean(), 4, np.random.default_rng(7), 200)


def test_bootstrap_is_reproducible() -> None:
    values = np.arange(10.0) ** 2
    one, other = (bootstrap(lambda rows: np.median(values[rows]), 10, np.random.default_rng(7)) for _ in range(2))
    assert one == other


def test_bootstrap_shows_censoring() -> None:
    values = np.arange(10.0)

    def censored(rows: np.ndarray, limit: float) -> float:
        mean = float(values[rows].mean())
        return mean if mean < limit else math.nan

    rng = np.random.default_rng(0)
    assert math.isnan(bootstrap(lambda rows: censored(rows, 5.0), 10, rng).value)  # half of the resamples
    assert math.isnan(bootstrap(lambda rows: censored(rows, 4.0), 10, rng).value)  # the data themselves
    assert bootstrap(lambda rows: censored(rows, 8.0), 10, rng).value == 4.5


def test_bootstrap_needs_two_replicates() -> None:
    with pytest.raises(ValueError, match="`n_replicates`"):
        bootstrap(lambda rows: 0.0, 1, np.random.default_rng(0))


# --- slopes and worst cells ----------------------------------------------------------------------------


def test_slopes_are_those_of_a_line() -> None:
    x = np.array([1.0, 2.0, 4.0, 7.0])
    y = np.random.default_rng(0).standard_normal((2, 3, 4))
    expected = np.array([[np.polyfit(x, line, 1)[0] for line in lines] for lines in y])
    np.testing.assert_allclose(slopes(x, y), expected, rtol=1e-12)
    assert slope(x, 3.0 - 2.0 * x) == pytest.approx(-2.0)
    assert math.isnan(slope(x, np.array([1.0, np.nan, 2.0, 3.0])))


def test_the_worst_cell_pays_for_being_picked() -> None:
    cells = 20
    samples = np.random.default_rng(2).standard_normal((1500, 10, cells))
    worst = [worst_of(sample, np.argmax) for sample in samples]
    assert {estimate.comparisons for estimate in worst} == {cells}
    above = np.mean([estimate.interval()[0] > 0.0 for estimate in worst])
    naive = np.mean([from_replicates(s[:, s.mean(axis=0).argmax()]).interval()[0] > 0.0 for s in samples])
    assert above <= 0.05 < 0.2 < naive


def test_the_worst_cell_is_the_picked_one() -> None:
    values = np.array([[1.0, 5.0, 3.0], [2.0, 7.0, 4.0]])
    assert worst_of(values, np.argmax).value == 6.0
    assert worst_of(values, np.argmin).value == 1.5
    assert math.isnan(worst_of(np.array([[1.0, np.nan], [2.0, 3.0]]), np.argmax).value)


@pytest.mark.parametrize("bits", [-1e-16, 0.0, 1e-16])
def test_of_cells_with_tied_means_the_first_is_the_worst(bits: float) -> None:
    values = np.array([[0.9, 0.1, 0.2 + bits], [0.9, 0.5, 0.4]])
    assert worst_of(values, np.argmin).standard_error == pytest.approx(0.2)
    assert worst_of(-values, np.argmax).standard_error == pytest.approx(0.2)
    values[:, 2] -= 1e-9
    assert worst_of(values, np.argmin).standard_error == pytest.approx(0.1)


def test_fractions_that_all_agree_are_not_exact() -> None:
    none, all_of_them = (from_fractions(np.full(16, value), 100) for value in (0.0, 1.0))
    assert none.standard_error == pytest.approx(all_of_them.standard_error)
    assert 0 < none.standard_error < 0.002
    assert none.interval()[0] == 0.0 < none.interval()[1] < 0.01


def test_what_is_too_rare_to_be_met_is_allowed_for() -> None:
    """Where one replicate in forty errs by 0.4 more, samples of twenty mostly meet none or one."""
    rng = np.random.default_rng(0)
    met = rng.random((400, 20)) < 1 / 40
    means = [from_replicates(0.1 + 0.4 * row + 1e-4 * rng.standard_normal(20)) for row in met]
    allowing = [allowing_for_rare(mean, 20, most=0.4) for mean in means]
    covered = [
        np.mean([low <= 0.11 <= high for low, high in map(Estimate.interval, each)]) for each in (means, allowing)
    ]
    assert covered[0] < 0.45
    assert covered[1] > 0.97
    wide = Estimate(0.1, 0.3, 19)
    assert allowing_for_rare(wide, 20, most=0.4) == wide


def test_leaving_one_out_tells_the_error_of_what_is_smooth() -> None:
    """Of the logarithm of a mean: s / (x √R), which the bootstrap finds, too."""
    values = np.random.default_rng(1).gamma(4.0, size=60)
    found = jackknife(lambda rows: float(np.log(values[rows].mean())), 60)
    assert found.value == float(np.log(values.mean()))
    assert found.standard_error == pytest.approx(values.std(ddof=1) / values.mean() / 60**0.5, rel=0.02)
    assert found.degrees_of_freedom == 59
    gone = jackknife(lambda rows: float(values[rows].mean()) if 7 in rows else np.nan, 60)
    assert math.isnan(gone.value)  # one replicate without which there is no number
    assert math.isnan(gone.interval()[0])


def test_fractions_that_vary_keep_their_deviation() -> None:
    values = np.linspace(0.2, 0.8, 16)
    assert replace(from_fractions(values, 1000), range=Estimate(0.0, 1.0, 1).range) == from_replicates(values)


def test_an_interval_ends_where_the_number_must() -> None:
    low, high = Estimate(0.02, 0.1, 9, range=(0.0, 1.0)).interval()
    assert low == 0.0
    assert high == pytest.approx(0.02 + stats.t.ppf(0.975, 9) * 0.1)
    assert from_fractions(np.zeros(16), 100).interval() == (0.0, pytest.approx(0.0013, abs=1e-4))
    with pytest.raises(ValueError, match="`range`"):
        Estimate(0.0, 1.0, 9, range=(1.0, 0.0))


def test_the_level_is_that_of_all_intervals_together() -> None:
    low, high = Estimate(0.0, 1.0, 9).interval(rows=4, level=0.9)
    assert high == -low == pytest.approx(stats.t.ppf(1 - 0.1 / 8, 9))
    for level in (0.0, 1.0, "0.9"):
        with pytest.raises(ValueError, match="`level`"):
            Estimate(0.0, 1.0, 9).interval(level=level)  # type: ignore[arg-type]


def test_halves_of_an_experiment_differ_by_chance_alone() -> None:
    values = np.array([1.0, 0.0, 3.0, 1.0, 5.0, 2.0, 99.0])
    assert between_halves(values) == from_replicates(np.array([1.0, 2.0, 3.0]))
    rng = np.random.default_rng(0)
    sample = rng.standard_normal((200, 24))
    halves = [between_halves(row).interval() for row in sample]
    inside = [low < 0.0 < high for low, high in halves]
    assert np.mean(inside) > 0.9
    found = bootstrap_between_halves(lambda rows: float(values[rows].mean()), 6, np.random.default_rng(1))
    assert found.value == pytest.approx(2.0)
    assert not math.isfinite(bootstrap_between_halves(lambda rows: 1.0, 3, rng).value)


def test_two_replicates_have_an_interval_and_one_has_none() -> None:
    """With one degree of freedom Student's quantile is that of the Cauchy law, tan(π 0.475)."""
    low, high = Estimate(1.0, 0.1, 1).interval()
    assert (high - 1.0, 1.0 - low) == pytest.approx((0.1 * math.tan(math.pi * 0.475),) * 2)
    assert all(math.isnan(end) for end in Estimate(1.0, 0.1, 0).interval())
