"""Where a training stands, and how it ended."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

import numpy as np

__all__ = ["State", "Status"]


class Status(enum.Enum):
    """How a phase or a run ended; a numerical failure is data, not an exception."""

    CONVERGED = "converged"
    """A stopping rule was met."""
    MAX_STEPS = "max_steps"
    """All steps were taken."""
    NONFINITE = "nonfinite"
    """A number overflowed or became NaN; the state is the one in which it was found."""


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands; `run(…, start=state)` goes on from here, bit for bit.

    Attributes:
        coefficients: c, (2, m, 1 + n patches); see `simulate.problems.geometry`.
        preactivations: ⟨w_jr, s_k⟩, same shape.
        phase: Name of the phase it stands in.
        steps: Steps taken in that phase.
        total_steps: Steps taken in all phases.
        forget_part: Filters of the forget part of a partitioned network, (2, m) of bool, or None.
        weights: The weights (2, m, D) if the engine keeps them, else None.
        forget_coordinates: Coordinates of the forget part of a network that is partitioned by coordinate, (2, m, D) of
            bool, or None.
        forget_losses: Mean loss on the forget set at the end of each phase before, by name.
        initial_share: How much of each initial filter is left, (2, m); None is all of it.
        velocity: Velocity of what moves, by name, in a phase that has momentum or the like; None without.
        reference: log p₀ of the forget set's labels when the phase began, (n,), NaN for other samples; None in phases
            that do not damp what is forgotten.
        left: Where the network was that a phase aside leaves alone, by attribute, or None in other phases.
    """

    coefficients: np.ndarray
    preactivations: np.ndarray
    phase: str
    steps: int
    total_steps: int
    forget_part: np.ndarray | None = None
    weights: np.ndarray | None = None
    forget_coordinates: np.ndarray | None = None
    forget_losses: dict[str, float] = field(default_factory=dict)
    left: dict[str, np.ndarray] | None = None
    initial_share: np.ndarray | None = None
    velocity: dict[str, np.ndarray] | None = None
    reference: np.ndarray | None = None

    @property
    def back(self) -> State:
        """Where the network is once a phase aside is over; the same in any other phase."""
        if self.left is None:
            return self
        weights = self.left.get("weights")
        return replace(
            self, coefficients=self.left["coefficients"], preactivations=self.left["preactivations"], weights=weights,
            left=None, initial_share=self.left.get("initial_share"), velocity=None,
        )  # fmt: skip
