"""Where noise most easily flips the network's sign.

For one label the noise enters as h(z) = Σ_{r helping} relu(⟨a_r, z⟩) - Σ_{r hindering} relu(⟨a_r, z⟩), a difference
A - B of convex functions of a standard normal z; the rows a_r are known through their Gram matrix alone. The sample is
misclassified if h(z) exceeds a threshold, and the most likely way is the shortest such z: a maximum of h on the sphere,
found here as z = Σ_r c_r a_r with c_r = 1 on the helping rows that z activates and c_r in [-1, 0] on the hindering
ones. At such a point |z|² = h(z), its height.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.machine.compilation import borrowing_kernel, kernel

__all__ = ["TIED", "add_multiple", "find_design_points", "longest_row"]

_MAX_POINTS, _MAX_STARTS, _MAX_ASCENTS, _MAX_SWEEPS = 6, 30, 10, 60
_SWEEP_TOLERANCE = 1e-9
_SAME_DIRECTION = 0.99  # cosine
_ZERO_HEIGHT = 1e-12  # relative to the longest row, squared

TIED = 1e-12
"""Relative to the longest row: rows and points that are closer differ by rounding only, and the first is taken."""


@borrowing_kernel
def _assign(target, source):
    """Copy source to target, both (N,): much quicker to compile than a slice."""
    for k in range(source.size):
        target[k] = source[k]


@borrowing_kernel
def add_multiple(total, factor, x):
    """Add factor x to total, both (N,)."""
    for k in range(x.size):
        total[k] += factor * x[k]


@borrowing_kernel
def _inner(x, y):
    total = 0.0
    for k in range(x.size):
        total += x[k] * y[k]
    return total


@borrowing_kernel
def _shrink(gram, helping, coefficients, values):
    """Move the hindering coefficients to argmin_z B(z) + |z|²/2 - ⟨c, z⟩ for fixed c = Σ_{helping} c_r a_r.

    The minimiser is c - Σ λ_r a_r with λ in [0, 1], found by exact minimisation over one λ_r after another; kinks of B
    need no special care. Both arrays (2m,) are updated; values_r = ⟨a_r, z⟩.
    """
    for _ in range(_MAX_SWEEPS):
        largest = 0.0
        for r in range(helping.size):
            if helping[r] or gram[r, r] <= 0.0:
                continue
            wanted = min(0.0, max(-1.0, coefficients[r] - values[r] / gram[r, r]))
            change = wanted - coefficients[r]
            if change != 0.0:
                coefficients[r] = wanted
                add_multiple(values, change, gram[r])
                largest = max(largest, abs(change))
        if largest <= _SWEEP_TOLERANCE:
            break


@borrowing_kernel
def _ascend(gram, helping, coefficients, values):
    """Climb to a maximum of h by difference-of-convex steps from the helping rows active in `coefficients` (2m,).

    Each step replaces A by its tangent at the current point; h(z) - |z|²/2 never decreases.
    """
    for _ in range(_MAX_ASCENTS):
        values[:] = 0.0
        for r in range(helping.size):
            if coefficients[r] != 0.0:
                add_multiple(values, coefficients[r], gram[r])
        _shrink(gram, helping, coefficients, values)
        settled = True
        for r in range(helping.size):
            active = 1.0 if values[r] > TIED * gram[r, r] else 0.0
            if helping[r] and active != coefficients[r]:
                coefficients[r] = active
                settled = False
        if settled:
            break


@borrowing_kernel
def _flip_best_row(gram, helping, tried, coefficients, values):
    """Switch the helping row of a point (2m,) that promises most among those not tried; say if there is one.

    With the hindering rows held fixed, switching row r changes |z|²/2 by |a_r|²/2 - |⟨a_r, z⟩|.
    """
    best, gain = -1, 0.0
    for r in range(helping.size):
        change = 0.5 * gram[r, r] - abs(values[r])
        if helping[r] and not tried[r] and change > gain + TIED * gram[r, r]:
            best, gain = r, change
    if best >= 0:
        tried[best] = True
        coefficients[best] = 1.0 - coefficients[best]
    return best >= 0


@borrowing_kernel
def longest_row(gram, allowed):
    """The longest of the allowed rows, (2m,) of bool, and of tied ones the first; -1 if all of them are zero."""
    best, length = -1, 0.0
    for r in range(allowed.size):
        if allowed[r] and gram[r, r] > (1.0 + TIED) * length:
            best, length = r, gram[r, r]
    return best


@kernel
def _start_at_row(gram, helping, started, coefficients):
    """Start from the longest helping row not started from yet; say if there is one."""
    best = longest_row(gram, helping & ~started)
    if best >= 0:
        started[best] = True
        coefficients[:] = 0.0
        coefficients[best] = 1.0
    return best >= 0


@borrowing_kernel
def _insert_point(points, heights, count, coefficients, values):
    """Insert a point into the list (J, 2m), highest first, if it is a new maximum; return its place, or -1."""
    height = _inner(coefficients, values)
    if not height > _ZERO_HEIGHT:
        return -1
    for j in range(count):
        if _inner(points[j], values) >= _SAME_DIRECTION * math.sqrt(height * heights[j]):
            return -1
    place = count
    while place > 0 and heights[place - 1] < (1.0 - TIED) * height:
        place -= 1
    for j in range(min(count, _MAX_POINTS - 1), place, -1):
        _assign(points[j], points[j - 1])
        heights[j] = heights[j - 1]
    if place < _MAX_POINTS:
        _assign(points[place], coefficients)
        heights[place] = height
    return place if place < _MAX_POINTS else -1


@kernel
def find_design_points(gram, helping):
    """Find maxima of h on the sphere.

    The search climbs from all helping rows together, then from its best point with single rows switched, then from
    single rows.

    Args:
        gram: Gram matrix of the rows, (2m, 2m), with a largest diagonal entry near one.
        helping: Which rows help to cross the threshold, (2m,) of bool; the others hinder.

    Returns:
        Coefficients c of the points (J, 2m), highest first, and their heights |z|² = h(z), (J,); J may be 0.
    """
    points, heights, count = np.zeros((_MAX_POINTS, helping.size)), np.zeros(_MAX_POINTS), 0
    tried, started = np.zeros(helping.size, dtype=np.bool_), np.zeros(helping.size, dtype=np.bool_)
    coefficients, values, best_values = helping.astype(np.float64), np.zeros(helping.size), np.zeros(helping.size)
    for _ in range(_MAX_STARTS):
        _ascend(gram, helping, coefficients, values)
        place = _insert_point(points, heights, count, coefficients, values)
        if place >= 0:
            count = min(count + 1, _MAX_POINTS)
        if place == 0:
            _assign(best_values, values)
            tried[:] = False
        _assign(coefficients, points[0])
        flipped = _flip_best_row(gram, helping, tried, coefficients, best_values)
        if not flipped and not _start_at_row(gram, helping, started, coefficients):
            break
    return points[:count], heights[:count]
