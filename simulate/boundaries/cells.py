"""What all cells of a map over dimension and signal strength have in common, whoever draws the map."""

from __future__ import annotations

from dataclasses import dataclass

from simulate.house import checks
from simulate.problems.problem import Problem

__all__ = ["CellSettings"]


@dataclass(frozen=True, kw_only=True)
class CellSettings:
    """The law of the data in every cell but for d and ‖φ‖, and the seeds that each is run with."""

    n: int = 20
    """Number of training samples."""
    sigma_p: float = 1.0
    """Standard deviation of each noise coordinate."""
    label_flip: float = 0.1
    """Probability that an observed label is wrong, in [0, 1/2)."""
    replicates: int = 6
    """Seeds in each cell."""
    seed: int = 0
    """First seed; the replicates take it and the ones after it."""

    def __post_init__(self) -> None:
        """Validate what the problems of the cells do not.

        Raises:
            ValueError: if a field is out of range; the message names it.
        """
        checks.plain_fields(self)
        checks.integer("replicates", self.replicates, least=1, most=10**6)
        checks.integer("seed", self.seed, least=0)

    @property
    def seeds(self) -> range:
        """The seeds of every cell."""
        return range(self.seed, self.seed + self.replicates)

    def problem(self, d: int, signal: float) -> Problem:
        """The problem of a cell, without a forget set."""
        return Problem(
            d=d, n=self.n, signal=signal, sigma_p=self.sigma_p, label_flip=self.label_flip, forget=0.0
        )  # fmt: skip
