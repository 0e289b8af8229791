"""Retaining and forgetting by turns: a step of each, on the whole network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers.base import Optimizer
from simulate.dynamics.updates import Update
from simulate.house import checks

__all__ = ["Alternating"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Alternating(Optimizer):
    """First a step on the retain set with SAM, then one on the forget set with SGD."""

    tau: float = 0.03
    """Perturbation radius τ of the retain step."""

    @property
    def moves(self) -> int:
        """One on each of the sets."""
        return 2

    def updates(self, weight: np.ndarray, retain: np.ndarray, forget: np.ndarray) -> tuple[Update, ...]:
        """The weights of the objective, a set at a time."""
        return (
            Update(weight * retain, retain, self.lr, tau=self.tau, mixing=1.0),
            Update(weight * forget, forget, self.lr),
        )

    def check(self, objective: Objective) -> None:
        """It needs a term on each of the sets."""
        if not objective.separates:
            checks.fail("objective", "be NegGrad when steps alternate", objective)
