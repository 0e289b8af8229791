"""Importance sampling of a rare test error: the kernels behind `simulate.generalize`.

For a test sample of one label the noise enters through h(z) of `simulate.design_points`, z standard normal, and the
error is P(h > threshold). Along the direction e of a design point h is piecewise linear, so that this coordinate is
integrated exactly; the others, w ⟂ e, are drawn from the normal law tilted by the kinks of h near the design point,
one row after another with exact normalisation. Draws on several planes are combined by the balance heuristic
(Veach and Guibas, 1995), and a part of the draws is not tilted, so that no draw can count too much.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simulate.design_points import add_multiple, assign, find_design_points, tangent_planes
from simulate.tails import (
    exceedance_intervals,
    kinked_normal,
    log_add,
    log_measure,
    point_in_intervals,
    split_tilted_normal,
    tilted_normal,
)

__all__ = ["estimate_range"]

_UNTILTED_SHARE = 0.1  # of a plane's draws
_LEAST_SHARE = 0.05  # of a plane, relative to the likeliest
_TIE = 1e-12  # a tie counts one half: the mean over thresholds this far on either side

_options = {"cache": True, "no_cfunc_wrapper": True, "error_model": "numpy", "nogil": True, "fastmath": {"contract"}}


@njit(**_options)
def _tilt(plane, y, shift, reference, first, log_tilts):
    """Tilt the coordinates y (2m, N) of one noise vector, from draw `first` on, by the kinked rows.

    The tilt of a row, whose value is along (shift + reference) + Σ_c factor_c y_c, acts on the last coordinate the row
    depends on, given those before. The logs of the masses are taken off log_tilts (N,).
    """
    rows, draws = y.shape
    terms, order, pieces = np.empty((5, rows)), np.arange(rows), np.empty((4, rows + 1))
    means = np.empty((rows, draws))
    for i in range(plane.kinked):
        count = 0
        for q in range(i, plane.kinked):
            if plane.entry[q] == i:
                for k in range(draws):
                    means[count, k] = plane.along[q] * (shift[k] + reference)
                for c in range(i):
                    add_multiple(means[count], plane.factor[q, c], y[c])
                terms[2, count], terms[3, count], terms[4, count] = plane.factor[q, i], plane.left[q], plane.right[q]
                order[count] = count
                count += 1
        for k in range(draws if count > 0 else 0):
            fraction = 0.5 * math.erfc(-y[i, k] * math.sqrt(0.5))
            value, log_mass = math.nan, math.nan
            if count == 1:
                value, log_mass = kinked_normal(means[0, k], terms[2, 0], terms[3, 0], terms[4, 0], fraction)
            if math.isnan(log_mass):
                for q in range(count):
                    terms[1, q] = means[q, k]
                log_mass = split_tilted_normal(terms, count, order, pieces)
                if k >= first:
                    value = tilted_normal(pieces, count, fraction)
            log_tilts[k] -= log_mass
            if k >= first:
                y[i, k] = value


@njit(**_options)
def _add_tilts(plane, rows, reference, log_tilts):
    """Add the tilts of the kinked rows at their values in one noise vector, rows (2m, N), to log_tilts (N,)."""
    for i in range(plane.kinked):
        if plane.entry[i] >= 0:
            x, offset = rows[plane.order[i]], plane.along[i] * reference
            for k in range(x.size):
                value = x[k] + offset
                log_tilts[k] += (plane.left[i] if value < 0.0 else plane.right[i]) * value


@njit(**_options)
def _draw(plane, y, first, rows, log_tilts):
    """Draw w on a plane.

    Args:
        plane: The tangent plane.
        y: Standard normals, (patches, 2m, N), overwritten by the coordinates; the spare ones, less their mean, are
            the components along e, which sum to zero over the noise vectors.
        first: Number of draws that are left untilted.
        rows: ⟨a_r, w⟩ in each noise vector, (patches, 2m, N), to be filled.
        log_tilts: Log density of the tilted law relative to the normal, (N,), to be filled.
    """
    patches, n_rows, draws = y.shape
    reference, mean, shift = plane.radius / math.sqrt(patches), np.zeros(draws), np.empty(draws)
    log_tilts[:] = 0.0
    for p in range(patches):
        add_multiple(mean, 1.0 / patches, y[p, plane.spare])
    for p in range(patches):
        for k in range(draws):
            shift[k] = y[p, plane.spare, k] - mean[k]
        _tilt(plane, y[p], shift, reference, first, log_tilts)
        for i in range(n_rows):
            x = rows[p, plane.order[i]]
            x[:] = 0.0
            add_multiple(x, plane.along[i], shift)
            for c in range(i + 1):
                add_multiple(x, plane.factor[i, c], y[p, c])
        _add_tilts(plane, rows[p], reference, log_tilts)


@njit(**_options)
def _project(plane, points, rows, log_tilts):
    """Project points with ⟨a_r, z⟩ (patches, 2m, N) on a plane: fill rows and log_tilts as `_draw` does."""
    patches, n_rows, draws = points.shape
    reference = plane.radius / math.sqrt(patches)
    heights, mean, y = np.zeros((patches, draws)), np.zeros(draws), np.zeros((n_rows, draws))
    log_tilts[:] = 0.0
    for p in range(patches):
        for r in range(n_rows):
            add_multiple(heights[p], plane.dual[r], points[p, r])
        add_multiple(mean, 1.0 / patches, heights[p])
    for p in range(patches):
        add_multiple(heights[p], -1.0, mean)
        for i in range(n_rows):
            x, pivot = rows[p, plane.order[i]], plane.factor[i, i]
            assign(x, points[p, plane.order[i]])
            add_multiple(x, -plane.along[i], mean)
            if i < plane.kinked and pivot > 0.0:
                y[i] = 0.0
                add_multiple(y[i], 1.0 / pivot, x)
                add_multiple(y[i], -plane.along[i] / pivot, heights[p])
                for c in range(i):
                    add_multiple(y[i], -plane.factor[i, c] / pivot, y[c])
        _tilt(plane, y, heights[p], reference, draws, log_tilts)
        _add_tilts(plane, rows[p], reference, log_tilts)


@njit(**_options)
def _integrate_lines(plane, helping, threshold, rows, uniforms, log_lines):
    """Integrate along e the event that h exceeds the threshold, and go to a point in it.

    Args:
        plane: The tangent plane.
        helping: Which rows help to cross the threshold, (2m,) of bool.
        threshold: Value that h has to exceed.
        rows: ⟨a_r, w⟩ in each noise vector, (patches, 2m, N); overwritten by those of the point.
        uniforms: Where in the event to go, (N,); empty to stay.
        log_lines: Log-probability of the event on each line, (N,), to be filled.
    """
    patches, n_rows, draws = rows.shape
    size = patches * n_rows
    offsets, slopes, signs = np.empty(size), np.empty(size), np.empty(size)
    order, kinks, intervals = np.arange(size), np.empty(size), np.empty((size + 1, 2))
    for p in range(patches):
        for i in range(n_rows):
            slopes[p * n_rows + plane.order[i]] = plane.along[i] / math.sqrt(patches)
            signs[p * n_rows + i] = 1.0 if helping[i] else -1.0
    for k in range(draws):
        for q in range(size):
            offsets[q] = rows[q // n_rows, q % n_rows, k]
        count = exceedance_intervals(offsets, slopes, signs, threshold, order, kinks, intervals)
        log_lines[k] = log_measure(intervals, count)
        if uniforms.size > 0 and count > 0:
            t = point_in_intervals(intervals, count, log_lines[k], uniforms[k])
            for q in range(size):
                rows[q // n_rows, q % n_rows, k] += slopes[q] * t


@njit(**_options)
def _allot(planes, draws):
    """Where each plane's draws end, (J + 1,): the shares follow the mass exp(-ρ²/2), tempered."""
    ends, total = np.zeros(len(planes) + 1), 0.0
    for j in range(len(planes)):
        total += _LEAST_SHARE + math.exp(-0.25 * (planes[j].radius ** 2 - planes[0].radius ** 2))
        ends[j + 1] = total
    for j in range(ends.size):
        ends[j] = math.floor(draws * ends[j] / total + 0.5)
    return ends.astype(np.int64)


@njit(**_options)
def _add_density(log_tilts, log_lines, plain, tilted, log_density):
    """Add to log_density (N,) that of a plane with these shares of plain and tilted draws.

    It is relative to the normal law in the event: on the plane a mixture of plain and tilted, on the line uniform.
    """
    for k in range(log_density.size):
        on_plane = log_add(math.log(plain), math.log(tilted) + log_tilts[k])
        log_density[k] = log_add(log_density[k], on_plane - log_lines[k])


@njit(**_options)
def _weigh(gram, helping, threshold, normals, uniforms, log_weights, stratum):
    """Estimate log P(h > threshold) for one label.

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
    if heights.size == 0:  # no direction with h > 0 is known: that of any row will do
        points, heights = np.zeros((1, helping.size)), np.ones(1)
        points[0, 0] = 1.0
    planes = tangent_planes(gram, helping, threshold, normals.shape[0], points, heights)
    draws, ends = uniforms.size, _allot(planes, uniforms.size)
    log_tilts, log_density = np.empty(draws), np.full(draws, -math.inf)
    drawn = []
    for j, plane in enumerate(planes):
        start, stop = ends[j], ends[j + 1]
        plain = round(_UNTILTED_SHARE * (stop - start))
        stratum[start:stop] = 2 * j
        stratum[start + plain : stop] = 2 * j + 1
        y = normals[:, :, start:stop].copy()
        rows = np.empty_like(y)
        _draw(plane, y, plain, rows, log_tilts[start:stop])
        picks = uniforms[start:stop] if len(planes) > 1 else uniforms[:0]
        _integrate_lines(plane, helping, threshold, rows, picks, log_weights[start:stop])
        shares = plain / draws, (stop - start - plain) / draws
        _add_density(log_tilts[start:stop], log_weights[start:stop], *shares, log_density[start:stop])
        drawn.append(rows)
    log_lines = log_weights.copy()
    for j, plane in enumerate(planes):
        plain = round(_UNTILTED_SHARE * (ends[j + 1] - ends[j]))
        shares = plain / draws, (ends[j + 1] - ends[j] - plain) / draws
        for i in range(len(planes)):
            if i != j:
                start, stop = ends[i], ends[i + 1]
                rows = np.empty_like(drawn[i])
                _project(plane, drawn[i], rows, log_tilts[start:stop])
                _integrate_lines(plane, helping, threshold, rows, uniforms[:0], log_lines[start:stop])
                _add_density(log_tilts[start:stop], log_lines[start:stop], *shares, log_density[start:stop])
    for k in range(draws):
        if log_weights[k] > -math.inf:
            log_weights[k] = -log_density[k]


@njit(**_options)
def _summarise(log_weights, strata, certain, result):
    """Fill result (5,): log mean over labels, its relative standard error, sample size, log mean of either label.

    Args:
        log_weights: Log of one estimate per label and draw, (2, K).
        strata: Part of the mixture each is from, (2, K) of int.
        certain: Whether an estimate of zero is exact.
        result: To be filled.
    """
    draws, highest = log_weights.shape[1], -math.inf
    for label in range(2):
        for k in range(draws):
            highest = max(highest, log_weights[label, k])
    if highest == -math.inf:
        result[0], result[1], result[2], result[3], result[4] = highest, 0.0, draws if certain else 0, highest, highest
        return
    # Neighbours of one stratum are independent and of the same law: half their squared difference is its variance.
    total, total_square, square, pairs, before = 0.0, 0.0, 0.0, 0, 0.0
    sums = np.zeros(2)
    for k in range(draws):
        first, second = math.exp(log_weights[0, k] - highest), math.exp(log_weights[1, k] - highest)
        if k > 0 and strata[0, k] == strata[0, k - 1] and strata[1, k] == strata[1, k - 1]:
            square += 0.5 * (first + second - before) ** 2
            pairs += 1
        before = first + second
        total_square += before**2
        sums[0] += first
        sums[1] += second
    total = sums[0] + sums[1]
    result[0] = highest + math.log(0.5 * total / draws)
    result[1] = math.sqrt(square / pairs * draws) / total
    result[2] = total**2 / total_square
    for label in range(2):
        result[3 + label] = highest + math.log(sums[label] / draws)


@njit(**_options)
def _estimate(margins, gram, normals, uniforms, result):
    """Fill result (5,), as in `_summarise`, for one trajectory with margins (2,) in units of relu(⟨w, ξ⟩)."""
    rows, draws = gram.shape[0], uniforms.size
    log_weights, strata = np.empty((2, draws)), np.zeros((2, draws), dtype=np.int64)
    scaled, longest, trace = np.empty((rows, rows)), 0.0, 0.0
    for r in range(rows):
        longest = max(longest, gram[r, r])
        for q in range(rows):
            trace += abs(gram[r, q])
    if not math.isfinite(margins[0] + margins[1] + trace):
        result[:] = math.nan
        return
    for r in range(rows):
        for q in range(rows):
            scaled[r, q] = gram[r, q] / longest
    certain = True
    for label in range(2):
        helping = np.empty(rows, dtype=np.bool_)
        for r in range(rows):
            helping[r] = (r < rows // 2) == (label == 1)
            certain = certain and not (helping[r] and gram[r, r] > 0.0)
        if longest <= 0.0:
            log_weights[label] = (
                0.0 if margins[label] < 0.0 else (-math.log(2.0) if margins[label] == 0.0 else -math.inf)
            )
            continue
        threshold = margins[label] / math.sqrt(longest)
        if threshold != 0.0:
            _weigh(scaled, helping, threshold, normals, uniforms, log_weights[label], strata[label])
            continue
        below = np.empty(draws)
        _weigh(scaled, helping, -_TIE, normals, uniforms, below, strata[label])
        _weigh(scaled, helping, _TIE, normals, uniforms, log_weights[label], strata[label])
        for k in range(draws):
            log_weights[label, k] = log_add(log_weights[label, k], below[k]) - math.log(2.0)
    _summarise(log_weights, strata, certain, result)


@njit(**_options)
def estimate_range(first, last, margins, grams, normals, uniforms, results):
    """Fill rows first..last of results (T, 5) from margins (T, 2), grams (T, 2m, 2m) and draws (1 or T, ...)."""
    for t in range(first, last):
        own = t if normals.shape[0] > 1 else 0
        _estimate(margins[t], grams[t], normals[own], uniforms[own], results[t])
