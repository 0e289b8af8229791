r"""Noise whose coordinates differ in variance: a covariance Σ = ⊕_b λ_b I with blocks of d_b coordinates.

Rotations within a block change nothing, so the M vectors of a problem are as exact in a frame of each block as they
are in one of all of R^d where all variances are equal: block b has a Bartlett triangle with d_b degrees of freedom
(`simulate.problems.frame`), at a cost that does not depend on d_b. The Gram matrix is the sum of those of the blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["Blocks", "plain_eigenvalues", "plain_multiplicities", "power_law", "spikes"]

_LEAST, _MOST = 1e-100, 1e100
"""Between these the squares of eigenvalues are floats, with room for their sums."""


@dataclass(frozen=True)
class Blocks:
    """Eigenvalues with their multiplicities, and where the signal lies among them."""

    eigenvalues: tuple[float, ...]
    """λ_b, in units of σ_p²."""
    multiplicities: tuple[int, ...]
    """d_b, one for each eigenvalue."""
    signal: tuple[tuple[int, float], ...]
    """Blocks that hold a part of φ, each with the length of that part over ‖φ‖."""

    @classmethod
    def of(
        cls,
        d: int,
        eigenvalues: tuple[float, ...],
        multiplicities: tuple[int, ...],
        signal_block: int | None,
        lean_block: int | None,
        lean_angle: float | None,
    ) -> Blocks:
        """Read the fields of a `simulate.Problem`, which documents them; entries are plain numbers by now.

        Raises:
            ValueError: naming the field that does not fit.
        """
        count = len(eigenvalues)
        own = count - 1 if signal_block is None else signal_block
        _block("signal_block", own, count)
        signal: tuple[tuple[int, float], ...] = ((own, 1.0),)
        if (lean_block is None) != (lean_angle is None):
            missing = "lean_block" if lean_block is None else "lean_angle"
            raise ValueError(f"Argument `{missing}` must be given together with its partner, but is missing.")
        if lean_block is not None and lean_angle is not None:
            _block("lean_block", lean_block, count)
            if lean_block == own:
                checks.fail("lean_block", "be another block than that of the signal", lean_block)
            checks.real("lean_angle", lean_angle)
            if not 0.0 < lean_angle < 90.0:
                checks.fail("lean_angle", "lie between 0 and 90 degrees", lean_angle)
            angle = math.radians(lean_angle)
            signal = ((own, math.cos(angle)), (lean_block, math.sin(angle)))
        return cls(eigenvalues, _complete(multiplicities, count, d), signal)

    @property
    def trace(self) -> float:
        """Tr Σ, d where the mean of the variances is one."""
        return math.fsum(value * size for value, size in zip(self.eigenvalues, self.multiplicities, strict=True))

    @property
    def effective_dimension(self) -> float:
        """(tr Σ)² / tr Σ², d where all variances are equal."""
        largest = max(self.eigenvalues)
        shares = [value / largest for value in self.eigenvalues]
        pairs = list(zip(shares, self.multiplicities, strict=True))
        return math.fsum(a * size for a, size in pairs) ** 2 / math.fsum(a * a * size for a, size in pairs)

    def is_noise_along(self, orthogonal: bool) -> bool:
        """Whether any noise is left, with the coordinate along φ or without it."""
        free = sum(size for value, size in zip(self.eigenvalues, self.multiplicities, strict=True) if value > 0)
        all_signal = len(self.signal) == 1 and self.eigenvalues[self.signal[0][0]] > 0
        return free > (1 if orthogonal and all_signal else 0)

    def widths(self, most: int | None) -> list[int]:
        """Coordinates of each block, where so many vectors need no more than `most`; None has all of them."""
        return [size if most is None else min(size, most) for size in self.multiplicities]

    def deviations(self, most: int | None) -> np.ndarray:
        """√λ of each coordinate, block by block, (Σ widths,)."""
        return np.repeat(np.sqrt(self.eigenvalues), self.widths(most))

    def signal_places(self, most: int | None) -> list[tuple[int, float]]:
        """Coordinates along which φ lies, the first of their blocks, each with its part of ‖φ‖."""
        firsts = [0, *accumulate(self.widths(most))]
        return [(firsts[block], part) for block, part in self.signal]


def plain_eigenvalues(values: object) -> tuple[float, ...]:
    """Require eigenvalues, and return them as plain numbers.

    Raises:
        ValueError: if there is none above 0, or one is out of range.
    """
    entries = checks.listed("eigenvalues", "be a list of numbers", values)
    for value in entries:
        checks.real("eigenvalues", value, nonnegative=True)
        if value and not _LEAST <= float(value) <= _MOST:
            checks.fail("eigenvalues", f"be 0 or lie in [{_LEAST:g}, {_MOST:g}]", value)
    if not any(entries):
        checks.fail("eigenvalues", "hold a number above 0", values)
    return tuple(float(value) for value in entries)


def plain_multiplicities(values: object) -> tuple[int, ...]:
    """Require multiplicities, and return them as plain numbers.

    Raises:
        ValueError: if one is no whole number of at least 1.
    """
    entries = checks.listed("multiplicities", "be a list of whole numbers", values)
    for value in entries:
        checks.integer("multiplicities", value, least=1)
    return tuple(int(value) for value in entries)


def spikes(d: int, *, count: int = 1, factor: float) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Eigenvalues and multiplicities of a few strong directions over equal ones, of mean variance one (tr Σ = d).

    Args:
        d: Dimension of a patch.
        count: Number of strong directions, below d.
        factor: How many times the variance of the others they have.

    Returns:
        `eigenvalues` and `multiplicities` of a `simulate.Problem`: the spikes are block 0, the bulk is block 1.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> spikes(100, count=25, factor=5.0)
        ((2.5, 0.5), (25, 75))
    """
    checks.integer("d", d, least=2)
    checks.integer("count", count, least=1, most=d - 1)
    checks.real("factor", factor, positive=True)
    return _of_mean_one([factor, 1.0], [count, d - count])


def power_law(d: int, exponent: float, *, blocks: int = 20) -> tuple[tuple[float, ...], tuple[int, ...]]:
    r"""Eigenvalues k^-exponent of k = 1, …, d in steps, of mean variance one (tr Σ = d).

    Blocks are bounded by a geometric sequence; the eigenvalue of a block is the mean of its powers.

    Args:
        d: Dimension of a patch.
        exponent: How fast eigenvalues fall, in [0, 10].
        blocks: Number of blocks, or d where that is fewer.

    Returns:
        `eigenvalues` and `multiplicities` of a `simulate.Problem`, the largest eigenvalue first.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> eigenvalues, multiplicities = power_law(10**9, 1.0, blocks=4)
        >>> multiplicities
        (176, 31445, 5591791, 994376588)
    """
    checks.integer("d", d, least=2)
    checks.integer("blocks", blocks, least=1)
    checks.real("exponent", exponent, nonnegative=True)
    if exponent > 10.0:
        checks.fail("exponent", "be at most 10", exponent)
    blocks = min(blocks, d)
    bounds = [(1.0 + _ROUNDING) * (d + 1) ** (number / blocks) for number in range(1, blocks)]
    edges = [1, *(max(math.floor(bound), number) for number, bound in enumerate(bounds, 2)), d + 1]
    sizes = [high - low for low, high in pairwise(edges)]
    means = [_sum_of_powers(low, high, exponent) / (high - low) for low, high in pairwise(edges)]
    return _of_mean_one(means, sizes)


_ROUNDING = 1e-12
"""What lifts whole bounds over the last bits of powers, which differ from machine to machine."""

_ONE_BY_ONE = 1000
"""Up to here powers are added one by one; beyond, the midpoint rule is right to a relative 5e-6 or better."""


def _sum_of_powers(low: int, high: int, exponent: float) -> float:
    """Σ k^-exponent over low ≤ k < high."""
    first = math.fsum(k**-exponent for k in range(low, min(high, _ONE_BY_ONE)))
    start, end = max(low, _ONE_BY_ONE) - 0.5, high - 0.5
    if start >= end:
        return first
    growth, power = math.log(end / start), 1.0 - exponent
    return first + (growth if power == 0.0 else start**power * math.expm1(power * growth) / power)


def _of_mean_one(values: Sequence[float], sizes: Sequence[int]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The same proportions at mean variance one."""
    mean = math.fsum(value * size for value, size in zip(values, sizes, strict=True)) / sum(sizes)
    return tuple(value / mean for value in values), tuple(sizes)


def _block(name: str, block: object, count: int) -> None:
    checks.integer(name, block, least=0, most=count - 1)


def _complete(multiplicities: tuple[int, ...], count: int, d: int) -> tuple[int, ...]:
    """All multiplicities; a last one that was left out is what the others leave of d."""
    given = sum(multiplicities)
    if len(multiplicities) not in (count, count - 1):
        entries = counted(len(multiplicities), "entry", "entries")
        raise ValueError(
            f"Argument `multiplicities` must have {count} entries as `eigenvalues` has, or one fewer to leave the rest "
            f"of `d` to the last, but has {entries}."
        )
    if len(multiplicities) == count and given != d:
        raise ValueError(f"Argument `multiplicities` must add up to d = {d}, but add up to {given}.")
    if len(multiplicities) < count and given >= d:
        raise ValueError(f"Argument `multiplicities` must leave some of d = {d} to the last, but add up to {given}.")
    return multiplicities if len(multiplicities) == count else (*multiplicities, d - given)
