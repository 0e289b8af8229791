"""SGD at its boundary under heavy tails: one line over d for each law of an image's noise strength."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray

from simulate import with_small_weights
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.boundaries import BASE, predicted_boundary
from theory.experiments.lab import Lab
from theory.experiments.noise.choices import LEVEL
from theory.experiments.noise.laws import GAUSSIAN, HEAVY, TAILS, height
from theory.experiments.noise.reading import log_critical
from theory.experiments.noise.training import trained
from theory.statistics import slope

__all__ = ["PLACES", "exponent", "log_place", "over_tails", "predicted", "shift"]

PLACES = (0.25, 0.36, 0.47, 0.6, 0.8, 1.05, 1.4)
"""Signals in units of the boundary predicted for Gaussian noise."""


def over_tails(lab: Lab) -> xarray.Dataset:
    """Training from SGD's weights over the law, d and the signal."""

    def make(seed: int, law: str, d: int, place: float) -> Cell:
        base = replace(BASE, d=d, **TAILS[law], m=lab.pick(choices.FILTERS), noise=lab.pick(choices.LAW))  # type: ignore[arg-type]
        problem = with_small_weights(replace(base, signal=place * predicted_boundary(base)))
        return Cell(problem, trained(lab, problem, "SGD"), seed)

    axes = {"law": tuple(TAILS), "d": lab.choose(quick=(1000, 16_000), full=(1000, 4000, 16_000)), "place": PLACES}
    data = lab.grid("heavy tails", make, axes, replicates=lab.choose(quick=12, full=120))
    return data.assign_attrs(level=lab.pick(LEVEL), loss=lab.pick(choices.PRETRAINED))


def _log_places(data: xarray.Dataset, law: str, rows: np.ndarray) -> np.ndarray:
    """Logarithms of the critical places at each d, (d,)."""
    error = data["test_error"].sel(law=law).transpose("seed", "d", "place").values[rows]
    return log_critical(data["place"].values, error, data.attrs["level"])


def exponent(data: xarray.Dataset, law: str, rows: np.ndarray) -> float:
    """Exponent of d in the critical signal of a law."""
    return 0.25 + slope(np.log(data["d"].values.astype(float)), _log_places(data, law, rows))


def log_place(data: xarray.Dataset, law: str, rows: np.ndarray) -> float:
    """Logarithm of the critical signal of a law, in units of Gaussian noise's predicted boundary; mean over d."""
    return float(_log_places(data, law, rows).mean())


def shift(data: xarray.Dataset, law: str, rows: np.ndarray) -> float:
    """Logarithm of the critical signal of a law over that of Gaussian noise, mean over d."""
    return log_place(data, law, rows) - log_place(data, GAUSSIAN, rows)


def predicted(data: xarray.Dataset) -> dict[str, float]:
    """The same as derived, by law."""
    problems = {law: replace(BASE, **TAILS[law]) for law in HEAVY}
    return {
        law: float(np.log(height(problem, data.attrs["level"], data.attrs["loss"])))
        for law, problem in problems.items()
    }
