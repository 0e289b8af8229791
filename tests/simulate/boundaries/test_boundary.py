"""The boundary of a phase map: crossing, censoring, exponent."""

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from simulate.boundaries.boundary import Boundary, critical_signal, critical_values, fit_boundary
from simulate.cli.map import MARGIN, verdict
from simulate.house.verdicts import Region, decide

SIGNAL = 2.0 ** np.arange(-3, 8, 0.5)


def sigmoid_map(exponent: float, *, seeds: int = 8, noise: float = 0.02) -> xarray.DataArray:
    """Errors that fall from 1/2 to 0 around signal = d^exponent / 4, with noise."""
    d = np.array([1e3, 1e4, 1e5, 1e6])
    centre = d**exponent / 4
    clean = 0.5 / (1 + (SIGNAL / centre[:, None]) ** 3)
    error = clean + noise * np.random.default_rng(0).standard_normal((seeds, *clean.shape))
    return xarray.DataArray(
        error, coords={"seed": range(seeds), "d": d, "signal": SIGNAL}, dims=("seed", "d", "signal")
    )


@given(level=st.floats(0.05, 0.45), centre=st.floats(0.5, 50))
def test_crossing_of_a_smooth_curve_is_found(level: float, centre: float) -> None:
    error = 0.5 / (1 + (SIGNAL / centre) ** 2)
    exact = centre * np.sqrt(0.5 / level - 1)
    found = critical_signal(SIGNAL, error, level)
    if SIGNAL[0] < exact < SIGNAL[-1]:
        assert found == pytest.approx(exact, rel=0.06)
    else:
        assert found in (0.0, np.inf)


def test_censoring_says_on_which_side() -> None:
    assert critical_signal(SIGNAL, np.full(SIGNAL.shape, 0.4), 0.3) == np.inf
    assert critical_signal(SIGNAL, np.full(SIGNAL.shape, 0.2), 0.3) == 0.0


@pytest.mark.parametrize("bits", [-1e-15, 0.0, 1e-15])
def test_a_mean_at_the_level_is_at_it_whatever_its_last_bits(bits: float) -> None:
    for values, expected in [
        ([0.3, 0.2, 0.1], 1.0),  # not below the range
        ([0.5, 0.4, 0.3], 4.0),  # not above it
        ([0.5, 0.3, 0.1], 2.0),  # not a little before the point
        ([0.5, 0.3, 0.3], 2.0),  # nor on the way to the next
    ]:
        error = np.array(values) + bits * (np.array(values) == 0.3)
        assert critical_signal(np.array([1.0, 2.0, 4.0]), error, 0.3) == expected
        error += 1e-9 * (error < 0.4)
        assert critical_signal(np.array([1.0, 2.0, 4.0]), error, 0.3) != expected


@pytest.mark.parametrize("exponent", [0.0, 0.25, 0.4])
def test_exponent_is_recovered_within_its_interval(exponent: float) -> None:
    boundary = fit_boundary(sigmoid_map(exponent), level=0.25)
    low, high = boundary.slope_interval
    assert low - 0.005 <= exponent <= high + 0.005
    assert high - low < 0.05


def straight_map(shifts: np.ndarray) -> xarray.DataArray:
    """Errors that fall with log signal and cross 0.25 at signal = d^¼ e^shift, so that crossings of means are means.

    Args:
        shifts: For each seed and dimension, (seeds, 3).
    """
    d, signal = np.array([1e2, 1e3, 1e4]), np.geomspace(0.1, 1e3, 40)
    centre = 0.25 * np.log(d) + shifts
    error = 0.25 - 0.01 * (np.log(signal) - centre[..., None])
    coords = {"seed": range(len(shifts)), "d": d, "signal": signal}
    return xarray.DataArray(error, coords=coords, dims=("seed", "d", "signal"), name="test_error")


def test_intervals_are_those_of_the_bootstrap_at_95_percent() -> None:
    """Of a mean over R seeds: 1.96 deviations (divided by R, not R - 1) over √R to either side."""
    shifts = np.random.default_rng(3).normal(0, 0.3, (30, 3))
    found = fit_boundary(straight_map(shifts), level=0.25, resamples=2000)
    x = np.log(found.d) - np.log(found.d).mean()
    exponents = 0.25 + shifts @ x / (x @ x)  # of each seed
    assert found.slope == pytest.approx(exponents.mean())
    reach = 1.96 * exponents.std() / 30**0.5
    assert found.slope_interval == pytest.approx((found.slope - reach, found.slope + reach), abs=0.12 * reach)
    reaches = 1.96 * shifts.std(0) / 30**0.5
    ends = np.log(found.signal)[:, None] + reaches[:, None] * [-1, 1]
    np.testing.assert_allclose(np.log(found.interval), ends, atol=0.12 * reaches.min())
    values = critical_values(straight_map(shifts), 0.25, resamples=2000)
    np.testing.assert_allclose(values["critical"], found.signal)
    np.testing.assert_allclose(np.log(np.stack([values["low"], values["high"]], 1)), ends, atol=0.12 * reaches.min())


def test_verdicts_hold_fail_and_abstain() -> None:
    quarter = fit_boundary(sigmoid_map(0.25), level=0.25)
    assert verdict(quarter, 0.25).endswith(": supported")
    assert verdict(quarter, 0.5).endswith(": refuted")
    assert verdict(quarter, 0.25 + 0.05).endswith(": inconclusive")
    assert "leaves the map" in verdict(fit_boundary(sigmoid_map(0.6), level=0.05), 0.25)


@pytest.mark.parametrize("ends", [(0.2, 0.3), (0.1, 0.19), (0.31, 0.4), (0.19, 0.21), (0.1, 0.4)])
def test_a_boundary_is_judged_as_a_claim_is(ends: tuple[float, float]) -> None:
    none = np.array([])
    boundary = Boundary(level=0.3, d=none, signal=none, interval=none, slope=sum(ends) / 2, slope_interval=ends)
    word = decide(ends, Region.around(0.25, MARGIN)).value
    found = f"boundary ∝ d^{sum(ends) / 2:.3f}, 95 % interval [{ends[0]:.3f}, {ends[1]:.3f}]"
    assert verdict(boundary, 0.25) == f"{found}, predicted 0.25 ± 0.05: {word}"


def test_order_of_dimensions_does_not_matter() -> None:
    error = sigmoid_map(0.25)
    one, other = (fit_boundary(e, level=0.25) for e in (error, error.transpose("signal", "d", "seed")))
    np.testing.assert_array_equal(one.signal, other.signal)


@pytest.mark.parametrize(
    ("name", "arguments"), [("level", {"level": 0.6}), ("resamples", {"level": 0.3, "resamples": 1})]
)
def test_bad_arguments_are_named(name: str, arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        fit_boundary(sigmoid_map(0.25), **arguments)


def test_missing_dimension_is_named() -> None:
    with pytest.raises(ValueError, match="`error`"):
        fit_boundary(sigmoid_map(0.25).mean("seed"), level=0.25)
