"""Ascent that ends by itself: what is forgotten is no longer pushed."""

from __future__ import annotations

from dataclasses import dataclass

from simulate.dynamics.objectives.neggrad import NegGrad
from simulate.house import checks

__all__ = ["BoundedNegGrad"]


@dataclass(frozen=True, kw_only=True)
class BoundedNegGrad(NegGrad):
    """NegGrad with negative preference in the place of ascent: α L(R) + (1 - α) (2/β) mean_F log(1 + (p/p₀)^β).

    p is the probability of a sample's label, and p₀ what it was when the phase began. The gradient of a forget sample
    is NegGrad's, times 2 (p/p₀)^β / (1 + (p/p₀)^β): 1 at first, 0 once the sample is forgotten; β → 0 is NegGrad.

    Source: Zhang et al. 2024 (negative preference optimisation, arXiv 2404.05868).
    """

    beta: float = 1.0
    """Inverse temperature β."""

    def __post_init__(self) -> None:
        """Validate every field."""
        super().__post_init__()
        checks.real("beta", self.beta, positive=True)

    @property
    def bound(self) -> float:
        """The inverse temperature."""
        return self.beta
