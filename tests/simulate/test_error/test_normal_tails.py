"""The tail of the standard normal and its inverse, as polynomials, against forty digits."""

import numpy as np
from mpmath import mp, mpf
from numba import njit

from simulate.test_error import normal_tails
from tests.oracles import interpolation


@njit
def _fill(x, roots, into):
    for k in range(x.size):
        into[0, k] = normal_tails.scaled_tail(x[k])
        into[1, k] = normal_tails.tail_point(roots[k])


def _log_tail(x):
    return mp.log(mp.erfc(mpf(x) / mp.sqrt(2)) / 2)


def test_tails_and_points_are_right_to_the_last_digit_or_two():
    x = np.concatenate([np.linspace(0.0, 36.0, 301), np.linspace(0.0, 1e-3, 20), np.linspace(4.9, 5.1, 20)])
    roots = np.concatenate([np.linspace(0.8325546111576978, 26.0, 301), 0.8325546111576978 + np.linspace(0, 0.2, 40)])
    into = np.empty((2, x.size))
    _fill(x, roots[: x.size], into)
    with mp.workdps(40):
        exact = [mp.exp(_log_tail(each) + mpf(each) ** 2 / 2) for each in x]
        error = max(abs(found / right - 1) for found, right in zip(into[0].tolist(), exact, strict=True))
        # Where Φ(-x) is off by a factor of 1 + ε, x is off by ε M(x), M the Mills ratio.
        shifts = [
            abs(
                (_log_tail(point) + mpf(root) ** 2)
                * mp.sqrt(2 * mp.pi)
                * mp.exp(_log_tail(point) + mpf(point) ** 2 / 2)
            )
            / (1 + point)
            for root, point in zip(roots.tolist(), into[1].tolist(), strict=True)
        ]
    assert error < 9e-16  # a processor that rounds products, too, comes near it
    assert max(shifts) < 9e-16


def test_coefficients_are_those_of_the_interpolating_polynomials():
    assert list(normal_tails._TAIL) == interpolation.scaled_tail()
    assert list(normal_tails._POINT) == interpolation.tail_point()
