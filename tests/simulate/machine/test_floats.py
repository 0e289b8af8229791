"""Numbers by their bits, roots and polynomials are in compiled code what they are in plain Python."""

import numpy as np
import pytest
from numba import njit

from simulate.machine import floats
from tests.oracles import plain_intrinsics

_COEFFICIENTS = (0.5, -2.0, 3.0, 0.25, -1.0)
_TWO = (1.0, -3.0)


@njit
def _there_and_back(number):
    return floats.float_of(floats.bits_of(number) + 1), floats.square_root(abs(number))


@njit
def _polynomials(x):
    return floats.polynomial(_COEFFICIENTS, x), floats.polynomial(_TWO, x)


@pytest.mark.parametrize("number", [1.0, -0.75, 1e300, 5e-324])
def test_bits_and_roots(number):
    following, root = _there_and_back(number)
    assert following == plain_intrinsics.float_of(plain_intrinsics.bits_of(number) + 1)
    assert following == np.nextafter(number, np.copysign(np.inf, number))
    assert root == plain_intrinsics.square_root(abs(number)) == np.sqrt(abs(number))


@pytest.mark.parametrize("x", [0.0, 0.3, -2.0, np.nan])
def test_polynomials(x):
    expected = [plain_intrinsics.polynomial(c, x) for c in (_COEFFICIENTS, _TWO)]
    np.testing.assert_allclose(_polynomials(x), expected, rtol=1e-15)
    np.testing.assert_allclose(expected, [np.polyval(c[::-1], x) for c in (_COEFFICIENTS, _TWO)], rtol=1e-15)
