"""What a run records, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulate.house import checks
from simulate.runs.observe import OBSERVABLES

__all__ = ["Record"]

MOST_POINTS = 10**6
"""Most steps of a phase that can be asked for by their number."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Which steps of each phase are recorded, and what of them. The first and last step always are.

    Example:
        >>> Record(every=250).steps(1000).tolist()
        [0, 250, 500, 750, 1000]
        >>> Record(points=5).steps(1000).tolist()
        [0, 1, 10, 100, 1000]
    """

    every: int | None = None
    """Record every so many steps; None spaces `points` steps logarithmically instead."""
    points: int = 40
    """Number of log-spaced steps in a phase, when `every` is None; small steps that coincide count once."""
    observe: tuple[str, ...] = ("coefficients", "loss", "accuracy")
    """What is recorded: any of coefficients (summaries of κ and ζ), coefficients_full (all of them), loss,
    accuracy, test_error, deactivation, deactivation_radius, gradient_norm, sharpness, hessian."""
    tau: float | None = None
    """Radius at which deactivation and sharpness are measured; None takes the optimizer's own."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        if self.every is not None:
            checks.integer("every", self.every, least=1)
        checks.integer("points", self.points, least=2, most=MOST_POINTS)
        if not isinstance(self.observe, Sequence):
            checks.fail("observe", "be a tuple of words", self.observe)
        if len(set(map(repr, self.observe))) < len(self.observe):
            checks.fail("observe", "hold each word once", self.observe)
        for word in self.observe:
            checks.choice("observe", word, tuple(OBSERVABLES))
        if self.tau is not None:
            checks.real("tau", self.tau, positive=True)

    def steps(self, total: int) -> np.ndarray:
        """Steps 0, …, total of a phase at which it is recorded, ascending."""
        if self.every is not None:
            return np.unique(np.append(np.arange(0, total, self.every), total))
        if total == 0:
            return np.array([0])
        spaced = np.rint(np.geomspace(total, 1, self.points - 1)).astype(np.int64)
        return np.unique(np.append(0, spaced))
