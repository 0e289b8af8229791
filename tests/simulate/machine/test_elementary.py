"""Functions that vectorise are those of the mathematical library, to rounding."""

import numpy as np
from numba import njit

from simulate.machine import elementary
from simulate.machine.elementary import exponential, logarithm
from tests.oracles import interpolation


@njit
def _fill(numbers, into):
    for k in range(numbers.size):
        into[k] = exponential(numbers[k])


def _values(numbers):
    into = np.empty_like(numbers)
    _fill(numbers, into)
    return into


def test_exponentials_are_right_to_two_units_in_the_last_place_in_all_of_their_range():
    numbers = np.concatenate([np.linspace(-708.0, 709.0, 200_001), np.linspace(-2.0, 2.0, 20_001), [0.0, -0.0, 1e-300]])
    np.testing.assert_array_max_ulp(_values(numbers), np.exp(numbers), 2)


def test_exponentials_beyond_the_range_are_zero_and_infinite_and_nan_stays():
    values = _values(np.array([-np.inf, -1e9, 1e9, np.inf, np.nan]))
    np.testing.assert_array_equal(values, [0.0, 0.0, np.inf, np.inf, np.nan])


@njit
def _fill_with_logarithms(numbers, into):
    for k in range(numbers.size):
        into[k] = logarithm(numbers[k])


def test_logarithms_are_right_to_two_units_in_the_last_place_of_all_normal_numbers():
    rng = np.random.default_rng(0)
    near_one = 1.0 + np.outer([1.0, -1.0], 0.5 ** np.arange(2.0, 53.0)).ravel()
    limits = np.finfo(float)
    numbers = np.concatenate([2.0 ** rng.uniform(-1022, 1024, 200_000), rng.uniform(0.5, 2.0, 20_000), near_one])
    numbers = np.append(numbers, [limits.tiny, limits.max, 1.0, 0.5**0.5, 2.0**0.5, 2.0])
    into = np.empty_like(numbers)
    _fill_with_logarithms(numbers, into)
    np.testing.assert_array_max_ulp(into, np.log(numbers), 2)


def test_coefficients_are_those_of_the_interpolating_polynomials():
    assert list(elementary._EXPONENTIAL) == interpolation.exponential()
    assert list(elementary._LOGARITHM) == interpolation.logarithm()
