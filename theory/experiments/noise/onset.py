"""The map of weak signals: where harmful overfitting begins, by law of noise, optimizer, and after unlearning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray

from simulate import Problem
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import noise_scale, predicted_boundary
from theory.experiments.course import STANDARD
from theory.experiments.lab import Lab
from theory.experiments.noise.choices import ONSET
from theory.experiments.noise.laws import LAWS, fields_of
from theory.experiments.noise.reading import log_critical
from theory.experiments.noise.training import trained, unlearned
from theory.experiments.protocols import OPTIMIZERS, Pretraining, initialised

__all__ = ["PLACES", "STAGES", "D", "log_onset", "over_laws", "unit"]

D = 2000
"""Dimension."""
PLACES = (0.4, 0.6, 0.85, 1.2, 1.7, 2.5, 4.0)
"""Signals in units of the optimizer's own boundary."""
STAGES = ("trained", "unlearned")
"""Before and after unlearning."""


def unit(problem: Problem, optimizer: Pretraining) -> float:
    """The optimizer's boundary without its unknown constant: d^¼ n^-¼ q of SGD, q of SAM."""
    return predicted_boundary(problem) if optimizer == "SGD" else noise_scale(problem)


def over_laws(lab: Lab) -> xarray.Dataset:
    """Test errors over stage, law, optimizer of training and signal; unlearning is with SGD, matched to retraining."""

    def make(seed: int, stage: str, law: str, optimizer: Pretraining, place: float) -> Cell:
        base = replace(STANDARD, d=D, **fields_of(law, D))
        problem = initialised(replace(base, signal=place * unit(base, optimizer)), optimizer)
        phases = (trained if stage == "trained" else unlearned)(lab, problem, optimizer)
        return Cell(problem, phases, seed)

    laws = lab.choose(quick=LAWS[:3], full=LAWS)
    axes = {"stage": STAGES, "law": laws, "optimizer": OPTIMIZERS, "place": PLACES}
    data = lab.grid("weak signals", make, axes, replicates=lab.choose(quick=12, full=48))
    return data.assign_attrs(level=lab.pick(ONSET))


def log_onset(data: xarray.Dataset, stage: str, law: str, optimizer: Pretraining, rows: np.ndarray) -> float:
    """Logarithm of the signal, in units of q, below which the mean test error is above the level; NaN if censored."""
    error = data["test_error"].sel(stage=stage, law=law, optimizer=optimizer).transpose("seed", "place").values[rows]
    place = float(log_critical(data["place"].values, error, data.attrs["level"]))
    scale = unit(replace(STANDARD, d=D), optimizer) / noise_scale(STANDARD)
    return place + float(np.log(scale))
