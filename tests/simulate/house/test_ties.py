"""The one rule of ties: what rounding cannot move, and what a real difference does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate.house import ties

sizes = st.floats(1e-200, 1e200)
seeds = st.integers(0, 10**6)


def last_bits(values: np.ndarray, seed: int) -> np.ndarray:
    """Values as another processor might have summed them: a few units in the last place away."""
    return values * (1.0 + 2.0**-52 * np.random.default_rng(seed).integers(-8, 9, size=values.shape))


@given(size=sizes, sign=st.sampled_from([-1.0, 1.0]), bits=st.integers(-8, 8))
def test_numbers_that_differ_in_the_last_bits_are_tied(size: float, sign: float, bits: int) -> None:
    one, other = sign * size, sign * size * (1.0 + bits * 2.0**-52)
    assert ties.tied(one, other)
    assert ties.at_most(one, other)
    assert ties.at_least(one, other)
    assert ties.difference(one, other) == 0.0


@given(size=sizes, share=st.floats(1e-11, 0.9))
def test_numbers_that_differ_by_more_are_compared(size: float, share: float) -> None:
    more = size * (1.0 + share)
    assert not ties.tied(size, more)
    assert ties.at_most(size, more)
    assert not ties.at_most(more, size)
    assert ties.at_least(more, size)
    assert not ties.at_least(size, more)
    assert ties.difference(more, size) == more - size


def test_what_is_not_finite_is_tied_with_itself_only() -> None:
    numbers = np.array([-np.inf, -1e308, 0.0, 1e308, np.inf])
    np.testing.assert_array_equal(ties.tied(numbers[:, None], numbers), np.eye(5, dtype=bool))
    assert not ties.tied(np.nan, numbers).any()
    assert not ties.tied(np.nan, np.nan)


def test_a_sum_that_cancels_is_compared_by_the_size_of_its_terms() -> None:
    rest = 0.1 + 0.2 - 0.3
    assert not ties.tied(rest, 0.0)
    assert ties.tied(rest, 0.0, scale=0.3)
    assert not ties.tied(1e-9, 0.0, scale=0.3)


@pytest.mark.parametrize(("share", "count"), [(0.1, 30), (0.29, 100), (0.57, 100), (1 - 0.9, 10), (0.7 + 0.1, 10)])
def test_a_share_of_a_whole_number_that_is_whole_is_not_rounded(share: float, count: int) -> None:
    whole = round(share * count)
    assert ties.rounded_down(share * count) == ties.rounded_up(share * count) == whole
    assert ties.rounded_down((share - 1e-6) * count) == whole - 1
    assert ties.rounded_up((share + 1e-6) * count) == whole + 1


@given(seed=seeds)
def test_of_tied_numbers_the_first_is_picked(seed: int) -> None:
    values = np.array([0.5, 0.3, 0.2, 0.2, 0.2, 0.5, 0.5])
    assert ties.first_of(last_bits(values, seed), np.argmin) == 2
    assert ties.first_of(last_bits(values, seed), np.argmax) == 0
    values[4] -= 1e-9
    values[6] += 1e-9
    assert ties.first_of(last_bits(values, seed), np.argmin) == 4
    assert ties.first_of(last_bits(values, seed), np.argmax) == 6


@given(seed=seeds)
def test_levels_are_those_without_rounding(seed: int) -> None:
    whole = np.random.default_rng(seed).integers(-4, 5, size=30)
    _, expected = np.unique(whole, return_inverse=True)
    for values in (whole.astype(float), last_bits(whole / 7.0, seed), whole / 7.0 + 1e-17):
        np.testing.assert_array_equal(ties.levels(values), expected)
    apart = whole / 7.0
    apart[0] += 1e-9
    assert ties.levels(apart)[0] == (np.unique(apart) < apart[0]).sum()


def test_levels_of_few_and_of_infinite_numbers() -> None:
    assert ties.levels(np.array([])).tolist() == []
    assert ties.levels(np.array([3.0])).tolist() == [0]
    assert ties.levels(np.array([np.inf, 1.0, -np.inf, np.inf])).tolist() == [2, 1, 0, 2]


@given(seed=seeds, count=st.integers(0, 12))
def test_marks_do_not_hang_on_the_last_bits(seed: int, count: int) -> None:
    scores = np.repeat([3.0, 1.0, 2.0], 4).reshape(2, 6)
    expected = np.zeros(12, dtype=bool)
    expected[[0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7][:count]] = True
    np.testing.assert_array_equal(ties.mark_largest(last_bits(scores, seed), count), expected.reshape(2, 6))
