"""Stretches of rows in compiled code do what they do in plain Python, whatever they hold and wherever they begin."""

import numpy as np
import pytest
from numba import njit

from simulate.machine import stretches
from simulate.machine.stretches import WIDTH, padded_rows
from tests.oracles import plain_intrinsics


@njit
def _moved(array, row, column, factor, into, to_row, to_column):
    """One of every function that works on arrays: into[to_row, to_column:] = 0 + factor · array[row, column:]."""
    total = stretches.plus_multiple(stretches.zeros(), factor, stretches.stretch_of(array, row, column))
    stretches.put_stretch(into, to_row, to_column, total)


@njit
def _exceeding(array, row, column, level):
    return stretches.which_exceed(stretches.stretch_of(array, row, column), level)


@njit
def _lowest(bits):
    return stretches.lowest_bit(bits)


def _array():
    """Numbers of all kinds, in rows that begin anywhere in a line of the cache."""
    array = np.random.default_rng(0).standard_normal((3, 2 * WIDTH + 3))
    array[1, ::5], array[1, 1::5], array[1, 2::5], array[1, 3::5] = np.nan, np.inf, -np.inf, -0.0
    return array


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 1), (2, WIDTH + 3)])
def test_stretches_are_read_multiplied_and_written_as_in_plain_python(row, column):
    array, compiled, plain = _array(), np.full((2, 2 * WIDTH), 7.0), np.full((2, 2 * WIDTH), 7.0)
    _moved(array, row, column, -3.0, compiled, 1, 5)
    of_array = plain_intrinsics.stretch_of(array, row, column)
    total = plain_intrinsics.plus_multiple(plain_intrinsics.zeros(), -3.0, of_array)
    plain_intrinsics.put_stretch(plain, 1, 5, total)
    np.testing.assert_array_equal(compiled, plain)
    assert (plain != 7.0).sum() == WIDTH, "it writes a stretch and nothing else"


@pytest.mark.parametrize("level", [0.0, 0.5, np.inf, np.nan])
@pytest.mark.parametrize("row", [0, 1])
def test_bits_say_what_exceeds_a_level(row, level):
    array = _array()
    bits = _exceeding(array, row, 2, level)
    assert bits == plain_intrinsics.which_exceed(plain_intrinsics.stretch_of(array, row, 2), level)


def test_the_lowest_bit_is_found_in_any_place():
    for k in range(64):
        bits = np.int64(np.uint64(1 << k) | np.uint64(1 << 63) if k < 63 else np.iinfo(np.int64).min)
        assert _lowest(bits) == plain_intrinsics.lowest_bit(bits) == k


@pytest.mark.parametrize("columns", [1, WIDTH - 1, WIDTH, WIDTH + 5])
def test_padded_rows_are_whole_stretches_and_begin_a_line_of_the_cache(columns):
    matrices = np.random.default_rng(1).standard_normal((3, 4, columns))
    padded = padded_rows(list(matrices))
    np.testing.assert_array_equal(padded[..., :columns], matrices)
    assert padded.shape[-1] % WIDTH == 0
    assert padded.shape[-1] - columns < WIDTH
    assert not padded[..., columns:].any()
    assert padded.flags.c_contiguous
    assert padded.ctypes.data % 64 == 0
