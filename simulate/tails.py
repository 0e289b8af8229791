"""Scalar special functions for very small probabilities: everything in logarithms, nothing overflows."""

from __future__ import annotations

import math

from numba import njit

__all__ = [
    "kinked_normal",
    "log_add",
    "log_chi_tail",
    "log_kinked_mass",
    "log_mills_ratio",
    "log_normal_tail",
    "normal_tail_quantile",
]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_LOG_HALF = math.log(0.5)
_SQRT_HALF = math.sqrt(0.5)
_FORWARD_LIMIT = 600.0  # below this the plain sum, at most exp(t), cannot overflow
_ASYMPTOTIC_FROM = 25.0  # from here on five terms of the Mills series are exact in double precision

_options = {"cache": True, "error_model": "numpy", "nogil": True}


@njit(**_options)
def log_add(a, b):
    """log(exp(a) + exp(b)); minus infinity stands for zero, NaN stays NaN."""
    high, low = (a, b) if a > b else (b, a)
    if low == -math.inf:
        return high
    return high + math.log1p(math.exp(low - high))


@njit(**_options)
def log_chi_tail(t, n, log_gamma):
    """Log-probability that a chi variable with 2n degrees of freedom exceeds √(2t).

    log P(R > √(2t)) = -t + log Σ_{i<n} tⁱ/i!. For large t the largest term tⁿ⁻¹/(n - 1)! is taken out of the sum.

    Args:
        t: Half the squared radius, at least 0; may be infinite.
        n: Half the degrees of freedom, at least 1.
        log_gamma: log Γ(n), which callers compute once for many radii.
    """
    total = 1.0
    if t <= _FORWARD_LIMIT and t <= n:
        for i in range(n - 1, 0, -1):
            total = 1.0 + total * t / i
        return min(0.0, math.log(total) - t)
    if t == math.inf:
        return -math.inf
    inverse = 1.0 / t
    for i in range(1, n):
        total = 1.0 + total * (i * inverse)
    # The sum overflows only where t lies so far below n that the probability is one: the cap is then exact.
    return min(0.0, (n - 1) * math.log(t) - log_gamma + math.log(total) - t)


@njit(**_options)
def log_mills_ratio(x):
    """log M(x) = log[Φ(-x)/φ(x)] for any real x."""
    if x < _ASYMPTOTIC_FROM:
        return math.log(0.5 * math.erfc(x * _SQRT_HALF)) + 0.5 * x * x + _HALF_LOG_2PI
    u = 1.0 / (x * x)
    return math.log1p(-u * (1.0 - u * (3.0 - u * (15.0 - u * (105.0 - 945.0 * u))))) - math.log(x)


@njit(**_options)
def log_normal_tail(x):
    """log Φ(-x), the upper tail of the standard normal, for any real x."""
    if x < 0.0:
        return math.log1p(-0.5 * math.erfc(-x * _SQRT_HALF))
    if x < _ASYMPTOTIC_FROM:
        return math.log(0.5 * math.erfc(x * _SQRT_HALF))
    return log_mills_ratio(x) - 0.5 * x * x - _HALF_LOG_2PI


@njit(**_options)
def normal_tail_quantile(log_probability):
    """The x that solves log Φ(-x) = `log_probability`, to about ten digits at every depth.

    Hastings' rational start (Abramowitz and Stegun 26.2.23) is refined by one Halley step on the logarithm, which
    converges at any depth because log Φ(-x) is nearly a parabola.
    """
    upper = log_probability <= _LOG_HALF
    log_p = log_probability if upper else math.log(-math.expm1(log_probability))
    if log_p == -math.inf:
        return math.inf if upper else -math.inf
    t = math.sqrt(-2.0 * log_p)
    top = 2.515517 + t * (0.802853 + t * 0.010328)
    x = t - top / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    log_mills = log_mills_ratio(x)
    excess = log_mills - 0.5 * x * x - _HALF_LOG_2PI - log_p
    mills = math.exp(log_mills)
    # With F = log Φ(-x) - log p: F' = -1/M and F'' = (x M - 1)/M².
    x += excess * mills / (1.0 + 0.5 * excess * (1.0 - x * mills))
    return x if upper else -x


@njit(**_options)
def log_kinked_mass(kink, left, right):
    """Log of the mass ∫ φ(y) exp(τ(y)) dy of a kinked normal.

    τ is piecewise linear and 0 at its kink b: τ(y) = left (y - b) below and right (y - b) above. Completing the
    square on either side gives the mass φ(b) [M(left - b) + M(b - right)].
    """
    pieces = log_add(log_mills_ratio(left - kink), log_mills_ratio(kink - right))
    return pieces - 0.5 * kink * kink - _HALF_LOG_2PI


@njit(**_options)
def kinked_normal(normal, kink, left, right):
    """Map a standard normal draw, increasingly, to one with density φ(y) exp(τ(y)) / mass.

    See `log_kinked_mass` for τ. Either piece is a truncated normal, with mean `left` or `right`; which one and where
    is read off the draw's own distribution function.
    """
    log_left, log_right = log_mills_ratio(left - kink), log_mills_ratio(kink - right)
    log_both = log_add(log_left, log_right)
    below = log_normal_tail(-normal)
    if below < log_left - log_both:
        truncation = -0.5 * (left - kink) ** 2 - _HALF_LOG_2PI
        return min(left - normal_tail_quantile(below + log_both + truncation), kink)
    truncation = -0.5 * (kink - right) ** 2 - _HALF_LOG_2PI
    return max(right + normal_tail_quantile(log_normal_tail(normal) + log_both + truncation), kink)
