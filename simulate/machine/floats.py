"""Numbers by their bits, and polynomials: what an elementary function is made of that shall become vector code.

A loop is compiled for the vector unit only if nothing in it is a call, as functions of C's library are. Those of
`simulate.machine.elementary` are made of these instead. They are for compiled code; `tests/oracles/plain_intrinsics.py`
says in plain Python what they do.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["bits_of", "float_of", "polynomial", "square_root"]


@intrinsic
def bits_of(typing: Any, number: Any) -> Any:
    """The bits of a float64 as a whole number: sign, exponent, mantissa."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def float_of(typing: Any, bits: Any) -> Any:
    """The float64 of such bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def square_root(typing: Any, x: Any) -> Any:
    """√x as an instruction, where numba would call C's function."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.sqrt", [ir.DoubleType()]), arguments)

    return types.float64(types.float64), generate


@intrinsic
def polynomial(typing: Any, coefficients: Any, x: Any) -> Any:
    """Σ_j c_j x^j for two coefficients or more, c_0 first: even and odd powers apart."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        every, x = arguments
        c = [builder.extract_value(every, j) for j in range(len(signature.args[0]))]
        square = builder.fmul(x, x)
        even, odd = (_horner(builder, c[first::2], square) for first in (0, 1))
        return _multiply_add(builder, odd, x, even)

    return types.float64(coefficients, types.float64), generate


def _horner(builder: Any, coefficients: list[Any], x: Any) -> Any:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = _multiply_add(builder, total, x, c)
    return total


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once where a processor does both at a time."""
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))
