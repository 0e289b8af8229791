"""One run for the trajectory explorer, as the curves that are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.interactive.trajectory_settings import TrajectorySettings
from simulate.runs.record import Record
from simulate.runs.result import Result
from simulate.runs.run import run

__all__ = ["RECORD", "TEST_DIRECTIONS", "Trajectory", "simulate_trajectory"]

RECORD = Record(every=8, observe=("coefficients", "accuracy", "test_error"))
"""What is drawn, and how densely."""
TEST_DIRECTIONS = 64
"""Noise directions each test error averages over."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The curves of a run over its recorded steps, S in all.

    Attributes:
        step: Steps of the run, (S,).
        kappa: Signal coefficient κ, mean over all filters, (S,).
        zeta: Noise coefficient ζ, mean over neurons, (own or opposite class, retain or forget set, S).
        accuracy: Training accuracy, (retain or forget set, S).
        test_error: Test error, (S,).
        phases: Name of each phase and the step at which it begins.
        result: The run itself.
    """

    step: np.ndarray
    kappa: np.ndarray
    zeta: np.ndarray
    accuracy: np.ndarray
    test_error: np.ndarray
    phases: tuple[tuple[str, int], ...]
    result: Result


def simulate_trajectory(settings: TrajectorySettings) -> Trajectory:
    """Run the settings.

    Args:
        settings: The settings.

    Returns:
        The curves. A run whose numbers overflow ends early; its status says so.

    Raises:
        ValueError: if d is too small for the vectors of the problem.
    """
    result = run(
        settings.problem, settings.phases, seed=settings.seed, record=RECORD, test_directions=TEST_DIRECTIONS
    )  # fmt: skip
    trace = result.trace
    step, names = trace["step"].values, trace["phase"].values
    return Trajectory(
        step=step,
        kappa=trace["kappa_mean"].mean("sign").values,
        zeta=trace["zeta_mean"].transpose("relation", "set", "step").values,
        accuracy=trace["accuracy"].transpose("set", "step").values,
        test_error=trace["test_error"].values,
        phases=tuple((name, int(step[names == name][0])) for name in dict.fromkeys(names.tolist())),
        result=result,
    )
