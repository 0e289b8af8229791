"""Ascent on the forget set with a weight that has no bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulate.dynamics.objectives.base import TwoTerms
from simulate.house import checks

__all__ = ["GradientDifference"]


@dataclass(frozen=True, kw_only=True)
class GradientDifference(TwoTerms):
    """Gradient difference, L(R) - λ L(F): NegGrad with weights that do not add up to one.

    Source: Liu et al. 2022 (arXiv 2203.12817).
    """

    weight: float = 1.0
    """Weight λ of the forget loss."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.real("weight", self.weight, nonnegative=True)

    def weights(self, sizes: Sequence[int]) -> tuple[float, ...]:
        """Means over the sets of a step."""
        retained, forgotten = sizes
        return 1.0 / retained, -self.weight / forgotten
