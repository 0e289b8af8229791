"""Importance sampling of a rare test error: the kernels behind `simulate.test_error.generalize`.

Along the direction e of a design point the height h of `simulate.test_error.design_points` is piecewise linear, so that
this coordinate is integrated exactly; the others, w ⟂ e, are drawn from the normal law tilted by the kinks of h near
the design point, one row after another with exact normalisation. Draws on several planes are combined by the balance
heuristic (Veach and Guibas, 1995), and a part of the draws is not tilted, so that no draw can count too much.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.machine.compilation import kernel
from simulate.test_error.design_points import add_multiple, find_design_points, longest_row
from simulate.test_error.planes import allot, plane_coordinates, tangent_planes
from simulate.test_error.tails import (
    exceedance_intervals,
    exponentiate,
    log_add,
    log_measure,
    point_in_intervals,
    tilt_coordinate,
)

__all__ = ["estimate_range"]

_LIKELY = 0.9  # from here on the opposite event is estimated instead
_TIE = 1e-12  # a tie counts one half: the mean over thresholds this far on either side


@kernel
def _tilt(plane, y, along_e, first, log_tilts):
    """Tilt the coordinates y (2m, N) of one noise vector, from draw `first` on, by the kinked rows.

    The tilt of a row, whose value is along · along_e + Σ_c factor_c y_c, acts on the last coordinate that the row
    depends on, given those before. The logs of the masses are taken off log_tilts (N,).
    """
    rows, draws = y.shape
    terms, order, pieces = np.empty((5, rows)), np.arange(rows), np.empty((4, rows + 1))
    means = np.empty((rows, draws))
    for i in range(plane.kinked):
        count = 0
        for q in range(i, plane.kinked):
            if plane.entry[q] == i:
                means[count] = 0.0
                add_multiple(means[count], plane.along[q], along_e)
                for c in range(i):
                    add_multiple(means[count], plane.factor[q, c], y[c])
                terms[2, count], terms[3, count], terms[4, count] = plane.factor[q, i], plane.left[q], plane.right[q]
                count += 1
        if count > 0:
            tilt_coordinate(means, terms, count, order, pieces, first, y[i], log_tilts)


@kernel
def _draw(plane, y, first, rows, log_tilts):
    """Draw points ρe + w on a plane.

    Args:
        plane: The tangent plane.
        y: Standard normals, (patches, 2m, N), overwritten by the coordinates. The spare ones, less their mean over the
            noise vectors, are the parts of w along e, which repeats in all of them.
        first: Number of draws that are left untilted.
        rows: ⟨a_r, ρe + w⟩ in each noise vector, (patches, 2m, N), to be filled.
        log_tilts: Log density of the tilted law relative to the normal, (N,), to be filled.
    """
    patches, n_rows, draws = y.shape
    mean = np.full(draws, -plane.radius / math.sqrt(patches))
    log_tilts[:] = 0.0
    for p in range(patches):
        add_multiple(mean, 1.0 / patches, y[p, plane.spare])
    for p in range(patches):
        along_e = y[p, plane.spare]
        add_multiple(along_e, -1.0, mean)
        _tilt(plane, y[p], along_e, first, log_tilts)
        for i in range(n_rows):
            x = rows[p, plane.order[i]]
            x[:] = 0.0
            add_multiple(x, plane.along[i], along_e)
            for c in range(i + 1):
                add_multiple(x, plane.factor[i, c], y[p, c])
            if i < plane.kinked and plane.entry[i] >= 0:
                for k in range(draws):
                    log_tilts[k] += (plane.left[i] if x[k] < 0.0 else plane.right[i]) * x[k]


@kernel
def _add_density(plane, helping, threshold, rows, log_tilts, bounds, uniforms, log_density):
    """Add a plane's density, relative to the normal law in the event h > threshold, and go to points in the event.

    On the plane its law is a mixture of the plain and the tilted one; on the line along e, normal within the event.

    Args:
        plane: The tangent plane.
        helping: Which rows help to cross the threshold, (2m,) of bool.
        threshold: Value that h has to exceed.
        rows: ⟨a_r, ρe + w⟩ in each noise vector, (patches, 2m, N); overwritten by those of the points.
        log_tilts: Log density of the tilted law relative to the normal, (N,).
        bounds: Where the plane's plain draws begin, where its tilted ones do, and where these end, (3,) of int.
        uniforms: Where in the event to go, (N,); empty to stay.
        log_density: What to add to, (N,); infinite where the line misses the event.
    """
    patches, n_rows, draws = rows.shape
    size = patches * n_rows
    offsets, slopes, signs = np.empty(size), np.empty(size), np.empty(size)
    order, kinks, intervals = np.arange(size), np.empty(size), np.empty((size + 1, 2))
    for q in range(size):
        slopes[q - q % n_rows + plane.order[q % n_rows]] = plane.along[q % n_rows] / math.sqrt(patches)
        signs[q] = 1.0 if helping[q % n_rows] else -1.0
    log_plain, log_tilted = math.log(bounds[1] - bounds[0]), math.log(bounds[2] - bounds[1])
    for k in range(draws):
        for q in range(size):
            offsets[q] = rows[q // n_rows, q % n_rows, k] - slopes[q] * plane.radius
        count = exceedance_intervals(offsets, slopes, signs, threshold, order, kinks, intervals)
        log_line = log_measure(intervals, count)
        if log_line == -math.inf or log_density[k] == math.inf:
            log_density[k] = math.inf
            continue
        on_plane = log_add(log_plain, log_tilted + log_tilts[k])
        log_density[k] = log_add(log_density[k], on_plane - log_line)
        if uniforms.size > 0:
            t = point_in_intervals(intervals, count, log_line, uniforms[k])
            for q in range(size):
                rows[q // n_rows, q % n_rows, k] = offsets[q] + slopes[q] * t


@kernel
def _weigh(gram, helping, threshold, normals, uniforms, log_weights, stratum):
    """Estimate log P(h > threshold).

    Args:
        gram: Gram matrix of the rows, (2m, 2m), its largest diagonal entry one.
        helping: Which rows help to cross the threshold, (2m,) of bool.
        threshold: Value that h has to exceed.
        normals: Standard normals, (patches, 2m, K).
        uniforms: Uniforms on [0, 1), (K,).
        log_weights: Log of one estimate per draw, (K,), to be filled; the estimate is their mean.
        stratum: Part of the mixture each draw is from, (K,) of int, to be filled.
    """
    points, heights = find_design_points(gram, helping)
    if heights.size == 0:  # no direction with h > 0 is known: any will do
        points, heights = np.zeros((1, helping.size)), np.ones(1)
        points[0, max(longest_row(gram, np.ones(helping.size, dtype=np.bool_)), 0)] = 1.0
    planes = tangent_planes(gram, helping, threshold, normals.shape[0], points, heights)
    bounds = allot(planes, uniforms.size)
    log_density, log_tilts = np.full(uniforms.size, -math.inf), np.empty(uniforms.size)
    for j in range(len(planes)):
        start, middle, stop = bounds[2 * j], bounds[2 * j + 1], bounds[2 * j + 2]
        stratum[start:middle] = 2 * j
        stratum[middle:stop] = 2 * j + 1
        y, tilts, density = normals[:, :, start:stop].copy(), log_tilts[start:stop], log_density[start:stop]
        picks = uniforms[start:stop] if len(planes) > 1 else uniforms[:0]
        drawn, projected, share = np.empty_like(y), np.empty_like(y), bounds[2 * j : 2 * j + 3]
        _draw(planes[j], y, middle - start, drawn, tilts)
        _add_density(planes[j], helping, threshold, drawn, tilts, share, picks, density)
        for i in range(len(planes)):
            if i != j:
                plane_coordinates(planes[i], drawn, y)
                _draw(planes[i], y, stop - start, projected, tilts)
                share = bounds[2 * i : 2 * i + 3]
                _add_density(planes[i], helping, threshold, projected, tilts, share, picks[:0], density)
    for k in range(uniforms.size):
        log_weights[k] = math.log(uniforms.size) - log_density[k]


@kernel
def _measure(gram, helping, threshold, normals, uniforms, weights, stratum):
    """Turn the weights of `_weigh`, ties counted one half, into multiples of a unit; return its log and the mean."""
    if abs(threshold) <= _TIE:
        above = np.empty_like(weights)
        _weigh(gram, helping, _TIE, normals, uniforms, above, stratum)
        _weigh(gram, helping, -_TIE, normals, uniforms, weights, stratum)
        for k in range(weights.size):
            weights[k] = log_add(weights[k], above[k]) - math.log(2.0)
    else:
        _weigh(gram, helping, threshold, normals, uniforms, weights, stratum)
    return exponentiate(weights)


@kernel
def _evaluate(label, gram, threshold, normals, uniforms, values, stratum):
    """Estimate the error for one label, by that of error and success which is less likely.

    The noise errs where the rows of the other class exceed those of the label's own by more than the threshold. Fills
    values (K,) with one estimate per draw and stratum (K,); the other arguments are those of `_weigh`.

    Returns:
        Log of the unit of the values, and the mean of what is random in them, in that unit.
    """
    first = np.arange(gram.shape[0]) < gram.shape[0] // 2
    own, other = (first, ~first) if label > 0 else (~first, first)
    by_error, size = threshold >= 0.0, abs(threshold)
    unit, mean = _measure(gram, other if by_error else own, size, normals, uniforms, values, stratum)
    if math.exp(unit) * mean > _LIKELY:
        by_error = not by_error
        unit, mean = _measure(gram, other if by_error else own, -size, normals, uniforms, values, stratum)
    if by_error:
        return unit, mean
    for k in range(values.size):
        values[k] = 1.0 - math.exp(unit) * values[k]
    return 0.0, math.exp(unit) * mean


@kernel
def _combine(values, plus, minus, strata, result):
    """Fill result (5,) from the values (2, K) of the labels +1 and -1, and what `_evaluate` returned for either.

    The result is the log mean over the labels, its relative standard error, its sample size, and the logs by label.
    """
    draws, highest = values.shape[1], max(plus[0], minus[0])
    if highest == -math.inf:
        result[0], result[1], result[2], result[3], result[4] = highest, 0.0, 0.0, highest, highest
        return
    scales = math.exp(plus[0] - highest), math.exp(minus[0] - highest)
    first, second, square, variance, pairs, before = 0.0, 0.0, 0.0, 0.0, 0, 0.0
    # Neighbours of one stratum are independent and of the same law: half their squared difference is its variance.
    for k in range(draws):
        both = scales[0] * values[0, k] + scales[1] * values[1, k]
        if k > 0 and strata[0, k] == strata[0, k - 1] and strata[1, k] == strata[1, k - 1]:
            variance += 0.5 * (both - before) ** 2
            pairs += 1
        first += scales[0] * values[0, k]
        second += scales[1] * values[1, k]
        square += both**2
        before = both
    # What no draw has seen may hold about 1/K of the mass: no standard error is smaller.
    unseen = scales[0] * plus[1] + scales[1] * minus[1]
    result[0] = highest + math.log(0.5 * (first + second) / draws)
    result[1] = math.hypot(math.sqrt(variance / pairs * draws), unseen) / (first + second)
    result[2] = (first + second) ** 2 / square
    result[3], result[4] = highest + math.log(first / draws), highest + math.log(second / draws)


@kernel
def estimate_range(first, last, thresholds, grams, normals, uniforms, results):
    """Fill rows first..last of results (T, 5), as in `_combine`.

    Args:
        first: First trajectory.
        last: One past the last trajectory.
        thresholds: Thresholds of the labels +1 and -1, (T, 2).
        grams: Covariances of the noise pre-activations, (T, 2m, 2m).
        normals: Standard normals, (1 or T, patches, 2m, K).
        uniforms: Uniforms, (1 or T, K).
        results: To be filled.
    """
    for t in range(first, last):
        i = t if normals.shape[0] > 1 else 0
        values, strata = np.empty((2, uniforms.shape[1])), np.empty((2, uniforms.shape[1]), dtype=np.int64)
        plus = _evaluate(1.0, grams[t], thresholds[t, 0], normals[i], uniforms[i], values[0], strata[0])
        minus = _evaluate(-1.0, grams[t], thresholds[t, 1], normals[i], uniforms[i], values[1], strata[1])
        _combine(values, plus, minus, strata, results[t])
