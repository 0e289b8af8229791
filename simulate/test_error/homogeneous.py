r"""Test errors of networks whose activation is a power, by conditional Monte Carlo over directions.

ReLU^q is homogeneous: with noise z = r u of length r and direction u, h(z) = r^q h(u), and with images of strength s
the event s^q h(z) > t is a tail of s r, of which P(s r > ρ) is known in logs; r is the length of a normal vector of an
even number of dimensions, whose tail is a finite sum. So an error is a mean over directions alone. They are drawn from
a mixture: evenly over the sphere, and about each design point e, a local maximum of h on the sphere, as u ∝ e + θ with
a normal θ ⟂ e. Its precision is what the tail has there to second order,

    M = k I + |d log P(s r > ρ) / d log ρ| Λ,   Λ = I - ∇²h(e) / (q h(e)),   ρ = (t / h(e))^(1/q),

with k for how the even law thins out in the coordinates θ, and Λ for how r must grow when u leaves e.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln, logsumexp

from simulate.test_error.estimates import combine

__all__ = ["Rows", "log_radial_tail", "power_errors"]

_EVEN_SHARES = (0.35, 0.95)  # of the draws, for a rare error and for a likely one
_WIDER = 0.85  # of the precision about a point: beyond it other rows join in, and h falls less
_MOST_POINTS = 16
_CLIMB, _STILL, _SAME = 200, 1e-7, 1e-4  # steps to a design point, where they end, and how close two of them are one
_LARGEST_DISADVANTAGE = 9.0  # a design point exp(9) times less likely than another is left out
_TIE = 1e-12
_PROBE = 1e-3
_DEPTH, _ZOOMS = 45.0, 12  # where the integral over the strength ends, in logs under the peak, and how that is found
_STEP, _MOST_NODES = 0.01, 4000  # of what is between the ends
_PIECE = 1024  # radii at a time


@dataclass(frozen=True, eq=False)
class Rows:
    """The function h(z) = Σ_p Σ_r sign_r max(⟨a_r, s_p z_p⟩, 0)^q of noise z (..., patches, 2m)."""

    a: np.ndarray
    """Rows a_r, (2m, 2m)."""
    sign: np.ndarray
    """Which help and which hinder, (2m,)."""
    power: int
    """The power q."""
    scales: np.ndarray
    """Scales s_p of the noise vectors, (patches,)."""

    def value(self, z: np.ndarray) -> np.ndarray:
        """h, (...)."""
        return (np.maximum(self._seen(z), 0.0) ** self.power @ self.sign).sum(axis=-1)

    def gradient(self, z: np.ndarray) -> np.ndarray:
        """∇h, like z."""
        inner = self.power * np.maximum(self._seen(z), 0.0) ** (self.power - 1) * self.sign
        return np.asarray(self.scales[:, None] * (inner @ self.a))

    def bend(self, z: np.ndarray) -> np.ndarray:
        """∇²h of the rows that help, one matrix of all coordinates (patches 2m, patches 2m).

        The rows that hinder would make directions rarer away from a point; without them they are drawn more widely.
        """
        patches, size = z.shape
        seen = self._seen(z)
        factor = self.power * (self.power - 1) * np.maximum(seen, 0.0) ** (self.power - 2)
        factor = self.scales[:, None] ** 2 * factor * (seen > 0.0) * (self.sign > 0.0)
        whole = np.zeros((patches, size, patches, size))
        for p in range(patches):
            whole[p, :, p] = (self.a.T * factor[p]) @ self.a
        return whole.reshape(patches * size, patches * size)

    def _seen(self, z: np.ndarray) -> np.ndarray:
        """The values ⟨a_r, s_p z_p⟩, like z."""
        return (self.scales[:, None] * z) @ self.a.T


def log_radial_tail(log_radius: np.ndarray, dimensions: int, law: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log P(s r > ρ) and log P(s r ≤ ρ) for the length r of a normal vector and the strength s, elementwise.

    Args:
        log_radius: log ρ.
        dimensions: Dimensions of the vector, an even number.
        law: Table of the law of s (see `simulate.problems.tails`), of zeros for s = 1.
    """
    flat = np.asarray(log_radius, dtype=float).ravel()
    if law[0] == 0.0:
        tail, rest = _log_chi_tail(flat, dimensions)
    else:
        v, log_mass = _strengths(law, flat, dimensions)
        pieces = []
        for first in range(0, max(len(flat), 1), _PIECE):
            both = _log_chi_tail(flat[first : first + _PIECE, None] - v, dimensions)
            pieces.append([np.minimum(logsumexp(part + log_mass, axis=1), 0.0) for part in both])
        tail, rest = np.concatenate(pieces, axis=1)
    return tail.reshape(np.shape(log_radius)), rest.reshape(np.shape(log_radius))


def _log_chi_tail(log_radius: np.ndarray, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """The same for s = 1: with x = ρ²/2 and 2M dimensions the tail is exp(-x) Σ_{i<M} x^i / i!."""
    half = dimensions // 2
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        x = 0.5 * np.exp(2.0 * np.minimum(log_radius, 340.0))
        tail = np.log(gammaincc(half, x))
        far = tail < -600.0
        if far.any():
            tail[far] = _log_far_tail(x[far], half)
        rest = np.log(gammainc(half, x))
        low = x < 1e-100  # the first term of the series of a small x
        rest[low] = half * (2.0 * log_radius[low] - math.log(2.0)) - gammaln(half + 1)
    return tail, rest


def _log_far_tail(x: np.ndarray, half: int) -> np.ndarray:
    """The sum from its last term down, each smaller than the one before: x is above M by far."""
    total = np.ones_like(x)
    for i in range(1, half):
        total = 1.0 + total * i / x
    return np.asarray((half - 1) * np.log(x) - x - gammaln(half) + np.log(total))


def _strengths(law: np.ndarray, log_radius: np.ndarray, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of v = log s and the logs of their masses, by the trapezoid rule where v has a density."""
    if law[0] != 1.0:
        return law[1::2], law[2::2]

    def log_density(v: np.ndarray) -> np.ndarray:
        return np.asarray(law[1] + law[2] * v - law[3] * v * v - law[4] * np.exp(-2.0 * v))

    finite = log_radius[np.isfinite(log_radius)]
    nearest = finite.min() if finite.size else 0.0
    last = max(nearest, 0.0) + 60.0
    everywhere = _reach(log_density, last)
    there = _reach(lambda v: log_density(v) + _log_chi_tail(nearest - v, dimensions)[0], last)
    first, last = min(everywhere[0], there[0]), max(everywhere[1], there[1])
    step = min(everywhere[1] - everywhere[0], there[1] - there[0], 50.0 / math.sqrt(dimensions)) * _STEP
    v = np.linspace(first, last, min(int((last - first) / step) + 2, _MOST_NODES))
    return v, log_density(v) + math.log(v[1] - v[0])


def _reach(log_integrand: Callable[[np.ndarray], np.ndarray], last: float) -> tuple[float, float]:
    """Where an integrand with one peak counts."""
    first = -30.0
    for _ in range(_ZOOMS):
        grid = np.linspace(first, last, 400)
        with np.errstate(over="ignore"):
            values = log_integrand(grid)
        inside = np.flatnonzero(values > values.max() - _DEPTH)
        first, last = grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, len(grid) - 1)]
        if len(inside) > 100:
            break
    return float(first), float(last)


def _climb(rows: Rows, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Local maxima of h on the sphere, from starts (S, patches, 2m): the points (J, patches, 2m) and h there."""
    hinder = replace(rows, sign=np.minimum(rows.sign, 0.0))
    stiff = rows.power * (rows.power - 1) * float(np.abs(np.linalg.eigvalsh(rows.a.T @ rows.a)).max())
    stiff *= float(rows.scales.max()) ** rows.power
    shift = stiff if hinder.sign.any() else 0.0
    z = starts / _norm(starts)
    for _ in range(_CLIMB):
        step = rows.gradient(z) + shift * np.maximum(rows.value(z), 1e-3)[:, None, None] * z
        length = _norm(step)
        before, z = z, np.where(length > 0.0, step / np.where(length > 0.0, length, 1.0), z)
        if np.abs(z - before).max() < _STILL:
            break
    heights = rows.value(z)
    order, kept = np.argsort(-heights, kind="stable"), list[int]()
    for j in order:
        if heights[j] > _TIE and all(np.sum((z[j] - z[i]) ** 2) > _SAME for i in kept):
            kept.append(int(j))
    return z[kept[:_MOST_POINTS]], heights[kept[:_MOST_POINTS]]


def _norm(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt((z**2).sum(axis=(-2, -1), keepdims=True)))


@dataclass(frozen=True, eq=False)
class _Bundle:
    """Directions u ∝ e + θ about a design point, θ normal on the plane across it."""

    point: np.ndarray
    """e, (k,)."""
    axes: np.ndarray
    """Orthonormal axes of the plane, (k, k - 1)."""
    precision: np.ndarray
    """Precisions of θ along them, (k - 1,)."""

    def draw(self, normals: np.ndarray) -> np.ndarray:
        """Directions (N, k) from standard normals (N, k)."""
        across = (normals @ self.axes) / np.sqrt(self.precision)
        z = self.point + across @ self.axes.T
        return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True))

    def log_density(self, u: np.ndarray) -> np.ndarray:
        """Log density at directions (N, k), over that of even directions."""
        k = self.point.size
        along = u @ self.point
        log_area = math.log(2.0) + 0.5 * k * math.log(math.pi) - math.lgamma(0.5 * k)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            theta = (u @ self.axes) / along[:, None]
            level = log_area - 0.5 * (k - 1) * math.log(2.0 * math.pi) + 0.5 * np.log(self.precision).sum()
            log_density = level - k * np.log(along) - 0.5 * (theta**2 * self.precision).sum(axis=1)
        return np.where(along > 1e-100, log_density, -np.inf)


def _bundles(rows: Rows, normals: np.ndarray, threshold: float, tail: Callable) -> tuple[list[_Bundle], np.ndarray]:
    """Where directions are drawn, and the share of each; the first share is of even directions."""
    patches, size = normals.shape[1:]
    starts = np.zeros((size * patches, patches, size))
    for p in range(patches):
        starts[p * size : (p + 1) * size, p] = rows.a + 1e-9
    starts = np.concatenate([starts, normals[:size]])
    points, heights = _climb(rows, starts[_norm(starts)[:, 0, 0] > 0.0])
    if threshold <= _TIE or not len(points):
        return [], np.ones(1)
    k = patches * size
    log_radii = (math.log(threshold) - np.log(heights)) / rows.power
    ends = tail(log_radii)[0], tail(log_radii + _PROBE)[0]
    falls = np.maximum((ends[0] - ends[1]) / _PROBE, 0.0)
    bundles, masses = [], []
    for e, height, fall, log_mass in zip(points, heights, falls, ends[0] - ends[0].max(), strict=True):
        if log_mass > -_LARGEST_DISADVANTAGE:
            axes = np.linalg.svd(e.reshape(1, k))[2][1:].T
            bend = axes.T @ (np.eye(k) - rows.bend(e) / (rows.power * height)) @ axes
            values, vectors = np.linalg.eigh(bend)
            bundles.append(_Bundle(e.ravel(), axes @ vectors, _WIDER * (k + fall * np.maximum(values, 0.0))))
            masses.append(math.exp(0.5 * log_mass))
    even = min(max(math.exp(0.25 * ends[0].max()), _EVEN_SHARES[0]), _EVEN_SHARES[1])
    return bundles, np.concatenate([[even], np.array(masses) / sum(masses) * (1.0 - even)])


def _log_weights(rows: Rows, threshold: float, normals: np.ndarray, tail: Callable) -> tuple[np.ndarray, np.ndarray]:
    """Logs of one estimate of P(s^q h > threshold) a draw, and the part of the mixture that each is from, (K,) both."""
    bundles, shares = _bundles(rows, normals, threshold, tail)
    K = len(normals)
    ends = np.round(np.cumsum(shares) * K).astype(int)
    stratum = np.searchsorted(ends, np.arange(K), side="right")
    flat = normals.reshape(K, -1)
    u = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    for j, bundle in enumerate(bundles, start=1):
        u[stratum == j] = bundle.draw(flat[stratum == j])
    counts = np.bincount(stratum, minlength=len(shares)) / K
    densities = np.stack([np.zeros(K), *(bundle.log_density(u) for bundle in bundles)])
    with np.errstate(divide="ignore"):
        log_density = logsumexp(densities + np.log(counts)[:, None], axis=0)
        h = rows.value(u.reshape(normals.shape))
        log_radius = (math.log(max(abs(threshold), 1e-300)) - np.log(np.abs(h))) / rows.power
        above, below = tail(log_radius)
        if abs(threshold) <= _TIE:  # a tie counts one half
            log_value = np.where(h > _TIE, 0.0, np.where(h < -_TIE, -np.inf, -math.log(2.0)))
        elif threshold > 0.0:
            log_value = np.where(h > 0.0, above, -np.inf)
        else:
            log_value = np.where(h < 0.0, below, 0.0)
    return log_value - log_density, stratum


def _evaluate(rows: Rows, threshold: float, normals: np.ndarray, tail: Callable) -> tuple:
    """Values (K,), their unit in logs and what is random in their mean, and strata (K,), of the rarer event."""
    if threshold < 0.0:  # an error is likely: success is estimated
        opposite = replace(rows, sign=-rows.sign)
        values, unit, stratum = _in_units(*_log_weights(opposite, -threshold, normals, tail))
        mean = float(values.mean())
        if math.exp(unit) * mean < 0.5:
            return 1.0 - math.exp(unit) * values, (0.0, math.exp(unit) * mean), stratum
    values, unit, stratum = _in_units(*_log_weights(rows, threshold, normals, tail))
    return values, (unit, float(values.mean())), stratum


def _in_units(log_weights: np.ndarray, stratum: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Weights in units of the largest, and the log of the unit."""
    unit = float(log_weights.max())
    values = np.exp(log_weights - unit) if unit > -math.inf else np.zeros_like(log_weights)
    return values, unit, stratum


def power_errors(
    thresholds: np.ndarray,
    grams: np.ndarray,
    power: int,
    scales: np.ndarray,
    normals: np.ndarray,
    laws: np.ndarray,
) -> np.ndarray:
    """Results (T, 5) as `simulate.test_error.estimates.estimate_range` fills them, for the activation ReLU^q.

    Args:
        thresholds: Values that Σ sign max(⟨a_r, z⟩, 0)^q has to exceed, for the labels +1 and -1, (T, 2).
        grams: Covariances of the noise pre-activations, (T, 2m, 2m).
        power: The power q.
        scales: Scales of the noise vectors, of mean square one, (1 or T, patches).
        normals: Standard normals, (1 or T, K, patches, 2m).
        laws: Tables of the laws of the strengths of images, (T, 5), of zeros for Gaussian noise.
    """
    results = np.empty((len(thresholds), 5))
    dimensions = normals.shape[2] * normals.shape[3]
    for t, gram in enumerate(grams):
        values, vectors = np.linalg.eigh(gram)
        a, law = vectors * np.sqrt(np.maximum(values, 0.0)), laws[t]
        sign = np.where(np.arange(len(gram)) < len(gram) // 2, -1.0, 1.0)
        found = [
            _evaluate(
                Rows(a, side * sign, power, scales[t % len(scales)]), float(threshold), normals[t % len(normals)],
                lambda log_radius, law=law: log_radial_tail(log_radius, dimensions, law),
            )
            for side, threshold in zip((1.0, -1.0), thresholds[t], strict=True)
        ]  # fmt: skip
        both, strata = np.stack([each[0] for each in found]), np.stack([each[2] for each in found])
        combine(both, found[0][1], found[1][1], strata, results[t])
    return results
