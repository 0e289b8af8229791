r"""Phase maps: the test error over dimension and signal strength, SGD beside SAM.

Both optimizers are run as their theorems ask. With q = (P - 1) σ_p the scale of the noise:

* SGD starts at small weights and trains until the training loss is 0.01.
* SAM starts at its own weights, with its own radius, trains for a time η T = 2 m / q², or until the training loss is
  0.4, and hands over to SGD until 0.01: SAM alone leaves the flipped labels unfitted. The time, in which a signal of
  strength q is learned, is the same for every d.

Weights, radius and step sizes are those of `simulate.problems.scales`.

The step size keeps the own-noise step η q² d / (n m) at 0.1; SAM's grows with √d on top of that, which is harmless
where it switches the noise neurons off, and is what makes d = 10^7 affordable.

The two theorems ask for different initial scales, so the two maps answer two questions; they are not a comparison at
equal initialisation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import xarray

from simulate.boundaries.cells import CellSettings
from simulate.dynamics.objectives import Loss
from simulate.dynamics.optimizers import SAM, SGD
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.version import __version__
from simulate.problems.problem import Problem
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
from simulate.runs.ensemble import Cell, run_ensemble, unfold

__all__ = ["OPTIMIZERS", "PhaseMap", "phase_map", "sam_cell", "sgd_cell"]


@dataclass(frozen=True, kw_only=True)
class PhaseMap(CellSettings):
    """A grid over dimension and signal strength."""

    d: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
    """Dimensions."""
    signal: tuple[float, ...] = tuple(round(2.0**half, 4) for half in np.arange(-2.5, 6.5, 0.5))
    """Signal strengths ‖φ‖, ascending."""
    m: int = 10
    """Number of filters for each sign."""
    P: int = 2
    """Number of patches."""
    test_directions: int = 256
    """Noise directions each test error averages over."""

    def __post_init__(self) -> None:
        """Validate what the cells do not."""
        super().__post_init__()
        for name in ("d", "signal"):
            values = getattr(self, name)
            if not isinstance(values, Sequence) or isinstance(values, str) or not values:
                checks.fail(name, "be an ascending list of different values", values)
            for value in values:
                checks.real(name, value, positive=True)
            if list(values) != sorted(set(values)):
                checks.fail(name, "be an ascending list of different values", values)

    def problem(self, d: int, signal: float) -> Problem:
        """The problem of a cell, with its filters and patches."""
        return replace(super().problem(d, signal), m=self.m, P=self.P)


def sgd_cell(grid: PhaseMap, d: int, signal: float, seed: int) -> Cell:
    """A run of SGD on the theory's scale."""
    problem = with_small_weights(grid.problem(d, signal))
    return Cell(problem, (_fit(problem),), seed)


def sam_cell(grid: PhaseMap, d: int, signal: float, seed: int) -> Cell:
    """A run of SAM, then SGD, on the theory's scale."""
    problem = with_sam_weights(grid.problem(d, signal))
    lr = step_size(problem) * np.sqrt(d / 1000.0)
    steps = round(2.0 * grid.m / ((grid.P - 1) * grid.sigma_p) ** 2 / lr)
    optimizer = SAM(lr=lr, tau=sam_radius(problem))
    return Cell(problem, (Phase("sam", Loss(), optimizer, steps=steps, stop_loss=0.4), _fit(problem)), seed)


OPTIMIZERS: dict[str, Callable[[PhaseMap, int, float, int], Cell]] = {"SGD": sgd_cell, "SAM": sam_cell}
"""The maps drawn side by side."""


def phase_map(grid: PhaseMap, progress: Callable[[int], None] | None = None) -> xarray.Dataset:
    """Run every cell of the grid under both optimizers.

    Args:
        grid: The grid.
        progress: Called with the number of runs just finished, of 2 · d · signal · replicates.

    Returns:
        The variables of `simulate.runs.ensemble.run_ensemble` with dimensions optimizer, d, signal, seed (and phase).
    """
    axes: dict[str, list[Any]] = {
        "optimizer": list(OPTIMIZERS),
        "d": list(grid.d),
        "signal": list(grid.signal),
        "seed": list(grid.seeds),
    }
    cells = [
        make(grid, d, signal, seed)
        for make in OPTIMIZERS.values()
        for d in grid.d
        for signal in grid.signal
        for seed in grid.seeds
    ]
    flat = run_ensemble(cells, test_directions=grid.test_directions, progress=progress)
    return unfold(flat, axes).assign_attrs(
        grid=json.dumps(asdict(grid), default=checks.plain_number), version=__version__
    )


def _fit(problem: Problem) -> Phase:
    return Phase("sgd", Loss(), SGD(lr=step_size(problem)), steps=5000, stop_loss=0.01)
