"""Importance sampling of a rare test error: one event at one threshold, a weight a draw.

Along the direction e of a design point the height h of `simulate.test_error.design_points` is piecewise linear, so that
this coordinate is integrated exactly, and with it the strength of the noise, by `simulate.test_error.strengths`. The
other coordinates, w ⟂ e, are drawn from the normal law tilted by the kinks of h near the design point, one row after
another with exact normalisation. Draws on several planes are combined by the balance heuristic (Veach and Guibas,
1995), and a part of the draws is not tilted, so that no draw can count too much.
"""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np

from simulate.machine.compilation import kernel
from simulate.test_error.design_points import add_multiple, find_design_points, longest_row
from simulate.test_error.lines import exceedance_intervals, far_left, find_kinks, log_measure, pick, point_in_intervals
from simulate.test_error.planes import allot, plane_coordinates, tangent_planes
from simulate.test_error.strengths import strengths
from simulate.test_error.tails import log_add, tilt_coordinate

__all__ = ["Event", "event_of", "weigh"]

Event = namedtuple("Event", ["gram", "helping", "scales", "points", "heights", "normals", "uniforms"])
"""What is the same at every threshold: rows, those that help, scales of patches, design points, and what is drawn."""


@kernel
def _tilt(plane, scale, y, along_e, first, log_tilts):
    """Tilt the coordinates y (2m, N) of one noise vector of a scale, from draw `first` on, by the kinked rows.

    The tilt of a row, whose value is along · along_e + Σ_c factor_c y_c, acts on the last coordinate that the row
    depends on, given those before. The logs of the masses are taken off log_tilts (N,).
    """
    rows, draws = y.shape
    terms, order, pieces = np.empty((5, rows)), np.arange(rows), np.empty((4, rows + 1))
    means, found = np.empty((rows, draws)), np.empty((2, draws))
    for i in range(plane.kinked):
        count = 0
        for q in range(i, plane.kinked):
            if plane.entry[q] == i:
                means[count] = 0.0
                add_multiple(means[count], plane.along[q], along_e)
                for c in range(i):
                    add_multiple(means[count], plane.factor[q, c], y[c])
                terms[2, count] = plane.factor[q, i]
                terms[3, count], terms[4, count] = scale * plane.left[q], scale * plane.right[q]
                count += 1
        if count > 0:
            tilt_coordinate(means, terms, count, order, pieces, first, y[i], log_tilts, found)


@kernel
def _draw(plane, scales, y, first, rows, log_tilts):
    """Draw points ρe + w on a plane.

    Args:
        plane: The tangent plane.
        scales: Scales of the noise vectors, of mean square one, (patches,).
        y: Standard normals, (patches, 2m, N), overwritten by the coordinates. The spare ones, less their part along the
            scales, are the parts of w along e, which repeats in all noise vectors in proportion to their scales.
        first: Number of draws that are left untilted.
        rows: ⟨a_r, ρe + w⟩ in each noise vector, (patches, 2m, N), to be filled.
        log_tilts: Log density of the tilted law relative to the normal, (N,), to be filled.
    """
    patches, n_rows, draws = y.shape
    mean = np.full(draws, -plane.radius / math.sqrt(patches))
    log_tilts[:] = 0.0
    for p in range(patches):
        add_multiple(mean, scales[p] / patches, y[p, plane.spare])
    for p in range(patches):
        along_e = y[p, plane.spare]
        add_multiple(along_e, -scales[p], mean)
        _tilt(plane, scales[p], y[p], along_e, first, log_tilts)
        for i in range(n_rows):
            x = rows[p, plane.order[i]]
            x[:] = 0.0
            add_multiple(x, plane.along[i], along_e)
            for c in range(i + 1):
                add_multiple(x, plane.factor[i, c], y[p, c])
            if i < plane.kinked and plane.entry[i] >= 0:
                for k in range(draws):
                    log_tilts[k] += scales[p] * (plane.left[i] if x[k] < 0.0 else plane.right[i]) * x[k]


@kernel
def _add_density(plane, event, nodes, rows, log_tilts, bounds, uniforms, log_density):
    """Add a plane's density, relative to the law of noise in the event s h > threshold, and go to points in the event.

    On the plane its law is a mixture of the plain and the tilted one; along e and over s, that of noise in the event.

    Args:
        plane: The tangent plane.
        event: The event, of which the rows that help and the scales count here.
        nodes: Thresholds of h, one a strength, and the logs of what each counts, (N,) both.
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
    all_offsets, all_kinks, ranks = np.empty((size, draws)), np.empty((size, draws)), np.empty((size, draws), np.int32)
    thresholds, log_masses = nodes
    log_parts = np.empty(thresholds.size)
    for q in range(size):
        scale = event.scales[q // n_rows]
        slopes[q - q % n_rows + plane.order[q % n_rows]] = scale * plane.along[q % n_rows] / math.sqrt(patches)
        signs[q] = scale if event.helping[q % n_rows] else -scale
    for q in range(size):
        for k in range(draws):
            all_offsets[q, k] = rows[q // n_rows, q % n_rows, k] - slopes[q] * plane.radius
    find_kinks(all_offsets, slopes, all_kinks, ranks)
    log_plain, log_tilted = math.log(bounds[1] - bounds[0]), math.log(bounds[2] - bounds[1])
    for k in range(draws):
        for q in range(size):
            offsets[q], kinks[q] = all_offsets[q, k], all_kinks[q, k]
            order[ranks[q, k]] = q
        level, slope = far_left(offsets, slopes, signs)
        log_line = -math.inf
        for i in range(thresholds.size):
            line = level, slope, thresholds[i]
            count = exceedance_intervals(offsets, slopes, signs, line, order, kinks, intervals)
            log_parts[i] = log_masses[i] + log_measure(intervals, count)
            log_line = log_add(log_line, log_parts[i])
        if log_line == -math.inf or log_density[k] == math.inf:
            log_density[k] = math.inf
            continue
        on_plane = log_add(log_plain, log_tilted + log_tilts[k])
        log_density[k] = log_add(log_density[k], on_plane - log_line)
        if uniforms.size > 0:
            i, fraction = pick(log_parts, log_line, uniforms[k])
            line = level, slope, thresholds[i]
            count = exceedance_intervals(offsets, slopes, signs, line, order, kinks, intervals)
            t = point_in_intervals(intervals, count, log_parts[i] - log_masses[i], fraction)
            for q in range(size):
                rows[q // n_rows, q % n_rows, k] = offsets[q] + slopes[q] * t


@kernel
def event_of(gram, helping, scales, normals, uniforms, least):
    """The event h > threshold, with the design points of its rows.

    Args:
        gram: Gram matrix of the rows, (2m, 2m), its largest diagonal entry one.
        helping: Which rows help to cross the threshold, (2m,) of bool.
        scales: Scales of the noise vectors, of mean square one, (patches,).
        normals: Standard normals, (patches, 2m, K).
        uniforms: Uniforms on [0, 1), (K,).
        least: Height of a design point that is worth going to.
    """
    points, heights = find_design_points(gram, helping)
    if heights.size == 0 or heights[0] < least:  # no direction with h > 0 is known: any will do
        points, heights = np.zeros((1, helping.size)), np.ones(1)
        points[0, max(longest_row(gram, np.ones(helping.size, dtype=np.bool_)), 0)] = 1.0
    return Event(gram, helping, scales, points, heights, normals, uniforms)


@kernel
def weigh(event, threshold, law, log_weights, stratum):
    """Estimate log P(s h > threshold).

    Args:
        event: The event but for its threshold.
        threshold: Value that s h has to exceed.
        law: Table of the law of the strength s, (5,); of zeros for s = 1.
        log_weights: Log of one estimate per draw, (K,), to be filled; the estimate is their mean.
        stratum: Part of the mixture each draw is from, (K,) of int, to be filled.
    """
    gram, helping, normals, uniforms = event.gram, event.helping, event.normals, event.uniforms
    patches = normals.shape[0]
    planes = tangent_planes(gram, helping, threshold, law, patches, event.points, event.heights)
    nodes = strengths(law, threshold, math.sqrt(patches * event.heights[0]), gram, helping, event.scales)
    bounds = allot(planes, uniforms.size)
    log_density, log_tilts = np.full(uniforms.size, -math.inf), np.empty(uniforms.size)
    for j in range(len(planes)):
        start, middle, stop = bounds[2 * j], bounds[2 * j + 1], bounds[2 * j + 2]
        stratum[start:middle] = 2 * j
        stratum[middle:stop] = 2 * j + 1
        y, tilts, density = normals[:, :, start:stop].copy(), log_tilts[start:stop], log_density[start:stop]
        picks = uniforms[start:stop] if len(planes) > 1 else uniforms[:0]
        drawn, projected, share = np.empty_like(y), np.empty_like(y), bounds[2 * j : 2 * j + 3]
        _draw(planes[j], event.scales, y, middle - start, drawn, tilts)
        _add_density(planes[j], event, nodes, drawn, tilts, share, picks, density)
        for i in range(len(planes)):
            if i != j:
                plane_coordinates(planes[i], drawn, y)
                _draw(planes[i], event.scales, y, stop - start, projected, tilts)
                share = bounds[2 * i : 2 * i + 3]
                _add_density(planes[i], event, nodes, projected, tilts, share, picks[:0], density)
    for k in range(uniforms.size):
        log_weights[k] = math.log(uniforms.size) - log_density[k]
