r"""Noise that differs in strength: between images at random, between classes, and between the patches of an image.

Noise is ξ = s g with Gaussian g and a random radius s of each image.

All noise patches of an image share its s, and E s² = 1 in every law, so that σ_p² stays the variance of a noise
coordinate. Given the radii nothing but the lengths of the noise vectors has changed: the Gram matrix is
diag(s) G diag(s) with the Gaussian one G, which the exact frame draws for any d. So it is with scales that are given,
of the two classes and of the noise patches: they are further factors of s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["LogNormal", "Strength", "StudentT", "TwoScales", "plain_scales"]

_MOST_DEGREES, _MOST_SPREAD, _MOST_FACTOR = 1e6, 3.0, 1e6
"""Beyond the first, noise is Gaussian; beyond the others, E s² = 1 hangs on images that are never drawn."""

_MOST_SCALE = 1e6
"""Beyond it, or below its inverse, other noise is lost in rounding."""


@dataclass(frozen=True)
class StudentT:
    """s² = (ν - 2)/χ²_ν: the noise of an image has the multivariate t-law, of unit variance."""

    degrees_of_freedom: float
    """ν, above 2: P(s > x) falls like x^-ν."""

    def __post_init__(self) -> None:
        """Require a finite variance.

        Raises:
            ValueError: if the degrees of freedom do not give one.
        """
        _between("degrees_of_freedom", self.degrees_of_freedom, 2.0, _MOST_DEGREES)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Radii of n images, (n,)."""
        return np.sqrt((self.degrees_of_freedom - 2.0) / rng.chisquare(self.degrees_of_freedom, n))

    @property
    def table(self) -> tuple[float, ...]:
        """Density of v = log s for the kernels: log p(v) = log_norm - ν v - (ν - 2) exp(-2v)/2."""
        nu, inverse = self.degrees_of_freedom, 0.5 * self.degrees_of_freedom - 1.0
        log_norm = math.log(2.0) + 0.5 * nu * math.log(inverse) - math.lgamma(0.5 * nu)
        return 1.0, log_norm, -nu, 0.0, inverse


@dataclass(frozen=True)
class LogNormal:
    """log s = β z - β² with a standard normal z."""

    spread: float
    """β, the standard deviation of log s."""

    def __post_init__(self) -> None:
        """Require a spread that draws can show.

        Raises:
            ValueError: if it is out of range.
        """
        _between("log_spread", self.spread, 0.0, _MOST_SPREAD)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Radii of n images, (n,)."""
        return np.exp(self.spread * rng.standard_normal(n) - self.spread**2)

    @property
    def table(self) -> tuple[float, ...]:
        """Density of v = log s for the kernels: log p(v) = log_norm - v - v²/(2β²)."""
        log_norm = -0.5 * self.spread**2 - math.log(self.spread) - 0.5 * math.log(2.0 * math.pi)
        return 1.0, log_norm, -1.0, 0.5 / self.spread**2, 0.0


@dataclass(frozen=True)
class TwoScales:
    """A fraction p of the images has c times the noise of the others: s = c s₀ or s₀, s₀² (1 - p + p c²) = 1."""

    fraction: float
    """p, the probability that an image is a noisy one."""
    factor: float
    """c, how many times noisier it is."""

    def __post_init__(self) -> None:
        """Require two kinds of images.

        Raises:
            ValueError: if there is one kind only.
        """
        checks.real("noisy_fraction", self.fraction)
        if not 0.0 < self.fraction < 1.0:
            checks.fail("noisy_fraction", "lie between 0 and 1", self.fraction)
        _between("noisy_factor", self.factor, 1.0, _MOST_FACTOR)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Radii of n images, (n,)."""
        return self._least * np.where(rng.random(n) < self.fraction, self.factor, 1.0)

    @property
    def table(self) -> tuple[float, ...]:
        """Both log s for the kernels, each with its log probability."""
        least = math.log(self._least)
        return 2.0, least, math.log1p(-self.fraction), least + math.log(self.factor), math.log(self.fraction)

    @property
    def _least(self) -> float:
        """s₀, the radius of the quieter images."""
        return 1.0 / math.sqrt(1.0 + self.fraction * (self.factor**2 - 1.0))


Strength = StudentT | LogNormal | TwoScales
"""The law of the radius s of an image's noise."""


def plain_scales(name: str, values: object, count: int) -> tuple[float, ...]:
    """Require so many scales of noise, and return them as plain numbers.

    Args:
        name: The argument, for the error.
        values: The scales.
        count: How many there have to be.

    Returns:
        The scales.

    Raises:
        ValueError: if there are more or fewer, or one is out of range.
    """
    entries = checks.listed(name, "be a list of numbers", values)
    for value in entries:
        checks.real(name, value, positive=True)
        if not 1.0 / _MOST_SCALE <= value <= _MOST_SCALE:
            checks.fail(name, f"lie in [{1.0 / _MOST_SCALE:g}, {_MOST_SCALE:g}]", value)
    if len(entries) != count:
        found = counted(len(entries), "entry", "entries")
        raise ValueError(f"Argument `{name}` must have {counted(count, 'entry', 'entries')}, but has {found}.")
    return tuple(float(value) for value in entries)


def _between(name: str, value: object, above: float, most: float) -> None:
    checks.real(name, value)
    if not above < value <= most:  # type: ignore[operator]  # a real number by now
        checks.fail(name, f"be above {above:g} and at most {most:g}", value)
