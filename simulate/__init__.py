"""The two-layer patch-CNN of the theory, in signal and noise coefficients.

The names below are found when they are first used, so that what an import costs is what is used of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.house.discovery import found_on_use
from simulate.house.version import __version__

if TYPE_CHECKING:
    from simulate.boundaries.boundary import critical_values, fit_boundary
    from simulate.boundaries.maps import PhaseMap, phase_map
    from simulate.boundaries.plots import draw_coefficients, draw_phase_maps
    from simulate.dynamics.deactivation import deactivated_fraction, deactivation_radius
    from simulate.dynamics.objectives import (
        BoundedNegGrad,
        GradientDifference,
        LabelNoise,
        Loss,
        NegGrad,
        Objective,
        RandomLabel,
    )
    from simulate.dynamics.optimizers import SAM, SGD, Optimizer, SharpMinMax
    from simulate.dynamics.phases import Phase
    from simulate.dynamics.state import State, Status
    from simulate.problems.blocks import power_law, spikes
    from simulate.problems.instance import Instance
    from simulate.problems.problem import Problem
    from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
    from simulate.runs.ensemble import Cell, run_ensemble, unfold
    from simulate.runs.kept import run_to_disk
    from simulate.runs.record import Record
    from simulate.runs.result import Result
    from simulate.runs.run import run
    from simulate.sweeps.refine import refine
    from simulate.sweeps.sweep import sweep

_HOME = {
    "boundaries.boundary": ("critical_values", "fit_boundary"),
    "boundaries.maps": ("PhaseMap", "phase_map"),
    "boundaries.plots": ("draw_coefficients", "draw_phase_maps"),
    "dynamics.deactivation": ("deactivated_fraction", "deactivation_radius"),
    "dynamics.optimizers": ("SAM", "SGD", "Optimizer", "SharpMinMax"),
    "dynamics.objectives": (
        "BoundedNegGrad",
        "GradientDifference",
        "LabelNoise",
        "Loss",
        "NegGrad",
        "Objective",
        "RandomLabel",
    ),
    "dynamics.phases": ("Phase",),
    "dynamics.state": ("State", "Status"),
    "problems.blocks": ("power_law", "spikes"),
    "problems.instance": ("Instance",),
    "problems.problem": ("Problem",),
    "problems.scales": ("sam_radius", "step_size", "with_sam_weights", "with_small_weights"),
    "runs.ensemble": ("Cell", "run_ensemble", "unfold"),
    "runs.kept": ("run_to_disk",),
    "runs.record": ("Record",),
    "runs.result": ("Result",),
    "runs.run": ("run",),
    "sweeps.refine": ("refine",),
    "sweeps.sweep": ("sweep",),
}

__all__ = [
    "SAM", "SGD", "BoundedNegGrad", "Cell", "GradientDifference", "Instance", "LabelNoise", "Loss", "NegGrad",
    "Objective", "Optimizer", "Phase", "PhaseMap", "Problem", "RandomLabel", "Record", "Result", "SharpMinMax",
    "State", "Status", "__version__", "critical_values", "deactivated_fraction", "deactivation_radius",
    "draw_coefficients", "draw_phase_maps", "fit_boundary", "phase_map", "power_law", "refine", "run", "run_ensemble",
    "run_to_disk", "sam_radius", "spikes", "step_size", "sweep", "unfold", "with_sam_weights", "with_small_weights",
]  # fmt: skip

__getattr__ = found_on_use(__name__, {name: home for home, names in _HOME.items() for name in names})
