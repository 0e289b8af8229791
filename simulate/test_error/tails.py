"""Normal tails in logarithms, and tilted normals: what very small probabilities are made of."""

from __future__ import annotations

import math

from simulate.machine.compilation import borrowing_kernel

__all__ = [
    "exponentiate",
    "insert_sorted",
    "kinked_normal",
    "log_add",
    "log_mills_ratio",
    "log_normal_interval",
    "log_normal_tail",
    "normal_tail_point",
    "normal_tail_quantile",
    "split_tilted_normal",
    "tilt_coordinate",
    "tilted_normal",
    "truncated_normal",
]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_SQRT_HALF = math.sqrt(0.5)
_NO_UNDERFLOW = 35.0
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


# Wichura's algorithm AS 241 (Applied Statistics 37, 1988): numerator and denominator on each of three ranges.
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


@borrowing_kernel
def _ratio(fraction, r):
    """Rational function of AS 241 at r."""
    top, bottom = fraction
    return (
        ((((((top[7] * r + top[6]) * r + top[5]) * r + top[4]) * r + top[3]) * r + top[2]) * r + top[1]) * r + top[0]
    ) / (
        (
            (((((bottom[7] * r + bottom[6]) * r + bottom[5]) * r + bottom[4]) * r + bottom[3]) * r + bottom[2]) * r
            + bottom[1]
        )
        * r
        + bottom[0]
    )


@borrowing_kernel
def normal_tail_point(probability):
    """The x that solves Φ(-x) = `probability`, to about sixteen digits down to 1e-300."""
    q = 0.5 - probability
    if abs(q) <= 0.425:
        return q * _ratio(_CENTRE, 0.180625 - q * q)
    r = math.sqrt(-math.log(probability if q > 0.0 else 1.0 - probability))
    x = _ratio(_TAIL, r - 1.6) if r <= 5.0 else _ratio(_FAR_TAIL, r - 5.0)
    return x if q > 0.0 else -x


@borrowing_kernel
def normal_tail_quantile(log_probability):
    """The x that solves log Φ(-x) = `log_probability`, at any depth, to at least ten digits."""
    if log_probability > -650.0:
        return normal_tail_point(math.exp(log_probability))
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
def kinked_normal(mean, load, left, right, fraction):
    """Quantile and log mass of a density with a single tilt of positive load: the common case, made fast.

    With the kink b = -mean/load and a = left load, c = right load, the mass is φ(b) [M(a - b) + M(b - c)], M the Mills
    ratio of `log_mills_ratio`. Without logarithms this holds as long as no tail underflows.

    Returns:
        The quantile at `fraction` and the log mass; NaN twice where a tail may underflow.
    """
    kink, low, high = -mean / load, left * load, right * load
    if not (abs(low - kink) < _NO_UNDERFLOW and abs(kink - high) < _NO_UNDERFLOW):
        return math.nan, math.nan
    tail_below = 0.5 * math.erfc((low - kink) * _SQRT_HALF)
    tail_above = 0.5 * math.erfc((kink - high) * _SQRT_HALF)
    mills_below = tail_below * math.exp(0.5 * (low - kink) ** 2)
    mills_above = tail_above * math.exp(0.5 * (kink - high) ** 2)
    total = mills_below + mills_above
    log_mass = math.log(total) - 0.5 * kink * kink
    if fraction * total < mills_below:
        return low - normal_tail_point(tail_below * (fraction * total / mills_below)), log_mass
    return high + normal_tail_point(tail_above * ((1.0 - fraction) * total / mills_above)), log_mass


@borrowing_kernel
def tilt_coordinate(means, terms, count, order, pieces, first, y, log_tilts):
    """Tilt standard normals y (N,), from draw `first` on, and take the logs of the masses off log_tilts (N,).

    The tilts are those of `split_tilted_normal`, with means (count, N) of their own for each draw.
    """
    for q in range(count):
        order[q] = q
    for k in range(y.size):
        fraction = 0.5 * math.erfc(-y[k] * _SQRT_HALF)
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
