"""Gradient descent, stochastic or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.dynamics.optimizers.base import Optimizer
from simulate.dynamics.updates import Update

__all__ = ["SGD"]


@dataclass(frozen=True, kw_only=True, repr=False)
class SGD(Optimizer):
    """(Stochastic) gradient descent, W ← W - η ∇L(W).

    Example:
        >>> SGD(lr=0.01)
        SGD(lr=0.01, batch=None)
        >>> SGD(lr=0.01, momentum=0.9)
        SGD(lr=0.01, batch=None, momentum=0.9)
    """

    lr: float = 0.01
    """Step size η."""
    batch: int | None = None
    """Samples a step sees; None takes all of them. Batches of an epoch are disjoint; a remainder smaller than
    a batch sits the epoch out, so that every step sees exactly this many. NegGrad takes a batch of this size
    from the retain set and one from the forget set (at most all of it)."""

    def updates(self, weight: np.ndarray, retain: np.ndarray, forget: np.ndarray) -> tuple[Update, ...]:
        """One move along the gradient."""
        return (Update(weight, retain | forget, self.lr),)
