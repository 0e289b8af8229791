"""Elementary functions that a compiler can take several numbers at a time through, since nothing in them branches.

What an argument is reduced to goes into a polynomial, which interpolates the function at Chebyshev's points:
`tests/oracles/interpolation.py` computes the coefficients.
"""

from __future__ import annotations

import math

from simulate.machine.compilation import exact_kernel
from simulate.machine.floats import bits_of, float_of, polynomial

__all__ = ["exponential", "logarithm"]

_TO_WHOLE = 1.5 * 2.0**52  # what is added to a number to round it: its last bits are then those of the whole number
_LOG2_HIGH, _LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # log 2, the first part in few bits
_PER_LOG2 = 1.0 / math.log(2.0)
_LEAST, _MOST = -708.0, 709.0  # beyond, a power of two leaves the range of normal numbers

_BITS_OF_ONE = 0x3FF << 52
_EXPONENT = 0x7FF << 52  # which bits of a positive number are its exponent, 1023 for 1
_TO_ONE = 0x95F62 << 32  # what the bits of √½ are below those of 1, roughly
_BITS_OF_WHOLE = 0x433 << 52  # those of 2^52: the bits of a small whole number on top of them add that number

_EXPONENTIAL = (
    1.0, 1.0, 0.5000000000000001, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065,
    0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05, 2.7557268480310024e-06,
    2.7620075879983367e-07, 2.5100375832561234e-08,
)  # fmt: skip
_LOGARITHM = (
    0.0, 0.666666666666667, 0.39999999999899505, 0.28571428625975487, 0.2222221113479508, 0.18182889125261723,
    0.15331721600556042, 0.14616449685043406,
)  # fmt: skip


@exact_kernel
def exponential(x):
    """exp(x) to the last digit or two for -708 ≤ x ≤ 709; zero and infinity beyond; NaN stays NaN."""
    inside = min(max(x, _LEAST), _MOST)
    rounded = inside * _PER_LOG2 + _TO_WHOLE
    k = rounded - _TO_WHOLE
    r = (inside - k * _LOG2_HIGH) - k * _LOG2_LOW
    value = float_of(bits_of(polynomial(_EXPONENTIAL, r)) + (bits_of(rounded) << 52))  # times 2^k
    return value if _LEAST <= x <= _MOST else (0.0 if x < _LEAST else x * math.inf)


@exact_kernel
def logarithm(x):
    """log(x) to the last digit or two for a positive, normal and finite x; any number for another.

    With x = 2^k (1 + f) and 1 + f between √½ and √2, log(1 + f) = f - f²/2 + s (f²/2 + p(s²)) for s = f / (2 + f).
    """
    bits = bits_of(x) + _TO_ONE
    exponent = bits & _EXPONENT
    k = float_of((exponent >> 52) + _BITS_OF_WHOLE) - (2.0**52 + 1023.0)
    f = float_of((bits - exponent) + (_BITS_OF_ONE - _TO_ONE)) - 1.0
    s, half_square = f / (2.0 + f), 0.5 * f * f
    rest = s * (half_square + polynomial(_LOGARITHM, s * s)) + k * _LOG2_LOW
    return k * _LOG2_HIGH - ((half_square - rest) - f)
