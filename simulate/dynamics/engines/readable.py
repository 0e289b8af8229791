"""The coefficient engine in NumPy: `simulate.dynamics.step`, one trajectory and one step at a time."""

from __future__ import annotations

import numpy as np

from simulate.dynamics.engines.base import StepwiseEngine
from simulate.dynamics.step import direction, squared_norms
from simulate.dynamics.updates import Update

__all__ = ["ReadableEngine"]


class ReadableEngine(StepwiseEngine):
    """Keeps the coefficients alone and works the pre-activations out anew at every step."""

    def direction(
        self, number: int, update: Update, target: np.ndarray, present: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """See `StepwiseEngine.direction`."""
        c, share = self.coefficients[number], self.initial_shares[number]
        return direction(self.instances[number], c, share, update, target, present, self._damped(number, target))

    def move(self, number: int, update: Update, b: np.ndarray, lr: float) -> None:
        """See `StepwiseEngine.move`."""
        descent, moves = self.plans[number].descent, self.moves(number, update)
        geometry = self.instances[number].geometry
        if descent.is_plain:
            self.coefficients[number] = self.coefficients[number] - lr * moves[..., None] * b
        else:
            norm = float(np.sqrt((squared_norms(b, geometry.gram) * moves).sum()))
            moving = {"coefficients": moves[..., None], "initial_share": moves}
            self._descend(number, lr, norm, moving, {"coefficients": b, "initial_share": np.zeros(moves.shape)})
        self.preactivations[number] = geometry.preactivations(self.coefficients[number], self.initial_shares[number])
