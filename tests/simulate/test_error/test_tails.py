import itertools
import math
import re

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numba import njit
from scipy import integrate
from scipy.special import log_ndtr

from simulate.test_error import lines, tails

REALS = [-1e3, -40.0, -8.0, -1.0, -1e-8, 0.0, 0.5, 3.0, 24.999, 25.0, 40.0, 1e3, 1e8]


def tilt(y, mean, load, left, right):
    x = mean + load * y
    return np.where(x < 0, left, right) * x


def quadrature(tilts, upper=math.inf):
    """∫ φ(y) exp(Σ τ(y)) dy below `upper`, piece by piece between the kinks."""
    kinks = sorted(-mean / load for mean, load, _, _ in tilts)
    edges = [-40.0, *(k for k in kinks if -40.0 < k < min(upper, 40.0)), min(upper, 40.0)]

    def density(y):
        return math.exp(-0.5 * y * y + sum(float(tilt(y, *terms)) for terms in tilts)) / math.sqrt(2 * math.pi)

    return sum(
        integrate.quad(density, a, b, epsabs=0.0, epsrel=1e-11, limit=200)[0] for a, b in itertools.pairwise(edges)
    )


def split(tilts):
    terms = np.zeros((5, len(tilts)))
    terms[1:] = np.transpose(tilts)
    pieces = np.empty((4, len(tilts) + 1))
    return tails.split_tilted_normal(terms, len(tilts), np.arange(len(tilts)), pieces), pieces


@pytest.mark.parametrize("x", REALS)
def test_log_mills_ratio(x):
    with mpmath.workdps(50):
        tail = mpmath.erfc(x / mpmath.sqrt(2)) / 2
        exact = mpmath.log(tail) + (mpmath.mpf(x) ** 2 + mpmath.log(2 * mpmath.pi)) / 2
    assert tails.log_mills_ratio(x) == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("x", REALS)
def test_log_normal_tail(x):
    assert tails.log_normal_tail(x) == pytest.approx(log_ndtr(-x), rel=1e-14, abs=1e-15)


def test_log_normal_tail_at_the_ends():
    assert tails.log_normal_tail(math.inf) == -math.inf
    assert tails.log_normal_tail(-math.inf) == 0.0


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(-1.0, 2.0), (3.0, 3.1), (-50.0, -49.9), (200.0, 200.001), (-math.inf, -30.0), (5.0, math.inf), (-38.0, -1.0)],
)
def test_log_normal_interval(lower, upper):
    with mpmath.workdps(50):
        near, far = (lower, upper) if lower >= 0 else (-upper, -lower)
        exact = mpmath.log((mpmath.erfc(near / mpmath.sqrt(2)) - mpmath.erfc(far / mpmath.sqrt(2))) / 2)
    assert tails.log_normal_interval(lower, upper) == pytest.approx(float(exact), rel=1e-12, abs=1e-11)


def test_an_empty_interval_has_no_probability():
    assert tails.log_normal_interval(1.0, 1.0) == -math.inf
    assert tails.log_normal_interval(2.0, 1.0) == -math.inf


@pytest.mark.parametrize("log_probability", [-1e-12, -0.01, -0.5, -0.7, -2.0, -30.0, -649.0, -651.0, -1e4, -1e8, -1e14])
def test_quantile_inverts_the_tail(log_probability):
    x = tails.normal_tail_quantile(log_probability)
    tolerance = 1e-10 if log_probability < -1e-3 else 1e-4  # relative to a probability that is nearly one
    assert log_ndtr(-x) == pytest.approx(log_probability, rel=tolerance)


@given(st.floats(-30, 30), st.floats(1e-6, 20), st.floats(0, 1))
def test_truncated_normal_is_a_quantile(lower, width, fraction):
    z = tails.truncated_normal(lower, lower + width, fraction)
    assert lower <= z <= lower + width
    log_mass = tails.log_normal_interval(lower, lower + width)
    below = math.exp(tails.log_normal_interval(lower, z) - log_mass)
    assert below == pytest.approx(fraction, abs=2e-5 if width < 1e-3 else 1e-7)


def test_truncated_normal_at_the_ends():
    assert tails.truncated_normal(-math.inf, math.inf, 0.5) == pytest.approx(0.0, abs=1e-15)
    assert tails.truncated_normal(40.0, math.inf, 0.0) == pytest.approx(40.0, rel=1e-12)
    assert tails.truncated_normal(-3.0, 5.0, 1.0) == pytest.approx(5.0)


SLOPE = st.floats(-6, 6)
TILT = st.tuples(st.floats(-4, 4), st.one_of(st.floats(0.05, 3), st.floats(-3, -0.05)), SLOPE, SLOPE)


@given(st.lists(TILT, min_size=1, max_size=4), st.floats(0.001, 0.999))
def test_tilted_normal_against_quadrature(tilts, fraction):
    log_mass, pieces = split(tilts)
    total = quadrature(tilts)
    assert log_mass == pytest.approx(math.log(total), abs=1e-8)
    assert pieces[3].sum() == pytest.approx(1.0)
    y = tails.tilted_normal(pieces, len(tilts), fraction)
    assert quadrature(tilts, y) / total == pytest.approx(fraction, abs=1e-6)


def moved(mean, load, left, right, y):
    """What the fast case finds for one draw: the quantile and the log mass."""
    found = np.empty((2, 1))
    tails.kinked_normals(np.array([mean]), load, left, right, np.array([y]), found)
    return found[:, 0]


@given(st.floats(-8, 8), st.one_of(st.floats(0.05, 3), st.floats(-3, -0.05)), SLOPE, SLOPE, st.floats(-3.1, 3.1))
def test_the_fast_case_agrees_with_the_general_one(mean, load, left, right, y):
    log_mass, pieces = split([(mean, load, left, right)])
    value, fast_log_mass = moved(mean, load, left, right, y)
    assume(not math.isnan(fast_log_mass))  # it leaves what may underflow to the general case
    assert fast_log_mass == pytest.approx(log_mass, abs=1e-10)
    assert value == pytest.approx(tails.tilted_normal(pieces, 1, 0.5 * math.erfc(-y * math.sqrt(0.5))), abs=1e-8)


def test_a_steep_tilt_is_an_exponential_law_at_the_kink():
    mean, load, slope = -2.0, 1.0, 1e4  # the kink lies at y = 2, and either side decays at once
    assert np.isnan(moved(mean, load, slope, -slope, 0.0)[1])
    log_mass, pieces = split([(mean, load, slope, -slope)])
    assert log_mass == pytest.approx(-2.0 - 0.5 * math.log(2 * math.pi) + math.log(2 / slope), abs=1e-6)
    assert tails.tilted_normal(pieces, 1, 0.75) - 2.0 == pytest.approx(math.log(2) / slope, rel=1e-3)


def test_draws_that_the_fast_case_leaves_are_moved_one_by_one():
    rng = np.random.default_rng(3)
    n, first, terms = 101, 9, np.zeros((5, 3))
    terms[2:, 0] = 1.5, -4.0, 7.0
    means, before = 40.0 * rng.standard_normal((1, n)), rng.standard_normal(n)
    means[0, :4], before[10], means[0, 11], before[12] = (0.0, np.inf, -np.inf, 300.0), 39.0, np.nan, np.nan
    y, log_tilts, found = before.copy(), np.ones(n), np.empty((2, n))
    tails.tilt_coordinate(means, terms, 1, np.arange(3), np.empty((4, 4)), first, y, log_tilts, found)
    assert 10 < np.isnan(found[1]).sum() < n - 10
    for k in range(n):
        log_mass, pieces = split([(means[0, k], *terms[2:, 0])])
        value = (
            tails.tilted_normal(pieces, 1, 0.5 * math.erfc(-before[k] * math.sqrt(0.5))) if k >= first else before[k]
        )
        assert log_tilts[k] == pytest.approx(1.0 - log_mass, abs=1e-9, nan_ok=True)
        assert y[k] == pytest.approx(value, abs=1e-8, nan_ok=True)


def test_draws_are_moved_by_the_vector_unit():
    moving = njit(error_model="numpy")(tails.kinked_normals.py_func)
    moving(np.ones(1), 1.0, 1.0, -1.0, np.ones(1), np.empty((2, 1)))
    (code,) = moving.inspect_llvm().values()
    assert re.search(r"= fdiv <[248] x double>", code), "a call or a branch has got into the loop"


def test_tilting_coordinates_keeps_account_of_the_density():
    rng = np.random.default_rng(0)
    n, count = 4000, 2
    means, terms = rng.standard_normal((count, n)), np.zeros((5, 3))
    terms[2:, 0], terms[2:, 1] = (1.0, 2.0, -1.5), (-0.7, -1.0, 0.5)
    y, log_tilts = rng.standard_normal(n), np.zeros(n)
    plain = y.copy()
    tails.tilt_coordinate(means, terms, count, np.arange(3), np.empty((4, 4)), n // 2, y, log_tilts, np.empty((2, n)))
    assert np.array_equal(y[: n // 2], plain[: n // 2])
    assert not np.any(y[n // 2 :] == plain[n // 2 :])
    for k in (0, n - 1):
        tilts = [(means[q, k], *terms[2:, q]) for q in range(count)]
        assert log_tilts[k] == pytest.approx(-math.log(quadrature(tilts)), abs=1e-8)
    log_density = log_tilts + sum(tilt(y, means[q], *terms[2:, q]) for q in range(count))
    inverse = np.exp(-log_density[n // 2 :])  # the mean of plain over tilted density, under the tilted law
    assert inverse.mean() == pytest.approx(1.0, abs=4 * inverse.std() / math.sqrt(n / 2))


def test_kinks_are_ranked_from_left_to_right_and_equal_ones_stay_in_their_order():
    rng = np.random.default_rng(2)
    offsets, slopes = rng.integers(-3, 4, (9, 70)).astype(float), rng.choice([-1.0, 0.0, 1.0, 2.0], 9)
    kinks, ranks = np.empty((9, 70)), np.empty((9, 70), np.int32)
    lines.find_kinks(offsets, slopes, kinks, ranks)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(slopes[:, None] == 0.0, np.inf, -offsets / slopes[:, None])
    np.testing.assert_array_equal(kinks, expected)
    np.testing.assert_array_equal(np.argsort(ranks, axis=0), np.argsort(expected, axis=0, kind="stable"))
    np.testing.assert_array_equal(np.sort(ranks, axis=0), np.broadcast_to(np.arange(9)[:, None], (9, 70)))


@pytest.mark.parametrize("threshold", [-0.7, 0.3, 2.0])
def test_exceedance_intervals_against_a_grid(threshold):
    rng = np.random.default_rng(1)
    for _ in range(50):
        n = rng.integers(1, 7)
        offsets, slopes = rng.standard_normal((2, n))
        slopes[rng.random(n) < 0.2] = 0.0
        signs = rng.choice([-1.0, 1.0], n)
        intervals = np.empty((n + 1, 2))
        kinks, ranks = np.empty((n, 1)), np.empty((n, 1), np.int32)
        lines.find_kinks(offsets[:, None], slopes, kinks, ranks)
        line = (*lines.far_left(offsets, slopes, signs), threshold)
        order = np.argsort(ranks[:, 0])
        count = lines.exceedance_intervals(offsets, slopes, signs, line, order, kinks[:, 0].copy(), intervals)
        t = rng.uniform(-30, 30, 400)
        inside = ((intervals[:count, :1] < t) & (t < intervals[:count, 1:])).any(axis=0)
        above = (signs[:, None] * np.maximum(offsets[:, None] + slopes[:, None] * t, 0.0)).sum(axis=0) > threshold
        assert np.array_equal(inside, above)
        assert (np.diff(intervals[:count].ravel()) > 0).all()


def test_points_in_intervals_follow_the_normal_law():
    intervals = np.array([[-math.inf, -1.5], [-0.2, 0.1], [2.0, 2.5]])
    log_total = lines.log_measure(intervals, 3)
    fractions = (np.arange(2000) + 0.5) / 2000
    points = np.array([lines.point_in_intervals(intervals, 3, log_total, f) for f in fractions])
    assert (np.diff(points) > 0).all()
    for lower, upper in intervals:
        share = math.exp(tails.log_normal_interval(lower, upper) - log_total)
        assert ((points > lower) & (points < upper)).mean() == pytest.approx(share, abs=1e-3)


def test_a_pick_is_a_part_and_a_place_in_it():
    shares = np.array([0.2, 0.5, 0.0, 0.3])
    with np.errstate(divide="ignore"):
        log_parts = np.log(shares)
    for fraction in (np.arange(50) + 0.5) / 50:
        part, inside = lines.pick(log_parts, 0.0, fraction)
        assert shares[:part].sum() + inside * shares[part] == pytest.approx(fraction)
        assert 0.0 <= inside <= 1.0
    assert lines.pick(np.zeros(1), 0.0, 0.7) == (0, 0.7)


def test_nan_propagates():
    assert math.isnan(tails.log_add(math.nan, 0.0))
    assert math.isnan(tails.log_mills_ratio(math.nan))
    assert math.isnan(tails.normal_tail_quantile(math.nan))
