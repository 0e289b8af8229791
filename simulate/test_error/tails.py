"""Normal tails in logarithms, and tilted normals: what very small probabilities are made of."""

from __future__ import annotations

import math

from simulate.machine.compilation import borrowing_kernel
from simulate.machine.elementary import exponential, logarithm
from simulate.machine.floats import square_root
from simulate.test_error.normal_tails import scaled_tail, tail_point

__all__ = [
    "exponentiate",
    "insert_sorted",
    "kinked_normals",
    "log_add",
    "log_mills_ratio",
    "log_normal_interval",
    "log_normal_tail",
    "normal_tail_quantile",
    "split_tilted_normal",
    "tilt_coordinate",
    "tilted_normal",
    "truncated_normal",
]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_SQRT_HALF = math.sqrt(0.5)
_NO_UNDERFLOW = 35.0
_LEAST_TAIL = 1e-290  # whose logarithm `tail_point` takes
_ASYMPTOTIC_FROM = 25.0  # from here on five terms of the Mills series are exact in double precision


@borrowing_kernel
def log_add(a, b):
    """log(exp(a) + exp(b)); minus infinity stands for zero, NaN stays NaN."""
    high, low = (a, b) if a > b else (b, a)
    if low == -math.inf:
        return high
    return high + math.log1p(math.exp(low - high))


@borrowing_kernel
def log_mills_ratio(x):
    """log M(x) = log[Φ(-x)/φ(x)] for any real x."""
    if x < _ASYMPTOTIC_FROM:
        return math.log(0.5 * math.erfc(x * _SQRT_HALF)) + 0.5 * x * x + _HALF_LOG_2PI
    u = 1.0 / (x * x)
    return math.log1p(-u * (1.0 - u * (3.0 - u * (15.0 - u * (105.0 - 945.0 * u))))) - math.log(x)


@borrowing_kernel
def log_normal_tail(x):
    """log Φ(-x), the upper tail of the standard normal, for any real or infinite x; absolute accuracy near 0."""
    if x < _ASYMPTOTIC_FROM:
        return math.log(0.5 * math.erfc(x * _SQRT_HALF))
    return log_mills_ratio(x) - 0.5 * x * x - _HALF_LOG_2PI


@borrowing_kernel
def log_normal_interval(lower, upper):
    """log P(lower < z < upper) of a standard normal z; infinite ends are allowed."""
    if upper == math.inf:
        return log_normal_tail(lower)
    if lower == -math.inf:
        return log_normal_tail(-upper)
    if not lower < upper:
        return -math.inf
    if lower < 0.0 < upper:
        return math.log1p(-0.5 * (math.erfc(-lower * _SQRT_HALF) + math.erfc(upper * _SQRT_HALF)))
    near, far = (lower, upper) if lower >= 0.0 else (-upper, -lower)
    log_near = log_normal_tail(near)
    return log_near + math.log(-math.expm1(log_normal_tail(far) - log_near))


@borrowing_kernel
def normal_tail_quantile(log_probability):
    """The x that solves log Φ(-x) = `log_probability`, at any depth, to at least ten digits."""
    if log_probability > -math.log(2.0):
        return -tail_point(math.sqrt(-math.log(-math.expm1(log_probability))))
    if log_probability > -650.0:
        return tail_point(math.sqrt(-log_probability))
    t = -2.0 * log_probability
    x = math.sqrt(t - math.log(2.0 * math.pi * t))
    # One Halley step on F = log Φ(-x) - log p, nearly a parabola: F' = -1/M and F'' = (x M - 1)/M².
    log_mills = log_mills_ratio(x)
    excess, mills = log_mills - 0.5 * x * x - _HALF_LOG_2PI - log_probability, math.exp(log_mills)
    return x + excess * mills / (1.0 + 0.5 * excess * (1.0 - x * mills))


@borrowing_kernel
def truncated_normal(lower, upper, fraction):
    """Quantile at `fraction` in [0, 1] of a standard normal restricted to lower < z < upper."""
    mirrored = lower + upper < 0.0  # work in the thinner tail
    near, far = (-upper, -lower) if mirrored else (lower, upper)
    beyond = fraction if mirrored else 1.0 - fraction
    log_tail = log_normal_tail(near) + math.log(beyond)
    if far < math.inf:
        log_tail = log_add(log_tail, log_normal_tail(far) + math.log1p(-beyond))
    z = min(max(normal_tail_quantile(log_tail), near), far)
    return -z if mirrored else z


@borrowing_kernel
def insert_sorted(order, count, keys, tie=0.0):
    """Sort the first `count` entries of `order` by their keys; fast if they are nearly sorted already.

    Entries whose keys are not more than `tie` apart stay in their order.
    """
    for i in range(1, count):
        item, place = order[i], i
        while place > 0 and keys[order[place - 1]] > keys[item] + tie:
            order[place] = order[place - 1]
            place -= 1
        order[place] = item


@borrowing_kernel
def split_tilted_normal(terms, count, order, pieces):
    """Split the density φ(y) exp(Σ_q τ_q(y)) at the kinks of its tilts into pieces of truncated normals.

    Each tilt is piecewise linear in x = mean + load y: τ(y) = left x where x < 0, right x where x > 0. On a piece
    with Σ τ = a + s y, completing the square leaves the mass exp(a + s²/2) [Φ(b₂ - s) - Φ(b₁ - s)].

    Args:
        terms: Rows (kink, mean, load, left, right), at least (5, count); the kinks are filled in.
        count: Number of tilts.
        order: Scratch, a permutation of the first `count` numbers.
        pieces: Rows (lower end b₁, upper end b₂, slope s, share of the mass), (4, count + 1), to be filled.

    Returns:
        Log of the total mass.
    """
    kink, mean, load, left, right = terms[0], terms[1], terms[2], terms[3], terms[4]
    level, slope = 0.0, 0.0
    for q in range(count):
        kink[q] = -mean[q] / load[q]
        first = left[q] if load[q] > 0.0 else right[q]
        level += first * mean[q]
        slope += first * load[q]
    insert_sorted(order, count, kink)
    lower, highest = -math.inf, -math.inf
    for i in range(count + 1):
        q = order[i] if i < count else -1
        upper = kink[q] if i < count else math.inf
        log_mass = level + 0.5 * slope * slope + log_normal_interval(lower - slope, upper - slope)
        pieces[0, i], pieces[1, i], pieces[2, i], pieces[3, i] = lower, upper, slope, log_mass
        highest = max(highest, log_mass)
        if i < count:
            change = right[q] - left[q] if load[q] > 0.0 else left[q] - right[q]
            level += change * mean[q]
            slope += change * load[q]
            lower = upper
    total = 0.0
    for i in range(count + 1):
        pieces[3, i] = math.exp(pieces[3, i] - highest)
        total += pieces[3, i]
    for i in range(count + 1):
        pieces[3, i] /= total
    return highest + math.log(total)


@borrowing_kernel
def tilted_normal(pieces, count, fraction):
    """Quantile at `fraction` of a density that `split_tilted_normal` split into `count` + 1 pieces."""
    i = 0
    while i < count and fraction >= pieces[3, i]:
        fraction -= pieces[3, i]
        i += 1
    slope = pieces[2, i]
    inside = min(fraction / pieces[3, i], 1.0)
    return slope + truncated_normal(pieces[0, i] - slope, pieces[1, i] - slope, inside)


@borrowing_kernel
def kinked_normals(means, load, left, right, y, found):
    """Move standard normals y (N,) to the same quantiles of densities with a single tilt: the common case, made fast.

    With the kink b = -mean/load and slopes a = left load below and c = right load above it, the mass is
    φ(b) [M(a - b) + M(b - c)], M the Mills ratio of `log_mills_ratio`; a negative load has right below and left above.
    Without logarithms this holds as long as no tail underflows. Nothing in the loop branches or is called.

    Args:
        means: Means of the tilt, (N,).
        load: What they grow by with y.
        left: Slope of the tilt where it is negative.
        right: Slope of the tilt where it is positive.
        y: Standard normals, (N,).
        found: Quantiles and log masses, (2, N), to be filled; the mass is NaN where a tail may underflow.
    """
    low, high = load * (left if load > 0.0 else right), load * (right if load > 0.0 else left)
    inverse = 1.0 / load
    for k in range(y.size):
        kink = -means[k] * inverse
        below, above = low - kink, kink - high
        inverse_below, inverse_above = exponential(0.5 * below * below), exponential(0.5 * above * above)
        tail_below, tail_above = scaled_tail(abs(below)), scaled_tail(abs(above))
        mills_below = tail_below if below >= 0.0 else inverse_below - tail_below
        mills_above = tail_above if above >= 0.0 else inverse_above - tail_above
        total = mills_below + mills_above
        tail = exponential(-0.5 * y[k] * y[k]) * scaled_tail(abs(y[k]))
        fraction = tail if y[k] < 0.0 else 1.0 - tail
        is_below = fraction * total < mills_below
        beyond = (fraction if is_below else 1.0 - fraction) * total / (inverse_below if is_below else inverse_above)
        nearer = min(beyond, 1.0 - beyond)
        x = tail_point(square_root(-logarithm(nearer)))
        outward = x if beyond < 0.5 else -x
        log_mass = logarithm(total) - 0.5 * kink * kink
        moderate = (abs(below) < _NO_UNDERFLOW) & (abs(above) < _NO_UNDERFLOW) & (abs(y[k]) < _NO_UNDERFLOW)
        found[0, k] = low - outward if is_below else high + outward
        found[1, k] = log_mass if moderate & (nearer > _LEAST_TAIL) else math.nan


@borrowing_kernel
def tilt_coordinate(means, terms, count, order, pieces, first, y, log_tilts, found):
    """Tilt standard normals y (N,), from draw `first` on, and take the logs of the masses off log_tilts (N,).

    The tilts are those of `split_tilted_normal`, with means (count, N) of their own for each draw; found (2, N) is
    scratch.
    """
    for q in range(count):
        order[q] = q
    if count == 1:
        kinked_normals(means[0], terms[2, 0], terms[3, 0], terms[4, 0], y, found)
    for k in range(y.size):
        value, log_mass = found[0, k], found[1, k]
        if count > 1 or math.isnan(log_mass):
            for q in range(count):
                terms[1, q] = means[q, k]
            log_mass = split_tilted_normal(terms, count, order, pieces)
            if k >= first:
                value = tilted_normal(pieces, count, 0.5 * math.erfc(-y[k] * _SQRT_HALF))
        log_tilts[k] -= log_mass
        if k >= first:
            y[k] = value


@borrowing_kernel
def exponentiate(log_weights):
    """Turn log weights (K,) into weights in units of the largest; return the log of the unit and the mean weight."""
    unit, mean = -math.inf, 0.0
    for k in range(log_weights.size):
        unit = max(unit, log_weights[k])
    for k in range(log_weights.size):
        log_weights[k] = math.exp(log_weights[k] - unit) if unit > -math.inf else 0.0
        mean += log_weights[k] / log_weights.size
    return unit, mean
