"""Forgetting by caring less: the forget set keeps its loss, with a smaller weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulate.dynamics.objectives.base import TwoTerms
from simulate.house import checks

__all__ = ["CaringLess"]


@dataclass(frozen=True, kw_only=True)
class CaringLess(TwoTerms):
    """L(R) + λ L(F)."""

    weight: float = 0.1
    """Weight λ of the forget loss."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.real("weight", self.weight, nonnegative=True)

    def weights(self, sizes: Sequence[int]) -> tuple[float, ...]:
        """Means over the sets of a step."""
        retained, forgotten = sizes
        return 1.0 / retained, self.weight / forgotten
