"""What every objective has: sets that give samples to a step, their weights, and the labels that the loss uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from simulate.problems.instance import Labels

__all__ = ["Objective"]

Sets = tuple[np.ndarray, ...]


class Objective:
    """A weighted sum of the samples' losses log(1 + exp(-t_i f_i)).

    A new one is a frozen dataclass that overrides what is different from the mean loss over all samples; no engine has
    to be touched.
    """

    @property
    def covers(self) -> Literal["all", "retain", "forget"]:
        """The samples it has terms on."""
        return "all"

    @property
    def separates(self) -> bool:
        """Whether it has one term on the retain set and another on the forget set."""
        return False

    @property
    def needs(self) -> frozenset[str]:
        """Which of the sets "retain" and "forget" must not be empty for it to mean anything."""
        return frozenset()

    @property
    def label_noise(self) -> float:
        """Probability with which each step turns the label of each sample, drawn anew for it."""
        return 0.0

    @property
    def bound(self) -> float:
        """β of negative preference, which damps the terms of the forget set as they are forgotten; 0 damps nothing."""
        return 0.0

    def sets(self, retain: np.ndarray, forget: np.ndarray) -> Sets:
        """The sets that each give a batch to every step, (n,) of bool; the mean loss over the first is descended."""
        return (retain | forget,)

    def weights(self, sizes: Sequence[int]) -> tuple[float, ...]:
        """Signed weight of a sample of each of the sets, of which a step sees so many."""
        return tuple(1.0 / size for size in sizes)

    def targets(self, labels: Labels, phase: str) -> np.ndarray:
        """Label ±1 that each sample's loss uses, (n,), in the phase of a name."""
        return labels.y


class TwoTerms(Objective):
    """An objective with a term on the retain set and another on the forget set; both must be there."""

    @property
    def separates(self) -> bool:
        """It does."""
        return True

    @property
    def needs(self) -> frozenset[str]:
        """Both."""
        return frozenset({"retain", "forget"})

    def sets(self, retain: np.ndarray, forget: np.ndarray) -> Sets:
        """The retain set and the forget set."""
        return retain, forget
