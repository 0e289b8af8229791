"""Where noise most easily flips the network's sign, and charts of the directions around such points.

For one label the noise enters as h(z) = Σ_{r helping} relu(⟨a_r, z⟩) - Σ_{r hindering} relu(⟨a_r, z⟩), a difference
A - B of convex functions of a standard normal z; the rows a_r are known through their Gram matrix alone. The sample
is misclassified if h(z) exceeds a threshold, and the most likely way is the shortest such z: a maximum of h on the
sphere, found here as z = Σ_r c_r a_r with c_r = 1 on the helping rows it activates and c_r in [-1, 0] on the
hindering ones. At such a point |z|² = h(z).
"""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np
from numba import njit

__all__ = ["TangentPlanes", "find_design_points", "semidefinite_factor", "tangent_planes"]

MAX_POINTS = 4
"""Design points at most: every further one costs as much again."""
_MAX_SWEEPS = 60
_MAX_ASCENTS = 10
_SWEEP_TOLERANCE = 1e-9
_SAME_DIRECTION = 0.99
_ZERO_PIVOT = 1e-11
_LEAST_RADIUS, _LARGEST_RADIUS = 1.0, 1e7  # of a chart, whatever the threshold
_KINK_REACH = 4.0  # kinks further away than this many standard deviations are left to the weights

_options = {"cache": True, "error_model": "numpy", "nogil": True}


@njit(**_options)
def _shrink(gram, helping, coefficients, values):
    """Move the hindering coefficients to argmin_z B(z) + |z|²/2 - ⟨c, z⟩ for fixed c = Σ_{helping} c_r a_r.

    The minimiser is c - Σ λ_r a_r with λ in [0, 1], found by exact minimisation over one λ_r after another; kinks
    of B need no special care. Both arrays (2m,) are updated; values_r = ⟨a_r, z⟩.
    """
    rows = gram.shape[0]
    for _ in range(_MAX_SWEEPS):
        largest = 0.0
        for r in range(rows):
            if helping[r] or gram[r, r] <= 0.0:
                continue
            wanted = min(0.0, max(-1.0, coefficients[r] - values[r] / gram[r, r]))
            change = wanted - coefficients[r]
            if change != 0.0:
                coefficients[r] = wanted
                for q in range(rows):
                    values[q] += change * gram[r, q]
                largest = max(largest, abs(change))
        if largest <= _SWEEP_TOLERANCE:
            break


@njit(**_options)
def _ascend(gram, helping, coefficients, values):
    """Climb to a maximum of h by difference-of-convex steps from the helping rows active in `coefficients` (2m,).

    Each step replaces A by its tangent at the current point; h(z) - |z|²/2 never decreases.
    """
    rows = gram.shape[0]
    for _ in range(_MAX_ASCENTS):
        values[:] = 0.0
        for r in range(rows):
            for q in range(rows):
                values[q] += coefficients[r] * gram[r, q]
        _shrink(gram, helping, coefficients, values)
        settled = True
        for r in range(rows):
            active = 1.0 if values[r] > 0.0 else 0.0
            if helping[r] and active != coefficients[r]:
                coefficients[r] = active
                settled = False
        if settled:
            break


@njit(**_options)
def _next_start(gram, helping, tried, coefficients):
    """Start from the longest helping row that no earlier point activates, if one is left; mark it as tried."""
    best = -1
    for r in range(helping.size):
        if helping[r] and not tried[r] and (best < 0 or gram[r, r] > gram[best, best]):
            best = r
    if best < 0 or gram[best, best] <= 0.0:
        return False
    tried[best] = True
    coefficients[:] = 0.0
    coefficients[best] = 1.0
    return True


@njit(**_options)
def find_design_points(gram, helping):
    """Find maxima of h on the sphere: from all helping rows together, then from single rows left inactive.

    Args:
        gram: Gram matrix of the rows, (2m, 2m), with a largest diagonal entry near one.
        helping: Which rows help to cross the threshold, (2m,) of bool; the others hinder.

    Returns:
        Coefficients c of the points (J, 2m) in no particular order and their heights |z|² = h(z), (J,); J may be 0.
    """
    rows = gram.shape[0]
    points, heights = np.empty((MAX_POINTS, rows)), np.empty(MAX_POINTS)
    all_values = np.empty((MAX_POINTS, rows))
    tried = np.zeros(rows, dtype=np.bool_)
    coefficients, values = np.where(helping, 1.0, 0.0), np.zeros(rows)
    found = 0
    for _ in range(2 * MAX_POINTS):
        _ascend(gram, helping, coefficients, values)
        height = np.sum(coefficients * values)
        tried |= helping & (values > 0.0)
        new = height > 1e-12
        for j in range(found):
            cosine = np.sum(coefficients * all_values[j]) / math.sqrt(height * heights[j])
            new = new and cosine < _SAME_DIRECTION
        if new:
            points[found], heights[found], all_values[found] = coefficients, height, values
            found += 1
        if found == MAX_POINTS or not _next_start(gram, helping, tried, coefficients):
            break
    return points[:found], heights[:found]


@njit(**_options)
def semidefinite_factor(gram, order):
    """Lower triangular factor of gram[order][:, order], (2m, 2m); a pivot lost in rounding leaves a zero column."""
    rows = gram.shape[0]
    factor = np.zeros((rows, rows))
    for i in range(rows):
        for j in range(i + 1):
            rest = gram[order[i], order[j]]
            for c in range(j):
                rest -= factor[i, c] * factor[j, c]
            if i == j:
                factor[i, i] = math.sqrt(rest) if rest > _ZERO_PIVOT else 0.0
            elif factor[j, j] > 0.0:
                factor[i, j] = rest / factor[j, j]
    return factor


TangentPlanes = namedtuple(
    "TangentPlanes", ["radius", "dual", "along", "order", "kinked", "factor", "spare", "left", "right"]
)
"""Tangent planes {ρe + v : v ⟂ e} of the sphere of radius ρ at J design points, charts of the directions around.

Rows stand in an order of each plane's own, those whose kink crosses the plane near ρe first.

Attributes:
    radius: ρ, (J,).
    dual: Coefficients of e in the rows as given, (J, 2m): ⟨e, z⟩ = Σ_r dual_r ⟨a_r, z⟩.
    along: ⟨a_r, e⟩ in the plane's order, (J, 2m).
    order: Row at each place of the order, (J, 2m) of int.
    kinked: Number of rows that are kinked near ρe, (J,) of int.
    factor: Lower triangular factor of the Gram matrix of the rows' parts in the plane, (J, 2m, 2m).
    spare: Column of `factor` that is zero because the plane is one dimension short, (J,) of int.
    left: Slope of the tilt in ⟨a_r, z⟩ where the row is inactive, (J, 2m), in the plane's order.
    right: The same where it is active.
"""


@njit(**_options)
def _plane_order(plane_gram, along, reach, order):
    """Fill `order` (2m,) with the rows that are kinked within reach first, and return how many those are."""
    kinked, rows = 0, along.size
    for near in (True, False):
        for r in range(rows):
            spread = math.sqrt(max(plane_gram[r, r], 0.0))
            if (spread > 1e-6 and abs(along[r]) * reach < _KINK_REACH * spread) == near:
                order[kinked] = r
                kinked += 1
        if near:
            count = kinked
    return count


@njit(**_options)
def tangent_planes(gram, helping, threshold, patches, points, heights):
    """Build the chart of directions around each design point.

    With several noise vectors the most likely way repeats one vector's best direction in all of them, by
    Cauchy-Schwarz, so that each holds ρ/√patches of the radius.

    Args:
        gram: Gram matrix of the rows, (2m, 2m).
        helping: Which rows help to cross the threshold, (2m,) of bool.
        threshold: Value h has to exceed.
        patches: Number of noise vectors.
        points: Coefficients of the design points, (J, 2m).
        heights: |z|² = h(z) at each, (J,).
    """
    count, rows = points.shape
    planes = TangentPlanes(
        np.empty(count),
        np.empty((count, rows)),
        np.empty((count, rows)),
        np.empty((count, rows), dtype=np.int64),
        np.empty(count, dtype=np.int64),
        np.empty((count, rows, rows)),
        np.empty(count, dtype=np.int64),
        np.empty((count, rows)),
        np.empty((count, rows)),
    )
    for j in range(count):
        length = math.sqrt(heights[j])
        radius = min(max(threshold / (math.sqrt(patches) * length), _LEAST_RADIUS), _LARGEST_RADIUS)
        dual = points[j] / length
        along = np.zeros(rows)
        for r in range(rows):
            along += dual[r] * gram[r]
        plane_gram = gram - np.outer(along, along)
        order = planes.order[j]
        planes.kinked[j] = _plane_order(plane_gram, along, radius / math.sqrt(patches), order)
        factor = semidefinite_factor(plane_gram, order)
        spare = np.argmin(np.diag(factor))
        factor[:, spare] = 0.0
        intensity = radius / (math.sqrt(patches) * length)
        for place in range(rows):
            r = order[place]
            planes.along[j, place] = along[r]
            planes.left[j, place] = -intensity * points[j, r]
            planes.right[j, place] = intensity * ((1.0 if helping[r] else -1.0) - points[j, r])
        planes.radius[j], planes.dual[j], planes.factor[j], planes.spare[j] = radius, dual, factor, spare
    return planes
