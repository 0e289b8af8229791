"""What the sliders of the page can be set to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from simulate.house import checks
from simulate.interactive.trajectory_settings import TrajectorySettings

__all__ = ["OPTIMIZERS", "Grid"]

_Optimizer = Literal["SGD", "SAM", "SharpMinMax"]

OPTIMIZERS: tuple[_Optimizer, ...] = ("SGD", "SAM", "SharpMinMax")
"""Optimizers of the unlearning; SGD has no radius, so it has one trajectory for all of them."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The values of each slider.

    Example:
        >>> Grid(d=(1000,), n=(20,), signal=(4.0,), alpha=(0.7,), tau=(0.5, 1.0)).n_runs
        5
    """

    d: tuple[int, ...] = (10**3, 10**4, 10**5, 10**6, 10**7)
    """Dimensions of a patch."""
    n: tuple[int, ...] = (20, 100)
    """Numbers of training samples."""
    signal: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    """Signal strengths ‖φ‖."""
    alpha: tuple[float, ...] = (0.5, 0.7, 0.9)
    """Weights α of the retain loss."""
    tau: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Radii of SAM and Sharp MinMax, in units of the one that SAM's theorem asks for."""
    seed: int = 0
    """Seed of the training sets, initial weights and test directions."""

    def __post_init__(self) -> None:
        """Validate every field, and what it makes of the others.

        Raises:
            ValueError: naming the field.
        """
        checks.integer("seed", self.seed, least=0)
        axes = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "seed"}
        for name, values in axes.items():
            if not values or list(values) != sorted(set(values)):
                checks.fail(name, "hold one value or more, ascending", values)
        first = {name: values[0] for name, values in axes.items()}
        for name, values in axes.items():
            for value in values:
                _ = TrajectorySettings(**{**first, name: value}, optimizer=OPTIMIZERS[1], seed=self.seed).phases

    @property
    def n_runs(self) -> int:
        """Number of trainings."""
        radii = 1 + (len(OPTIMIZERS) - 1) * len(self.tau)
        return len(self.d) * len(self.n) * len(self.signal) * len(self.alpha) * radii

    def settings(self) -> Iterator[TrajectorySettings]:
        """Every run, in the order in which the page counts: the optimizer and radius last."""
        for d in self.d:
            for n in self.n:
                for signal in self.signal:
                    for alpha in self.alpha:
                        for optimizer, tau in self._steps():
                            yield TrajectorySettings(
                                d=d, n=n, signal=signal, alpha=alpha, tau=tau, optimizer=optimizer, seed=self.seed
                            )

    def _steps(self) -> Iterator[tuple[_Optimizer, float]]:
        yield OPTIMIZERS[0], 1.0
        for optimizer in OPTIMIZERS[1:]:
            for tau in self.tau:
                yield optimizer, tau
