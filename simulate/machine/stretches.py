"""Stretches of rows that stay in the registers of the vector unit while other rows are added to them.

Where a loop adds rows of one array to a row of another, the sum goes to memory and comes back with every row, since a
compiler cannot know that the two do not overlap. A stretch is a value instead, as a number is: LLVM's vector of `WIDTH`
float64, which it lays out in the registers that a processor has, however wide they are. Its functions are for compiled
code; `tests/oracles/plain_intrinsics.py` says in plain Python what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

__all__ = [
    "WIDTH",
    "lowest_bit",
    "padded_rows",
    "plus_multiple",
    "put_stretch",
    "stretch_of",
    "which_exceed",
    "zeros",
]

WIDTH = 16
"""Numbers of a stretch: two registers of AVX-512, four of AVX2."""

_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)


class _Stretch(types.Type):
    """So many float64 side by side."""

    def __init__(self) -> None:
        super().__init__(name=f"Stretch({WIDTH})")


_STRETCH = _Stretch()


@register_model(_Stretch)
class _StretchModel(models.PrimitiveModel):
    """A stretch is one value of LLVM's."""

    def __init__(self, manager: Any, kind: _Stretch) -> None:
        super().__init__(manager, kind, _VECTOR)


def padded_rows(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Stack matrices (R, C) to (T, R, C'), with zeros on the right so that a row is a whole number of stretches.

    Every row begins where a line of the processor's cache does.
    """
    rows, columns = matrices[0].shape
    shape = (len(matrices), rows, -(-columns // WIDTH) * WIDTH)
    room = np.zeros(np.prod(shape) + WIDTH)
    first = -room.ctypes.data // room.itemsize % WIDTH
    padded = room[first : first + np.prod(shape)].reshape(shape)
    for into, matrix in zip(padded, matrices, strict=True):
        into[:, :columns] = matrix
    return padded


@intrinsic
def zeros(typing: Any) -> Any:
    """A stretch of zeros."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_VECTOR, None)

    return _STRETCH(), generate


@intrinsic
def stretch_of(typing: Any, array: Any, row: Any, column: Any) -> Any:
    """The stretch of array (R, C) that begins at a row and a column; it must not end beyond the array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_place(context, builder, signature.args, arguments), align=8)

    return _STRETCH(array, row, column), generate


@intrinsic
def put_stretch(typing: Any, array: Any, row: Any, column: Any, stretch: Any) -> Any:
    """Write a stretch into array (R, C), from a row and a column on; it must not end beyond the array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[3], _place(context, builder, signature.args, arguments), align=8)
        return context.get_dummy_value()

    return types.void(array, row, column, stretch), generate


@intrinsic
def plus_multiple(typing: Any, stretch: Any, factor: Any, other: Any) -> Any:
    """Stretch + factor · other, for a number and another stretch."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, number, addend = arguments
        product = builder.fmul(_everywhere(builder, number), addend, flags=("contract",))
        return builder.fadd(total, product, flags=("contract",))

    return _STRETCH(stretch, types.float64, other), generate


@intrinsic
def which_exceed(typing: Any, stretch: Any, number: Any) -> Any:
    """A whole number whose bit k says whether the k-th of a stretch exceeds a number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.fcmp_ordered(">", arguments[0], _everywhere(builder, arguments[1]))
        return builder.zext(builder.bitcast(bits, ir.IntType(WIDTH)), ir.IntType(64))

    return types.int64(stretch, types.float64), generate


@intrinsic
def lowest_bit(typing: Any, bits: Any) -> Any:
    """Which bit of a whole number that is not 0 is the lowest that is set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


def _everywhere(builder: Any, number: Any) -> Any:
    """A stretch of one number."""
    unknown = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(unknown, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, unknown, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None))


def _place(context: Any, builder: Any, kinds: Any, arguments: Any) -> Any:
    """Pointer to where a stretch of an array begins."""
    array = context.make_array(kinds[0])(context, builder, arguments[0])
    indices = [context.cast(builder, arguments[i], kinds[i], types.intp) for i in (1, 2)]
    first = cgutils.get_item_pointer(context, builder, kinds[0], array, indices)
    return builder.bitcast(first, _VECTOR.as_pointer())
