"""The test error of trajectories, both labels together: the kernels behind `simulate.test_error.generalize`."""

from __future__ import annotations

import math

import numpy as np

from simulate.machine.compilation import kernel
from simulate.test_error.importance import event_of, weigh
from simulate.test_error.tails import exponentiate, log_add

__all__ = ["combine", "estimate_range"]

_LIKELY = 0.9  # from here on the opposite event is estimated instead
_WORTHWHILE = 1e-8  # height of a point, below which the opposite event is not near it; rounding makes some of 1e-12
_TIE = 1e-12  # a tie counts one half: the mean over thresholds this far on either side


@kernel
def _measure(event, threshold, law, weights, stratum):
    """Turn the weights of `_weigh`, ties counted one half, into multiples of a unit; return its log and the mean."""
    if abs(threshold) <= _TIE:  # at no threshold the strength of the noise is all the same
        above = np.empty_like(weights)
        gaussian = np.zeros_like(law)
        weigh(event, _TIE, gaussian, above, stratum)
        weigh(event, -_TIE, gaussian, weights, stratum)
        for k in range(weights.size):
            weights[k] = log_add(weights[k], above[k]) - math.log(2.0)
    else:
        weigh(event, threshold, law, weights, stratum)
    return exponentiate(weights)


@kernel
def _evaluate(label, gram, threshold, scales, normals, uniforms, law, values, stratum):
    """Estimate the error for one label, by that of error and success which is less likely.

    The noise errs where the rows of the other class exceed those of the label's own by more than the threshold. Fills
    values (K,) with one estimate per draw and stratum (K,); the other arguments are those of `estimate_range`.

    Returns:
        Log of the unit of the values, and the mean of what is random in them, in that unit.
    """
    first = np.arange(gram.shape[0]) < gram.shape[0] // 2
    own, other = (first, ~first) if label > 0 else (~first, first)
    by_error, size = threshold >= 0.0, abs(threshold)
    event = event_of(gram, other if by_error else own, scales, normals, uniforms, 0.0)
    unit, mean = _measure(event, size, law, values, stratum)
    if math.exp(unit) * mean > _LIKELY:
        by_error = not by_error
        event = event_of(gram, other if by_error else own, scales, normals, uniforms, _WORTHWHILE)
        unit, mean = _measure(event, -size, law, values, stratum)
    if by_error:
        return unit, mean
    for k in range(values.size):
        values[k] = 1.0 - math.exp(unit) * values[k]
    return 0.0, math.exp(unit) * mean


@kernel
def combine(values, plus, minus, strata, result):
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
def estimate_range(first, last, thresholds, grams, scales, normals, uniforms, laws, results):
    """Fill rows first..last of results (T, 5), as in `combine`.

    Args:
        first: First trajectory.
        last: One past the last trajectory.
        thresholds: Thresholds of the labels +1 and -1, (T, 2).
        grams: Covariances of the noise pre-activations, (T, 2m, 2m).
        scales: Scales of the noise vectors, of mean square one, (1 or T, patches).
        normals: Standard normals, (1 or T, patches, 2m, K).
        uniforms: Uniforms, (1 or T, K).
        laws: Tables of the laws of the strengths of images, (T, 5), of zeros for Gaussian noise.
        results: To be filled.
    """
    for t in range(first, last):
        i = t if normals.shape[0] > 1 else 0
        values, strata = np.empty((2, uniforms.shape[1])), np.empty((2, uniforms.shape[1]), dtype=np.int64)
        loud, draws = scales[t if scales.shape[0] > 1 else 0], normals[i]
        plus = _evaluate(1.0, grams[t], thresholds[t, 0], loud, draws, uniforms[i], laws[t], values[0], strata[0])
        minus = _evaluate(-1.0, grams[t], thresholds[t, 1], loud, draws, uniforms[i], laws[t], values[1], strata[1])
        combine(values, plus, minus, strata, results[t])
