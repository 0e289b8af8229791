"""What the sliders of the phase-map explorer stand for: a grid of problems and the phases of each run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulate.boundaries.boundary import check_level
from simulate.boundaries.cells import CellSettings
from simulate.house import checks
from simulate.interactive.recipes import fit, sam_stage
from simulate.problems.scales import with_sam_weights, with_small_weights
from simulate.runs.ensemble import Cell

__all__ = ["DIMENSIONS", "EXPONENTS", "SIGNALS", "MapSettings"]

DIMENSIONS = (10**3, 10**4, 10**5, 10**6, 10**7)
"""Dimensions of the map."""
SIGNALS = tuple(round(2.0 ** (-2.5 + 0.75 * number), 4) for number in range(12))
"""Signal strengths ‖φ‖ of the map, in units of the noise's scale σ_p."""
EXPONENTS = {"SGD": 0.25, "SAM": 0.0}
"""Exponent of d in the boundary that the theorem on each optimizer predicts."""

_SAM_STEPS, _FIT_STEPS = 2000, 2000


@dataclass(frozen=True, kw_only=True)
class MapSettings(CellSettings):
    """One phase map; SAM is followed by SGD, which fits the flipped labels.

    Example:
        >>> MapSettings(n=20, replicates=2).n_runs
        120
    """

    optimizer: Literal["SGD", "SAM"] = "SGD"
    """SGD from small weights, or SAM from its own weights and then SGD, as their theorems ask."""
    tau: float = 1.0
    """Radius of SAM in units of the one its theorem asks for."""
    level: float = 0.3
    """Test error that defines the boundary."""
    replicates: int = 2
    """Seeds in each cell."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range; the message names it.
        """
        super().__post_init__()
        checks.choice("optimizer", self.optimizer, tuple(EXPONENTS))
        checks.real("tau", self.tau, nonnegative=True)
        check_level(self.level)
        checks.fraction("label_flip", self.label_flip, below=0.5)
        if self.level <= self.label_flip:
            checks.fail("level", f"lie above the share of wrong labels, {self.label_flip:g}", self.level)
        self.cell(DIMENSIONS[0], SIGNALS[0], self.seed)

    @property
    def signals(self) -> tuple[float, ...]:
        """Signal strengths ‖φ‖ of the map, ascending."""
        return tuple(signal * self.sigma_p for signal in SIGNALS)

    @property
    def n_runs(self) -> int:
        """Number of trainings."""
        return len(DIMENSIONS) * len(SIGNALS) * self.replicates

    def cell(self, d: int, signal: float, seed: int) -> Cell:
        """One training of the map."""
        problem = self.problem(d, signal)
        if self.optimizer == "SGD":
            problem = with_small_weights(problem)
            return Cell(problem, (fit(problem, steps=_FIT_STEPS, stop_loss=0.01),), seed)
        problem = with_sam_weights(problem)
        stage = sam_stage(problem, steps=_SAM_STEPS, tau=self.tau, stop_loss=0.4)
        return Cell(problem, (stage, fit(problem, steps=_FIT_STEPS, stop_loss=0.01)), seed)
