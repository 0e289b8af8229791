"""Tangent planes at design points, on which `simulate.test_error.importance` draws noise.

At a design point of `simulate.test_error.design_points`, at distance ρ along its direction e, noise is written ρe + w
with w ⟂ e; the kinks of h near the point tilt the law of w.
"""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np

from simulate.machine.compilation import kernel
from simulate.test_error.design_points import TIED, add_multiple
from simulate.test_error.strengths import aim
from simulate.test_error.tails import insert_sorted

__all__ = ["Plane", "allot", "plane_coordinates", "tangent_planes"]

_ZERO_PIVOT = 1e-11  # relative to the longest row, squared
_CONSTANT = 1e-5  # a row that varies less than this, relative to the longest, is constant on a plane
_HELPING_REACH, _HINDERING_REACH = 4.0, 1.8  # kinks further away, in standard deviations, are left to the weights
_COVERED_SWITCHES = 3  # design points that differ in so many kinked rows share a plane
_LEAST_SHARE = 0.05  # of the draws, for a plane relative to the likeliest
_UNTILTED_SHARE = 0.1  # of a plane's draws
_LARGEST_DISADVANTAGE = 9.0  # a design point exp(9) times less likely than another is left out


@kernel
def _semidefinite_factor(gram, order):
    """Lower triangular factor of gram[order][:, order], (2m, 2m); a pivot lost in rounding leaves a zero column."""
    factor = np.zeros(gram.shape)
    for i in range(order.size):
        for j in range(i + 1):
            rest = gram[order[i], order[j]]
            for c in range(j):
                rest -= factor[i, c] * factor[j, c]
            if i == j:
                factor[i, i] = math.sqrt(rest) if rest > _ZERO_PIVOT else 0.0
            elif factor[j, j] > 0.0:
                factor[i, j] = rest / factor[j, j]
    return factor


Plane = namedtuple(
    "Plane", ["radius", "rarity", "dual", "along", "order", "kinked", "factor", "spare", "entry", "left", "right"]
)
"""Tangent plane {ρe + w : w ⟂ e} at a design point of direction e, with what it takes to draw w there.

The plane has an order of its own for the rows: those whose kink crosses it near ρe first, nearest kink foremost. The
kinked rows tilt the normal law of w by exp(left x) where x = ⟨a_r, ρe + w⟩ < 0 and by exp(right x) elsewhere: what h
gains or loses on its tangent at ρe.

Attributes:
    radius: ρ; each noise vector holds ρ/√patches of it.
    rarity: How unlikely noise is on the plane, in logs: ρ²/2 for Gaussian noise.
    dual: Coefficients of e in the rows as given, (2m,): ⟨e, z⟩ = Σ_r dual_r ⟨a_r, z⟩.
    along: ⟨a_r, e⟩, (2m,), in the plane's order like all that follows.
    order: Row at each place of the order, (2m,) of int.
    kinked: Number of rows that are kinked near ρe.
    factor: Lower triangular factor of the Gram matrix of the rows' parts in the plane, (2m, 2m).
    spare: Column of `factor` that is zero because the plane is one dimension short.
    entry: Last column that a row depends on, (2m,) of int; -1 if it is constant on the plane.
    left: Slope of the tilt where the row is inactive, (2m,).
    right: The same where it is active.
"""


@kernel
def _order_rows(plane_gram, helping, values, order):
    """Fill `order` (2m,) with the kinked rows first, nearest kink foremost, and return how many are kinked.

    Tilts of hindering rows only save draws that would count little, while a missed tilt of a helping row leaves heavy
    weights: the latter reach further.
    """
    distance, kinked = np.full(values.size, math.inf), 0
    for r in range(values.size):
        order[r] = r
        spread = math.sqrt(max(plane_gram[r, r], 0.0))
        if spread > _CONSTANT and abs(values[r]) < (_HELPING_REACH if helping[r] else _HINDERING_REACH) * spread:
            distance[r] = abs(values[r]) / spread
            kinked += 1
    insert_sorted(order, values.size, distance, TIED)
    return kinked


@kernel
def _tangent_plane(gram, helping, radius, rarity, patches, coefficients, height):
    """Build the plane at the distance `radius` in the direction of a design point; see `tangent_planes`."""
    rows, length, per_patch = helping.size, math.sqrt(height), radius / math.sqrt(patches)
    dual, values, plane_gram = np.zeros(rows), np.zeros(rows), gram.copy()
    for r in range(rows):
        dual[r] = coefficients[r] / length
        add_multiple(values, dual[r] * per_patch, gram[r])
    for r in range(rows):
        add_multiple(plane_gram[r], -values[r] / per_patch**2, values)
    order, entry = np.empty(rows, dtype=np.int64), np.full(rows, -1)
    kinked = _order_rows(plane_gram, helping, values, order)
    factor, spare = _semidefinite_factor(plane_gram, order), 0
    for i in range(rows):
        if factor[i, i] < factor[spare, spare]:
            spare = i
    along, left, right, slope = np.empty(rows), np.empty(rows), np.empty(rows), per_patch / length
    for i in range(rows):
        r = order[i]
        along[i] = values[r] / per_patch
        left[i] = -slope * coefficients[r]
        right[i] = slope * ((1.0 if helping[r] else -1.0) - coefficients[r])
        factor[i, spare] = 0.0
        for c in range(i + 1):
            if abs(factor[i, c]) > _CONSTANT:
                entry[i] = c
    return Plane(radius, rarity, dual, along, order, kinked, factor, spare, entry, left, right)


@kernel
def _covers(plane, own, point):
    """Whether a plane's tilts reach a design point: it differs from its own in few rows, all of them kinked there."""
    switched = 0
    for i in range(point.size):
        r = plane.order[i]
        if (point[r] > 0.0) != (own[r] > 0.0):
            switched += 1 if i < plane.kinked else point.size
    return switched <= _COVERED_SWITCHES


@kernel
def tangent_planes(gram, helping, threshold, law, patches, points, heights):
    """Build the tangent planes at the design points that matter.

    With several noise vectors the most likely way repeats one vector's best direction in all of them, by
    Cauchy-Schwarz, so that each holds ρ/√patches of the radius. ρ is the mean distance of a standard normal beyond the
    threshold, were h linear. Where there are two kinds of images, each has its planes.

    Args:
        gram: Gram matrix of the rows, (2m, 2m).
        helping: Which rows help to cross the threshold, (2m,) of bool.
        threshold: Value that s h has to exceed.
        law: Table of the law of the strength s, (5,); of zeros for s = 1.
        patches: Number of noise vectors.
        points: Coefficients of the design points, (J, 2m), highest first; at least one.
        heights: |z|² = h(z) at each, (J,).

    Returns:
        Planes at the points that neither weigh far less than the first nor are covered by a higher one.
    """
    planes: list[Plane] = []
    sources: list[int] = []
    kinds = _kinds(law)
    least = math.inf
    for kind in range(kinds):
        least = min(least, aim(law, kind, threshold, math.sqrt(patches * heights[0]))[1])
    for kind in range(kinds):
        before = len(planes)
        for j in range(heights.size):
            radius, rarity = aim(law, kind, threshold, math.sqrt(patches * heights[j]))
            needed = rarity - least < _LARGEST_DISADVANTAGE
            for i in range(before, len(planes)):
                needed = needed and not _covers(planes[i], points[sources[i]], points[j])
            if needed:
                planes.append(_tangent_plane(gram, helping, radius, rarity, patches, points[j], heights[j]))
                sources.append(j)
    return planes


@kernel
def _kinds(law):
    """Number of kinds of images that a law tells apart."""
    return 2 if law[0] > 1.0 else 1


@kernel
def plane_coordinates(plane, points, y):
    """Fill y (patches, 2m, N) with the coordinates of points z given by ⟨a_r, z⟩, of the same shape.

    The values of the rows are along y_spare + factor y, in the plane's order.
    """
    for p in range(points.shape[0]):
        y[p] = 0.0
        along_e = y[p, plane.spare]
        for r in range(points.shape[1]):
            add_multiple(along_e, plane.dual[r], points[p, r])
        for i in range(points.shape[1]):
            pivot = plane.factor[i, i]
            if pivot > 0.0:
                add_multiple(y[p, i], 1.0 / pivot, points[p, plane.order[i]])
                add_multiple(y[p, i], -plane.along[i] / pivot, along_e)
                for c in range(i):
                    add_multiple(y[p, i], -plane.factor[i, c] / pivot, y[p, c])


@kernel
def allot(planes, draws):
    """Divide draws among planes: (2J + 1,) bounds, those of plane j's untilted and tilted draws at 2j, 2j + 1, 2j + 2.

    The shares of the planes follow their masses exp(-rarity), tempered.
    """
    masses, bounds = np.zeros(len(planes) + 1), np.zeros(2 * len(planes) + 1, dtype=np.int64)
    least = planes[0].rarity
    for j in range(1, len(planes)):
        least = min(least, planes[j].rarity)
    for j in range(len(planes)):
        mass = math.exp(-0.5 * (planes[j].rarity - least))
        masses[j + 1] = masses[j] + mass + _LEAST_SHARE
    for j in range(len(planes)):
        bounds[2 * j + 2] = round(draws * masses[j + 1] / masses[-1])
        bounds[2 * j + 1] = bounds[2 * j] + round(_UNTILTED_SHARE * (bounds[2 * j + 2] - bounds[2 * j]))
    return bounds
