"""The two-layer patch-CNN of the theory, in signal and noise coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.dynamics.phases import Loss, NegGrad, Phase, RandomLabel
from simulate.dynamics.state import State, Status
from simulate.house.discovery import found_on_use
from simulate.house.version import __version__
from simulate.problems.instance import Instance
from simulate.problems.problem import Problem
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
from simulate.runs.ensemble import Cell, run_ensemble, unfold
from simulate.runs.record import Record
from simulate.runs.result import Result
from simulate.runs.run import run
from simulate.sweeps.sweep import sweep

if TYPE_CHECKING:
    from simulate.boundaries.boundary import critical_values, fit_boundary
    from simulate.boundaries.maps import PhaseMap, phase_map
    from simulate.boundaries.plots import draw_coefficients, draw_phase_maps
    from simulate.sweeps.refine import refine

__all__ = [
    "SAM", "SGD", "Cell", "Instance", "Loss", "NegGrad", "Phase", "PhaseMap", "Problem", "RandomLabel", "Record",
    "Result", "SharpMinMax", "State", "Status", "__version__", "critical_values", "draw_coefficients",
    "draw_phase_maps", "fit_boundary", "phase_map", "refine", "run", "run_ensemble", "sam_radius", "step_size",
    "sweep", "unfold", "with_sam_weights", "with_small_weights",
]  # fmt: skip

__getattr__ = found_on_use(
    __name__,
    {
        "PhaseMap": "boundaries.maps", "critical_values": "boundaries.boundary",
        "draw_coefficients": "boundaries.plots", "draw_phase_maps": "boundaries.plots",
        "fit_boundary": "boundaries.boundary", "phase_map": "boundaries.maps", "refine": "sweeps.refine",
    },
)  # fmt: skip
