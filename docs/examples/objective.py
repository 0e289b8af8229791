"""Forgetting by caring less: the forget set keeps its loss, with a smaller weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulate.dynamics.objectives.base import Objective, Sets
from simulate.house import checks

__all__ = ["CaringLess"]


@dataclass(frozen=True, kw_only=True)
class CaringLess(Objective):
    """L(R) + λ L(F)."""

    weight: float = 0.1
    """Weight λ of the forget loss."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.real("weight", self.weight, nonnegative=True)

    @property
    def separates(self) -> bool:
        """It has a term on each of the sets."""
        return True

    @property
    def needs(self) -> frozenset[str]:
        """Both."""
        return frozenset({"retain", "forget"})

    def sets(self, retain: np.ndarray, forget: np.ndarray) -> Sets:
        """The retain set and the forget set."""
        return retain, forget

    def weights(self, sizes: Sequence[int]) -> tuple[float, ...]:
        """Means over the sets of a step."""
        retained, forgotten = sizes
        return 1.0 / retained, self.weight / forgotten
