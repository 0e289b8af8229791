"""Training on labels that are turned at random, anew at every step."""

from __future__ import annotations

from dataclasses import dataclass

from simulate.dynamics.objectives.loss import Loss
from simulate.house import checks

__all__ = ["LabelNoise"]


@dataclass(frozen=True, kw_only=True)
class LabelNoise(Loss):
    """The mean loss, each step with labels of which some are turned at random, drawn anew for it.

    Stopping rules look at the loss with the observed labels. Source: Huang et al. 2025 (label noise GD; their noise
    turns a label with probability `flip`).
    """

    flip: float = 0.1
    """Probability with which a step turns a sample's label."""

    def __post_init__(self) -> None:
        """Validate every field."""
        super().__post_init__()
        checks.plain_fields(self)
        checks.fraction("flip", self.flip)

    @property
    def label_noise(self) -> float:
        """The probability."""
        return self.flip
