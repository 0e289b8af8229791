"""The polynomials behind elementary functions: each interpolates at Chebyshev's points, in 40 digits."""

from collections.abc import Callable

import mpmath
from mpmath import mp, mpf

__all__ = ["exponential", "logarithm", "scaled_tail", "tail_point"]


def exponential() -> list[float]:
    """exp(r) for |r| <= log(2)/2; the first two coefficients are 1."""
    with mp.workdps(40):
        return [1.0, 1.0, *_interpolate(lambda r: (mp.exp(r) - 1 - r) / r**2, -mp.log(2) / 2, mp.log(2) / 2, 10)]


def logarithm() -> list[float]:
    """What log[(1 + s)/(1 - s)] / s is above 2, as a function of s², for 1 + f = (1 + s)/(1 - s) between √½ and √2."""

    def excess(square: mpf) -> mpf:
        s = mp.sqrt(square)
        return (mp.log((1 + s) / (1 - s)) / s - 2) / square

    with mp.workdps(40):
        return [0.0, *_interpolate(excess, mpf(0), ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2, 7)]


def scaled_tail() -> list[float]:
    """(x + 5) exp(x²/2) Φ(-x) for 0 <= x <= 36, as a function of (x - 5)/(x + 5)."""

    def scaled(x: mpf) -> mpf:
        return (x + 5) * mp.exp(x * x / 2) * mp.erfc(x / mp.sqrt(2)) / 2

    with mp.workdps(40):
        return _interpolate_folded(scaled, mpf(0), mpf(36), mpf(5), 24)


def tail_point() -> list[float]:
    """x / (r + 3) with Φ(-x) = exp(-r²) for √(log 2) <= r <= 26, as a function of (r - 3)/(r + 3)."""

    def point(r: mpf) -> mpf:
        start = r * mp.sqrt(2) - (0.9 if r < 1.2 else 0.5)
        x = mpmath.findroot(lambda x: mp.log(mp.erfc(x / mp.sqrt(2)) / 2) + r * r, start)
        return x / (r + 3)

    with mp.workdps(40):
        return _interpolate_folded(point, mp.sqrt(mp.log(2)), mpf(26), mpf(3), 34)


def _interpolate_folded(f: Callable[[mpf], mpf], a: mpf, b: mpf, centre: mpf, count: int) -> list[float]:
    """The same for f on [a, b] as a function of t = (x - centre)/(x + centre)."""
    ends = ((x - centre) / (x + centre) for x in (a, b))
    return _interpolate(lambda t: f(centre * (1 + t) / (1 - t)), *ends, count)


def _interpolate(f: Callable[[mpf], mpf], a: mpf, b: mpf, count: int) -> list[float]:
    """Coefficients of the polynomial that is f at so many Chebyshev points of [a, b], from that of t^0 on."""
    x = [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    divided = [f(each) for each in x]
    for j in range(1, count):  # differences, as Newton has them
        for k in range(count - 1, j - 1, -1):
            divided[k] = (divided[k] - divided[k - 1]) / (x[k] - x[k - j])
    total = [mpf(0)]
    for k in range(count - 1, -1, -1):  # total · (t - x_k) + divided_k
        total = [low - x[k] * high for low, high in zip([mpf(0), *total], [*total, mpf(0)], strict=True)]
        total[0] += divided[k]
    return [float(c) for c in total[:count]]
