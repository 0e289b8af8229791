r"""The strength s of an image's noise in its test error: where to look, and with which weights.

With noise s z the error is ∫ p(v) F(t exp(-v)) dv, where v = log s, p is the density of v and F(t) is the error of
Gaussian noise at the threshold t. Both factors are analytic around the real line, p F falls off on both sides, and so
the trapezoid rule converges exponentially (Trefethen and Weideman, 2014): with a step Δ of 0.22, and of 0.8 of the
width (-g'')^-½ of a narrower integrand exp(g), its relative error is some 1e-7 (for exp(-ν v - ν exp(-2v)/2) it is
2|Γ(ν/2 + iπ/Δ)|/Γ(ν/2)).

A rare error comes from rare s. What F is like is known well enough to put the nodes where they count: in the far tail
like Φ(-x), x = t/√(height of the best design point), and where h is positive in the mean, like Φ((μ - t)/σ) with the
mean μ and the deviation σ of h. Either of them times p is log-concave: it has one peak, and ends that are soon found.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.machine.compilation import kernel
from simulate.test_error.tails import log_mills_ratio, log_normal_tail

__all__ = ["aim", "strengths"]

_DENSITY = 1.0  # first number of the table of a law of which log s has a density; others are of two values
_LARGEST_REACH = 1e100
_LARGEST_STEP = 0.22  # F(t exp(-v)) falls within a unit of v
_STEP = 0.8  # of the width
_DEPTH_BELOW, _DEPTH_ABOVE = 35.0, 21.0  # the ends, in logs under the peak: F may last longer than is known above
_MOST_NODES = 4000
_DOUBLINGS, _BISECTIONS, _END_BISECTIONS = 12, 50, 12
_PROBE = 1e-4
_LEAST_RADIUS, _LARGEST_RADIUS = 1.0, 1e7  # of a plane, whatever the threshold


@kernel
def _log_density(law, v):
    """Log of the density of v = log s, of a law whose table (5,) is (1, log_norm, a, b, c): a v - b v² - c exp(-2v)."""
    inverse_square = law[4] * math.exp(-2.0 * v) if law[4] > 0.0 else 0.0
    return law[1] + law[2] * v - law[3] * v * v - inverse_square


@kernel
def _guess(law, reach, shift, v):
    """log[p(v) Φ(shift - reach exp(-v))]; a reach of 0 leaves p alone."""
    tail = log_normal_tail(reach * math.exp(-v) - shift) if reach > 0.0 else 0.0
    return _log_density(law, v) + tail


@kernel
def _slope(law, reach, shift, v):
    """Slope of `_guess`, which falls with v."""
    slope = law[2] - 2.0 * law[3] * v
    if law[4] > 0.0:
        slope += 2.0 * law[4] * math.exp(-2.0 * v)
    if reach > 0.0:
        x = reach * math.exp(-v)
        slope += x * math.exp(-log_mills_ratio(x - shift))
    return slope


@kernel
def _peak(law, reach, shift):
    """Where `_guess` is largest, and its curvature there."""
    low, high = -1.0, 1.0
    for _ in range(_DOUBLINGS):
        if _slope(law, reach, shift, low) < 0.0:
            low *= 2.0
        if _slope(law, reach, shift, high) > 0.0:
            high *= 2.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if _slope(law, reach, shift, middle) > 0.0:
            low = middle
        else:
            high = middle
    fall = _slope(law, reach, shift, low - _PROBE) - _slope(law, reach, shift, low + _PROBE)
    return low, max(fall / (2.0 * _PROBE), 1e-3)


@kernel
def _end(law, reach, shift, peak, side, depth):
    """Where `_guess` has fallen by `depth` on one side of its peak."""
    wanted = _guess(law, reach, shift, peak) - depth
    inside, outside = 0.0, 0.1
    for _ in range(_DOUBLINGS):
        if _guess(law, reach, shift, peak + side * outside) > wanted:
            inside = outside
            outside *= 2.0
    for _ in range(_END_BISECTIONS):
        middle = 0.5 * (inside + outside)
        if _guess(law, reach, shift, peak + side * middle) > wanted:
            inside = middle
        else:
            outside = middle
    return peak + side * outside


@kernel
def _mean_and_deviation(gram, helping, scales):
    """Mean and standard deviation of h over noise vectors of some scales, from the rows' inner products (2m, 2m)."""
    mean, square = 0.0, 0.0
    for r in range(helping.size):
        sign = 1.0 if helping[r] else -1.0
        mean += sign * math.sqrt(max(gram[r, r], 0.0) / (2.0 * math.pi))
        for q in range(helping.size):
            length = math.sqrt(max(gram[r, r] * gram[q, q], 0.0))
            if length > 0.0:
                cosine = min(max(gram[r, q] / length, -1.0), 1.0)
                angle = math.acos(cosine)
                product = length * (math.sin(angle) + (math.pi - angle) * cosine) / (2.0 * math.pi)
                square += product if helping[q] == helping[r] else -product
    total, squares = 0.0, 0.0
    for scale in scales:
        total += scale
        squares += scale * scale
    return total * mean, math.sqrt(max(squares * (square - mean * mean), 0.0))


@kernel
def strengths(law, threshold, spread, gram, helping, scales):
    """Thresholds t/s of h and the logs of what the error at each counts, (N,) both.

    Args:
        law: Table of the law of s, (5,); of zeros for s = 1.
        threshold: The threshold t.
        spread: Root of the height of the best design point, that of all noise vectors together.
        gram: Gram matrix of the rows, (2m, 2m).
        helping: Which rows help to cross the threshold, (2m,) of bool.
        scales: Scales of the noise vectors, (patches,).
    """
    if law[0] == 0.0:
        return np.full(1, threshold), np.zeros(1)
    if law[0] != _DENSITY:
        return threshold * np.exp(-law[1::2]), law[2::2].copy()
    reach = min(max(threshold / spread, 0.0), _LARGEST_REACH)
    peak, curvature = _peak(law, reach, 0.0)
    first, last = _end(law, reach, 0.0, peak, -1.0, _DEPTH_BELOW), _end(law, reach, 0.0, peak, 1.0, _DEPTH_ABOVE)
    mean, deviation = _mean_and_deviation(gram, helping, scales)
    if mean * threshold > 0.0 and deviation > 0.0:
        curvature += (mean / deviation) ** 2
        if threshold > 0.0:
            reach, shift = min(threshold / deviation, _LARGEST_REACH), mean / deviation
            peak, fall = _peak(law, reach, shift)
            curvature = max(curvature, fall)
            first = min(first, _end(law, reach, shift, peak, -1.0, _DEPTH_BELOW))
            last = max(last, _end(law, reach, shift, peak, 1.0, _DEPTH_ABOVE))
    step = min(_LARGEST_STEP, _STEP / math.sqrt(curvature))
    count = min(int((last - first) / step) + 2, _MOST_NODES)
    thresholds, log_masses = np.empty(count), np.empty(count)
    for i in range(count):
        v = first + i * step
        thresholds[i] = threshold * math.exp(-v)
        log_masses[i] = math.log(step) + _log_density(law, v)
    return thresholds, log_masses


@kernel
def aim(law, kind, threshold, spread):
    """Where on the way to a design point noise most likely crosses the threshold, were h linear.

    Args:
        law: Table of the law of s, (5,); of zeros for s = 1.
        kind: Of which of two kinds of images, 0 or 1.
        threshold: Value that s h has to exceed.
        spread: Root of the height of the design point, that of all noise vectors together.

    Returns:
        The mean distance of a standard normal beyond the threshold at the likeliest s, and half its square less the log
        of what is likely about that s.
    """
    log_mass = 0.0
    if law[0] == _DENSITY:
        v, _ = _peak(law, min(max(threshold / spread, 0.0), _LARGEST_REACH), 0.0)
        log_mass = _log_density(law, v)
        threshold *= math.exp(-v)
    elif law[0] > _DENSITY:
        threshold *= math.exp(-law[1 + 2 * kind])
        log_mass = law[2 + 2 * kind]
    radius = min(max(math.exp(-log_mills_ratio(threshold / spread)), _LEAST_RADIUS), _LARGEST_RADIUS)
    return radius, 0.5 * radius**2 - log_mass
