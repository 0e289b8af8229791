"""The coefficient engine in NumPy: `simulate.dynamics.step`, one trajectory and one step at a time."""

from __future__ import annotations

import numpy as np

from simulate.dynamics.engines.base import StepwiseEngine
from simulate.dynamics.plan import Update
from simulate.dynamics.step import apply_update

__all__ = ["ReadableEngine"]


class ReadableEngine(StepwiseEngine):
    """Keeps the coefficients alone and works the pre-activations out anew at every step."""

    def take(self, number: int, update: Update, target: np.ndarray, present: np.ndarray) -> list[np.ndarray]:
        """Apply one update; see `StepwiseEngine.take`."""
        instance, moves = self.instances[number], self.moves(number, update)
        c, visited = apply_update(instance, self.coefficients[number], update, target, present, moves)
        self.coefficients[number] = c
        self.preactivations[number] = instance.geometry.preactivations(c)
        return visited
