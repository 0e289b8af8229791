"""Test error of the two-layer network, with relative accuracy however small it is.

For a test sample of true label ŷ the noise is one Gaussian direction θ on the sphere times a chi-distributed radius
R, and because the network's noise part is homogeneous the radius can be integrated exactly: given θ, the sample is
misclassified if R exceeds threshold / h(θ). Directions are drawn where that is likely: some uniformly, the others on
the tangent planes at the design points of `simulate.design_points`, where the normal law is tilted, one kinked row
after another, along the kinks of h. The weights are those of the balance heuristic (Veach and Guibas, 1995).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simulate.design_points import find_design_points, tangent_planes
from simulate.tails import kinked_normal, log_add, log_chi_tail, log_kinked_mass

_UNIFORM_SHARE = 0.2

_options = {"cache": True, "error_model": "numpy", "nogil": True, "fastmath": {"contract"}}


@njit(**_options)
def _uniform_directions(factor, normals, rows, squares):
    """Fill rows (patches, 2m, N) with ⟨a_r, z_p⟩ of the normals z (patches, 2m, N) themselves, squares with |z|²."""
    squares[:] = 0.0
    for p in range(normals.shape[0]):
        for i in range(normals.shape[1]):
            rows[p, i] = 0.0
            squares += normals[p, i] ** 2
            for c in range(i + 1):
                rows[p, i] += factor[i, c] * normals[p, c]


@njit(**_options)
def _plane_directions(planes, j, normals, rows, squares):
    """Fill rows (patches, 2m, N) and squares (N,) with directions drawn on plane j from normals (patches, 2m, N).

    The spare normals of the patches, less their mean, are the components of v along e in the patches: e repeats in
    all patches, so that they must sum to zero.
    """
    patches, n_rows, _ = normals.shape
    factor, spare = planes.factor[j], planes.spare[j]
    drawn = normals.copy()
    mean = normals[0, spare].copy()
    for p in range(1, patches):
        mean += normals[p, spare]
    mean /= patches
    squares[:] = planes.radius[j] ** 2
    for p in range(patches):
        shift = normals[p, spare] - mean
        squares += shift * shift
        shift += planes.radius[j] / math.sqrt(patches)
        for i in range(n_rows):
            x = rows[p, planes.order[j, i]]
            x[:] = planes.along[j, i] * shift
            for c in range(i):
                if c != spare:
                    x += factor[i, c] * drawn[p, c]
            if i == spare:
                continue
            pivot = factor[i, i]
            if i < planes.kinked[j] and pivot > 0.0:
                left, right = planes.left[j, i] * pivot, planes.right[j, i] * pivot
                for k in range(x.size):
                    drawn[p, i, k] = kinked_normal(normals[p, i, k], -x[k] / pivot, left, right)
            x += pivot * drawn[p, i]
            squares += drawn[p, i] ** 2


@njit(**_options)
def _log_density(planes, j, rows, squares, log_density):
    """Fill log_density (N,) with the density of plane j's directions relative to uniform ones.

    With k dimensions and the area |S| of their sphere, the point ρe + v of the direction z has
    |v|² = ρ² (|z|²/⟨e,z⟩² - 1), and the density of z is
    |S| ρ^(k-1) (1 + |v|²/ρ²)^(k/2) (2π)^(-(k-1)/2) exp(-|v|²/2) Π exp(τ(y)) / mass over the kinked rows.
    """
    patches, n_rows, draws = rows.shape
    half_k, root = patches * n_rows / 2, math.sqrt(patches)
    radius, factor, spare = planes.radius[j], planes.factor[j], planes.spare[j]
    # log of |S| (2π)^(-(k-1)/2) = 2 π^(k/2) / Γ(k/2) / (2π)^((k-1)/2)
    constant = 0.5 * math.log(2.0 * math.pi) + (1.0 - half_k) * math.log(2.0) - math.lgamma(half_k)
    constant += (2.0 * half_k - 1.0) * math.log(radius)
    components = np.zeros((patches, draws))
    for p in range(patches):
        for r in range(n_rows):
            components[p] += planes.dual[j, r] * rows[p, r]
    heights = components.sum(axis=0) / root
    for k in range(draws):
        if not heights[k] > 0.0:
            log_density[k] = -math.inf
            continue
        secant = squares[k] / heights[k] ** 2
        log_density[k] = constant + half_k * math.log(secant) - 0.5 * radius**2 * (secant - 1.0)
    solved = np.empty(n_rows)
    for k in range(draws):
        if log_density[k] == -math.inf:
            continue
        scale = radius / heights[k]
        for p in range(patches):
            for i in range(planes.kinked[j]):
                solved[i] = 0.0
                pivot = factor[i, i]
                if pivot <= 0.0 or i == spare:
                    continue
                mean = planes.along[j, i] * components[p, k] * scale
                for c in range(i):
                    mean += factor[i, c] * solved[c]
                y = (rows[p, planes.order[j, i], k] * scale - mean) / pivot
                solved[i] = y
                kink = -mean / pivot
                left, right = planes.left[j, i] * pivot, planes.right[j, i] * pivot
                tilt = (left if y < kink else right) * (y - kink)
                log_density[k] += tilt - log_kinked_mass(kink, left, right)


@njit(**_options)
def _log_error_given_direction(threshold, height, square, n, log_gamma):
    """log P(h > threshold) along a direction z with h(z) = height and |z|² = square; a tie counts one half."""
    if threshold > 0.0:
        if height <= 0.0:
            return -math.inf
        return log_chi_tail(0.5 * square * (threshold / height) ** 2, n, log_gamma)
    if threshold == 0.0:
        return 0.0 if height > 0.0 else (-math.log(2.0) if height == 0.0 else -math.inf)
    if height >= 0.0:
        return 0.0
    return math.log(-math.expm1(log_chi_tail(0.5 * square * (threshold / height) ** 2, n, log_gamma)))


@njit(**_options)
def _label_weights(gram, factor, helping, threshold, normals, log_weights, stratum):
    """Fill log_weights (K,) with one draw's estimate each, stratum (K,) with the part of the mixture it is from."""
    patches, n_rows, draws = normals.shape
    points, heights = find_design_points(gram, helping)
    planes = tangent_planes(gram, helping, threshold, patches, points, heights)
    count = heights.size
    ends = _shares(planes.radius, draws)
    rows, squares = np.empty((patches, n_rows, draws)), np.empty(draws)
    first = ends[0]
    _uniform_directions(factor, normals[:, :, :first], rows[:, :, :first], squares[:first])
    stratum[:first] = 0
    for j in range(count):
        start, stop = ends[j], ends[j + 1]
        stratum[start:stop] = j + 1
        _plane_directions(planes, j, normals[:, :, start:stop], rows[:, :, start:stop], squares[start:stop])
    log_mixture = np.full(draws, math.log(first / draws))
    log_density = np.empty(draws)
    for j in range(count):
        if ends[j + 1] > ends[j]:
            share = math.log((ends[j + 1] - ends[j]) / draws)
            _log_density(planes, j, rows, squares, log_density)
            for k in range(draws):
                log_mixture[k] = log_add(log_mixture[k], share + log_density[k])
    height = np.zeros(draws)
    for p in range(patches):
        for r in range(n_rows):
            sign = 1.0 if helping[r] else -1.0
            x = rows[p, r]
            for k in range(draws):
                height[k] += sign * max(x[k], 0.0)
    n = patches * n_rows // 2
    log_gamma = math.lgamma(n)
    for k in range(draws):
        log_weights[k] = (
            _log_error_given_direction(threshold, height[k], squares[k], n, log_gamma) - log_mixture[k]
        )


@njit(**_options)
def _shares(radius, draws):
    """Where each part of the mixture ends: draws [0, ends_0) are uniform, [ends_j, ends_j+1) belong to plane j."""
    count = radius.size
    ends = np.empty(count + 1, dtype=np.int64)
    if count == 0:
        ends[0] = draws
        return ends
    shortest = radius.min()
    shares = np.exp(-0.25 * (radius**2 - shortest**2))
    shares[shares < 1e-4] = 0.0
    shares[shares > 0.0] += 0.1
    shares *= (1.0 - _UNIFORM_SHARE) / shares.sum()
    total = _UNIFORM_SHARE
    ends[0] = max(1, round(draws * total))
    for j in range(count):
        total += shares[j]
        ends[j + 1] = max(ends[j], round(draws * total))
    return ends
