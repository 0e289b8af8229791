"""Importance sampling of a rare test error: the kernels behind `simulate.generalize`.

Along the direction e of a design point the height h of `simulate.design_points` is piecewise linear, so that this
coordinate is integrated exactly; the others, w ⟂ e, are drawn from the normal law tilted by the kinks of h near the
design point, one row after another with exact normalisation. Draws on several planes are combined by the balance
heuristic (Veach and Guibas, 1995), and a part of the draws is not tilted, so that no draw can count too much.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simulate.design_points import add_multiple, find_design_points, plane_coordinates, tangent_planes
from simulate.tails import (
    exceedance_intervals,
    log_add,
    log_measure,
    point_in_intervals,
    tilt_coordinate,
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
                count += 1
        if count > 0:
            tilt_coordinate(means, terms, count, order, pieces, first, y[i], log_tilts)


@njit(**_options)
def _draw(plane, y, first, rows, log_tilts):
    """Draw w on a plane.

    Args:
        plane: The tangent plane.
        y: Standard normals, (patches, 2m, N), overwritten by the coordinates. The spare ones, less their mean over the
            noise vectors, are the components along e, which repeats in all noise vectors.
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
            x, offset = rows[p, plane.order[i]], plane.along[i] * reference
            x[:] = 0.0
            add_multiple(x, plane.along[i], shift)
            for c in range(i + 1):
                add_multiple(x, plane.factor[i, c], y[p, c])
            if i < plane.kinked and plane.entry[i] >= 0:
                for k in range(draws):
                    value = x[k] + offset
                    log_tilts[k] += (plane.left[i] if value < 0.0 else plane.right[i]) * value


@njit(**_options)
def _add_density(plane, helping, threshold, rows, log_tilts, counts, uniforms, log_density):
    """Add a plane's density, relative to the normal law in the event h > threshold, and go to points in the event.

    On the plane its law is a mixture of the plain and the tilted one; on the line along e, normal within the event.

    Args:
        plane: The tangent plane.
        helping: Which rows help to cross the threshold, (2m,) of bool.
        threshold: Value that h has to exceed.
        rows: ⟨a_r, w⟩ in each noise vector, (patches, 2m, N); overwritten by those of the points.
        log_tilts: Log density of the tilted law relative to the normal, (N,).
        counts: Numbers of the plane's plain and tilted draws, which weight its density.
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
    for k in range(draws):
        for q in range(size):
            offsets[q] = rows[q // n_rows, q % n_rows, k]
        count = exceedance_intervals(offsets, slopes, signs, threshold, order, kinks, intervals)
        log_line = log_measure(intervals, count)
        if log_line == -math.inf or log_density[k] == math.inf:
            log_density[k] = math.inf
            continue
        on_plane = log_add(math.log(counts[0]), math.log(counts[1]) + log_tilts[k])
        log_density[k] = log_add(log_density[k], on_plane - log_line)
        if uniforms.size > 0:
            t = point_in_intervals(intervals, count, log_line, uniforms[k])
            for q in range(size):
                rows[q // n_rows, q % n_rows, k] += slopes[q] * t


@njit(**_options)
def _allot(planes, draws):
    """Where each plane's draws begin, (J + 1,), and how many of them are untilted, (J,).

    Planes share the draws by their masses exp(-ρ²/2), tempered.
    """
    masses = np.zeros(len(planes) + 1)
    for j in range(len(planes)):
        mass = math.exp(-0.25 * (planes[j].radius ** 2 - planes[0].radius ** 2))
        masses[j + 1] = masses[j] + mass + _LEAST_SHARE
    starts, plain = np.zeros(len(planes) + 1, dtype=np.int64), np.zeros(len(planes), dtype=np.int64)
    for j in range(len(planes)):
        starts[j + 1] = round(draws * masses[j + 1] / masses[-1])
        plain[j] = round(_UNTILTED_SHARE * (starts[j + 1] - starts[j]))
    return starts, plain


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
    if heights.size == 0:  # no direction with h > 0 is known: any will do
        points, heights = np.zeros((1, helping.size)), np.ones(1)
        points[0, np.argmax(np.diag(gram))] = 1.0
    planes = tangent_planes(gram, helping, threshold, normals.shape[0], points, heights)
    starts, plain = _allot(planes, uniforms.size)
    log_density, log_tilts = np.full(uniforms.size, -math.inf), np.empty(uniforms.size)
    for j in range(len(planes)):
        start, stop = starts[j], starts[j + 1]
        stratum[start : start + plain[j]] = 2 * j
        stratum[start + plain[j] : stop] = 2 * j + 1
        y, tilts, density = normals[:, :, start:stop].copy(), log_tilts[start:stop], log_density[start:stop]
        picks = uniforms[start:stop] if len(planes) > 1 else uniforms[:0]
        drawn, projected = np.empty_like(y), np.empty_like(y)
        _draw(planes[j], y, plain[j], drawn, tilts)
        counts = plain[j], stop - start - plain[j]
        _add_density(planes[j], helping, threshold, drawn, tilts, counts, picks, density)
        for i in range(len(planes)):
            if i != j:
                plane_coordinates(planes[i], drawn, y)
                _draw(planes[i], y, stop - start, projected, tilts)
                counts = plain[i], starts[i + 1] - starts[i] - plain[i]
                _add_density(planes[i], helping, threshold, projected, tilts, counts, picks[:0], density)
    for k in range(uniforms.size):
        log_weights[k] = math.log(uniforms.size) - log_density[k]


@njit(**_options)
def _summarise(log_weights, strata, result):
    """Fill result (5,): log mean over labels, its relative standard error, sample size, log mean of either label.

    Args:
        log_weights: Log of one estimate per label and draw, (2, K).
        strata: Part of the mixture each is from, (2, K) of int.
        result: To be filled.
    """
    draws, highest = log_weights.shape[1], -math.inf
    for label in range(2):
        for k in range(draws):
            highest = max(highest, log_weights[label, k])
    if highest == -math.inf:
        result[0], result[1], result[2], result[3], result[4] = highest, 0.0, 0.0, highest, highest
        return
    # Neighbours of one stratum are independent and of the same law: half their squared difference is its variance.
    first, second, square, variance, pairs, before = 0.0, 0.0, 0.0, 0.0, 0, 0.0
    for k in range(draws):
        weights = math.exp(log_weights[0, k] - highest), math.exp(log_weights[1, k] - highest)
        both = weights[0] + weights[1]
        if k > 0 and strata[0, k] == strata[0, k - 1] and strata[1, k] == strata[1, k - 1]:
            variance += 0.5 * (both - before) ** 2
            pairs += 1
        first += weights[0]
        second += weights[1]
        square += both**2
        before = both
    result[0] = highest + math.log(0.5 * (first + second) / draws)
    result[1] = math.sqrt(variance / pairs * draws) / (first + second)
    result[2] = (first + second) ** 2 / square
    result[3], result[4] = highest + math.log(first / draws), highest + math.log(second / draws)


@njit(**_options)
def _estimate(thresholds, gram, normals, uniforms, result):
    """Fill result (5,), as in `_summarise`, for one trajectory with thresholds (2,) of either label."""
    rows, draws = gram.shape[0], uniforms.size
    log_weights, strata = np.empty((2, draws)), np.zeros((2, draws), dtype=np.int64)
    for label in range(2):
        helping = np.arange(rows) >= rows // 2 if label == 0 else np.arange(rows) < rows // 2
        threshold = thresholds[label] if thresholds[label] != 0.0 else _TIE
        _weigh(gram, helping, threshold, normals, uniforms, log_weights[label], strata[label])
        if thresholds[label] == 0.0:
            below = np.empty(draws)
            _weigh(gram, helping, -_TIE, normals, uniforms, below, strata[label])
            for k in range(draws):
                log_weights[label, k] = math.log(0.5) + log_add(log_weights[label, k], below[k])
    _summarise(log_weights, strata, result)


@njit(**_options)
def estimate_range(first, last, thresholds, grams, normals, uniforms, results):
    """Fill rows first..last of results (T, 5) from thresholds (T, 2), grams (T, 2m, 2m) and draws (1 or T, ...)."""
    for t in range(first, last):
        own = t if normals.shape[0] > 1 else 0
        _estimate(thresholds[t], grams[t], normals[own], uniforms[own], results[t])
