"""Ties: computed numbers that differ by rounding only are equal wherever their order or comparison decides something.

Another processor adds in another order, so that the last bits of a sum are its own. What hangs on a comparison of sums
(which filters are parted, whether a level is reached, which cell is the worst) must not hang on those bits. Numbers
that nobody computed (seeds, counts, positions on an axis) are compared as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "NORMS",
    "ROUNDING",
    "at_least",
    "at_most",
    "difference",
    "first_of",
    "levels",
    "mark_largest",
    "rounded_down",
    "rounded_up",
    "tied",
]

ROUNDING = 2.0**-40
"""Share of their size by which tied numbers may differ, 9.1e-13: 4096 units in the last place of float64. A sum of N
terms of one sign is known to N/2 such units in whatever order it is made, and the longest that are compared here have
some thousand terms. It is a thousandth of a thousandth of the smallest standard error that is reported."""

NORMS = 2.0**-26
"""The same for norms that are roots of quadratic forms, 1.5e-8 = √eps: the form is known to one rounding of its largest
value, its root near zero to the root of that."""


def tied(one: Any, other: Any, *, scale: float = 0.0) -> Any:
    """Whether numbers, or arrays entry by entry, differ by rounding only; NaN is tied with nothing.

    Args:
        one: A number or an array.
        other: Another.
        scale: Size of the terms whose sums they are, where these cancel.

    Example:
        >>> bool(tied(0.1 + 0.2, 0.3)), bool(tied(0.3, 0.3 + 1e-9)), bool(tied(math.inf, math.inf))
        (True, False, True)
    """
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.maximum(np.maximum(np.abs(one), np.abs(other)), scale)
        return (one == other) | (np.isfinite(size) & (np.abs(one - other) <= ROUNDING * size))


def at_most(value: Any, bound: Any) -> Any:
    """value <= bound, tied numbers included.

    Example:
        >>> bool(at_most(0.1, 1 - 0.9)), 0.1 <= 1 - 0.9
        (True, False)
    """
    return (np.asarray(value) <= bound) | tied(value, bound)


def at_least(value: Any, bound: Any) -> Any:
    """value >= bound, tied numbers included.

    Example:
        >>> bool(at_least(0.8, 0.7 + 0.1 + 2e-16))
        True
    """
    return (np.asarray(value) >= bound) | tied(value, bound)


def difference(one: Any, other: Any, *, scale: float = 0.0) -> Any:
    """one - other, and 0 where they are tied.

    Example:
        >>> float(difference(0.1 + 0.2, 0.3)), float(difference(2.0, 0.5))
        (0.0, 1.5)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(tied(one, other, scale=scale), 0.0, np.subtract(one, other))


def rounded_down(value: float) -> int:
    """⌊value⌋, where a value that is tied with a whole number is that number.

    Example:
        >>> rounded_down(0.29 * 100), math.floor(0.29 * 100)
        (29, 28)
    """
    nearest = round(value)
    return nearest if tied(value, nearest) else math.floor(value)


def rounded_up(value: float) -> int:
    """⌈value⌉, where a value that is tied with a whole number is that number.

    Example:
        >>> rounded_up(0.07 * 100), math.ceil(0.07 * 100)
        (7, 8)
    """
    return -rounded_down(-value)


def first_of(values: np.ndarray, pick: Callable[[np.ndarray], np.intp], *, scale: float = 0.0) -> int:
    """Place of the smallest or largest value, of tied ones the first; of the first NaN, where there is one.

    Args:
        values: Numbers, (N,).
        pick: `numpy.argmin` or `numpy.argmax`; their variants that ignore NaN also serve.
        scale: Size of the terms whose sums the values are; see `tied`.

    Example:
        >>> first_of(np.array([2.0, 0.3, 0.1 + 0.2]), np.argmin), first_of(np.array([2.0, 0.1 + 0.2, 0.3]), np.argmin)
        (1, 1)
    """
    values = np.asarray(values, dtype=float)
    chosen = pick(values)
    return int(chosen) if np.isnan(values[chosen]) else int(np.argmax(tied(values, values[chosen], scale=scale)))


def levels(values: np.ndarray, *, scale: float | None = None) -> np.ndarray:
    """Number values by size from 0 on, tied ones alike.

    A stable sort of the levels is a sort of the values that leaves tied ones in their order.

    Args:
        values: Numbers without NaN, (N,).
        scale: Size to which differences are compared; None is the largest finite one among the values.

    Returns:
        Whole numbers, (N,).

    Example:
        >>> levels(np.array([0.3, 0.1 + 0.2, -1.0, 2.0])).tolist()
        [1, 1, 0, 2]
    """
    values = np.asarray(values, dtype=float)
    if scale is None:
        scale = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    found = np.empty(values.size, dtype=np.int64)
    found[order] = np.append(0, np.cumsum(~tied(ascending[1:], ascending[:-1], scale=scale)))[: values.size]
    return found


def mark_largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Mark the `count` largest scores that are norms of gradients, or minus such norms.

    Entries that differ by rounding only (`NORMS` of the largest size) from the last one marked are tied with it, and
    the first of them are taken.

    Args:
        scores: Scores of any shape.
        count: How many to mark.

    Returns:
        Mask of bool of that shape.

    Example:
        >>> mark_largest(np.array([1.0, 3.0 - 1e-12, 3.0]), 1).tolist()
        [False, True, False]
    """
    flat = scores.ravel()
    if count == 0:
        return np.zeros(scores.shape, dtype=bool)
    cut = np.partition(flat, flat.size - count)[flat.size - count]
    tolerance = NORMS * np.abs(flat).max()
    marked = flat > cut + tolerance
    tied_with_cut = np.flatnonzero(~marked & (flat >= cut - tolerance))
    marked[tied_with_cut[: count - np.count_nonzero(marked)]] = True
    return marked.reshape(scores.shape)
