"""Elementary functions that a compiler can take several numbers at a time through, since nothing in them branches."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulate.machine.compilation import exact_kernel

__all__ = ["exponential"]

_TO_WHOLE = 1.5 * 2.0**52  # what is added to a number to round it: its last bits are then those of the whole number
_LOG2_HIGH, _LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # log 2, the first part in few bits
_PER_LOG2 = 1.0 / math.log(2.0)
_LEAST, _MOST = -708.0, 709.0  # beyond, a power of two leaves the range of normal numbers


@intrinsic
def _times_power_of_two(typing: Any, number: Any, rounded: Any) -> Any:
    """Number · 2^k, where `rounded` is k + `_TO_WHOLE`: the last bits of one are added to the exponent of the other."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = ir.IntType(64)
        bits, last = (builder.bitcast(argument, whole) for argument in arguments)
        return builder.bitcast(builder.add(bits, builder.shl(last, ir.Constant(whole, 52))), ir.DoubleType())

    return types.float64(types.float64, types.float64), generate


@exact_kernel
def exponential(x):
    """exp(x) to the last digit or two for -708 ≤ x ≤ 709; zero and infinity beyond; NaN stays NaN."""
    inside = min(max(x, _LEAST), _MOST)
    rounded = inside * _PER_LOG2 + _TO_WHOLE
    k = rounded - _TO_WHOLE
    r = (inside - k * _LOG2_HIGH) - k * _LOG2_LOW
    series = 1.0 / 6227020800.0  # 1/13!, and so on down to 1/2!
    series = series * r + 1.0 / 479001600.0
    series = series * r + 1.0 / 39916800.0
    series = series * r + 1.0 / 3628800.0
    series = series * r + 1.0 / 362880.0
    series = series * r + 1.0 / 40320.0
    series = series * r + 1.0 / 5040.0
    series = series * r + 1.0 / 720.0
    series = series * r + 1.0 / 120.0
    series = series * r + 1.0 / 24.0
    series = series * r + 1.0 / 6.0
    series = series * r + 0.5
    value = _times_power_of_two(series * r * r + r + 1.0, rounded)
    return value if _LEAST <= x <= _MOST else (0.0 if x < _LEAST else x * math.inf)
