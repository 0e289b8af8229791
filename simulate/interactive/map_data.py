"""One phase map for the explorer: test errors, the boundary and its constant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray

from simulate.boundaries.boundary import Boundary, fit_boundary
from simulate.interactive.map_settings import DIMENSIONS, EXPONENTS, MapSettings
from simulate.runs.ensemble import run_ensemble, unfold

__all__ = ["MapData", "simulate_map"]

TEST_DIRECTIONS = 64
RESAMPLES = 100


@dataclass(frozen=True, eq=False)
class MapData:
    """A phase map.

    Attributes:
        maps: What `simulate.runs.ensemble.run_ensemble` measured, over optimizer (one), d, signal and seed.
        boundary: The measured boundary.
        exponent: Exponent of d that the theorem predicts.
        constant: The theorem's unknown constant C, fitted: the geometric mean over d of the critical signal divided by
            (P - 1) σ_p (d/n)^¼ for SGD, by (P - 1) σ_p for SAM. NaN if the boundary leaves the map.
    """

    maps: xarray.Dataset
    boundary: Boundary
    exponent: float
    constant: float


def simulate_map(settings: MapSettings) -> MapData:
    """Train every cell of the map and fit the boundary."""
    signals, seeds = settings.signals, settings.seeds
    axes = {"optimizer": [settings.optimizer], "d": DIMENSIONS, "signal": signals, "seed": seeds}
    cells = [settings.cell(d, signal, seed) for d in DIMENSIONS for signal in signals for seed in seeds]
    maps = unfold(run_ensemble(cells, test_directions=TEST_DIRECTIONS), axes)
    boundary = fit_boundary(maps["test_error"].isel(optimizer=0, drop=True), settings.level, resamples=RESAMPLES)
    exponent = EXPONENTS[settings.optimizer]
    return MapData(maps, boundary, exponent, _constant(settings, boundary, exponent))


def _constant(settings: MapSettings, boundary: Boundary, exponent: float) -> float:
    """The critical signals, in units of the predicted boundary."""
    inside = (boundary.signal > 0) & np.isfinite(boundary.signal)
    if not inside.all():
        return float("nan")
    predicted = settings.sigma_p * (boundary.d / settings.n) ** exponent
    return float(np.exp(np.mean(np.log(boundary.signal / predicted))))
