"""Unlearning by relabelling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.dynamics.objectives.base import Objective
from simulate.house import checks
from simulate.problems.instance import Labels
from simulate.problems.streams import stream

__all__ = ["RandomLabel"]


@dataclass(frozen=True, kw_only=True)
class RandomLabel(Objective):
    """Unlearning by relabelling: the mean loss over all samples, forget labels flipped at random."""

    flip: float = 1.0
    """Probability that a forget sample's label is flipped, drawn once when the phase begins. 1 always flips;
    1/2 is the uniformly random label of the released code, which may be the true one."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.fraction("flip", self.flip)

    @property
    def needs(self) -> frozenset[str]:
        """Labels of the forget set are flipped."""
        return frozenset({"forget"})

    def targets(self, labels: Labels, phase: str) -> np.ndarray:
        """The observed labels, some of those of the forget set turned."""
        draws = stream(labels.seed, "targets", phase).random(labels.n)
        return np.where(labels.forget & (draws < self.flip), -labels.y, labels.y)
