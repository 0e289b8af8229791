"""What only compiled code can do (`simulate.machine`), in plain Python: a stretch is an array of its numbers."""

import numpy as np

from simulate.machine.stretches import WIDTH

__all__ = [
    "bits_of",
    "float_of",
    "lowest_bit",
    "plus_multiple",
    "polynomial",
    "put_stretch",
    "square_root",
    "stretch_of",
    "which_exceed",
    "zeros",
]


def _assert_within(array, row, column):
    assert 0 <= row < array.shape[0]
    assert 0 <= column <= array.shape[1] - WIDTH, "a stretch ends beyond its row"


def zeros():
    return np.zeros(WIDTH)


def stretch_of(array, row, column):
    _assert_within(array, row, column)
    return array[row, column : column + WIDTH].copy()


def put_stretch(array, row, column, stretch):
    _assert_within(array, row, column)
    array[row, column : column + WIDTH] = stretch


def plus_multiple(stretch, factor, other):
    return stretch + factor * other


def which_exceed(stretch, number):
    return np.int64(sum(1 << k for k in range(WIDTH) if stretch[k] > number))


def lowest_bit(bits):
    return next(k for k in range(64) if int(bits) >> k & 1)


def bits_of(number):
    return np.float64(number).view(np.int64)


def float_of(bits):
    return np.int64(bits).view(np.float64)


def square_root(x):
    return np.sqrt(x)


def polynomial(coefficients, x):
    total = np.float64(0.0)
    for c in reversed(coefficients):
        total = total * x + c
    return total
