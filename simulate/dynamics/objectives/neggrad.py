"""Unlearning by ascent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from simulate.dynamics.objectives.base import TwoTerms
from simulate.house import checks

__all__ = ["NegGrad"]


@dataclass(frozen=True, kw_only=True)
class NegGrad(TwoTerms):
    """Unlearning by ascent: α L(R) - (1 - α) L(F).

    Example:
        >>> NegGrad(alpha=1.3)
        Traceback (most recent call last):
        ...
        ValueError: Argument `alpha` must lie in [0, 1], but is 1.3.
    """

    alpha: float = 0.7
    """Weight α of the retain loss, in [0, 1]."""
    reduction: Literal["mean", "sum"] = "mean"
    """Whether L(R) and L(F) are means over their own (batch) samples, or sums."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.fraction("alpha", self.alpha)
        checks.choice("reduction", self.reduction, ("mean", "sum"))

    def weights(self, sizes: Sequence[int]) -> tuple[float, ...]:
        """Weights α and α - 1, over the sizes where losses are means."""
        factors = self.alpha, self.alpha - 1.0
        if self.reduction == "sum":
            return factors
        return tuple(factor / size for factor, size in zip(factors, sizes, strict=True))
