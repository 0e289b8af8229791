"""What was run, in a line or two below the picture: every number with its seed and version."""

from __future__ import annotations

import math

from simulate.house.version import __version__
from simulate.interactive.map_data import MapData
from simulate.interactive.map_settings import MapSettings
from simulate.interactive.trajectory import Trajectory
from simulate.interactive.trajectory_settings import TrajectorySettings

__all__ = ["describe_map", "describe_trajectory"]

_ENDED = {"converged": "stopped", "max_steps": "took", "nonfinite": "overflowed"}


def describe_trajectory(settings: TrajectorySettings, trajectory: Trajectory) -> str:
    """Weights, steps, radii and how the run ended."""
    result, phases = trajectory.result, settings.phases
    stages = []
    for phase in phases:
        steps, status = result.phases.get(phase.name, (0, None))
        ended = "not reached" if status is None else f"{_ENDED[status.value]} {_after(status.value)}{steps} steps"
        tau = getattr(phase.optimizer, "tau", None)
        radius = "" if tau is None else f", τ = {tau:.2g}"
        stages.append(f"{phase.name}: η = {phase.optimizer.lr:.2g}{radius}, {ended}")
    return (
        f"d = {settings.d}, ‖φ‖ = {settings.signal:.4g}, σ₀ = {settings.problem.sigma_0:.2g}. {'; '.join(stages)}. "
        f"At the end: test error {result.test_error:.2g} ± {1.96 * result.test_error_se:.1g} (95 % interval), "
        f"accuracy on the retain set {result.retain_accuracy:.2f}, on the forget set {result.forget_accuracy:.2f}. "
        f"Seed {settings.seed}, sharpmu {__version__}."
    )


def describe_map(settings: MapSettings, data: MapData) -> str:
    """The exponent and the constant of the boundary."""
    low, high = data.boundary.slope_interval
    fitted = float((data.maps["status"] == "converged").mean())
    runs = (
        f"{settings.n_runs} trainings, {100 * fitted:.0f} % of them to a training loss of 0.01; "
        f"seeds {settings.seeds[0]} to {settings.seeds[-1]}"
    )
    if math.isnan(data.boundary.slope):
        found = f"The boundary at test error {settings.level:g} leaves the map, so it has no exponent here."
    else:
        law = "C σ_p (d/n)^¼" if settings.optimizer == "SGD" else "C σ_p"
        found = (
            f"Boundary at test error {settings.level:g}: ‖φ‖ ∝ d^{data.boundary.slope:.3f} "
            f"(between {low:.3f} and {high:.3f} when the seeds are resampled, which are too few for an interval), "
            f"predicted {data.exponent:g}; "
            f"in the prediction ‖φ‖ = {law}, fitted C = {data.constant:.2f}."
        )
    return f"{found} {runs}, sharpmu {__version__}."


def _after(status: str) -> str:
    return "" if status == "max_steps" else "after "
