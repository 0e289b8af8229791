"""The two explorers: which controls they have and what they show."""

from __future__ import annotations

from typing import Any

from simulate.interactive.captions import describe_map, describe_trajectory
from simulate.interactive.controls import choice, linear, logarithmic, number, whole
from simulate.interactive.explorer import Explorer, View, check_value
from simulate.interactive.map_data import simulate_map
from simulate.interactive.map_picture import draw_map
from simulate.interactive.map_settings import MapSettings
from simulate.interactive.trajectory import simulate_trajectory
from simulate.interactive.trajectory_picture import TrajectoryPicture
from simulate.interactive.trajectory_settings import TrajectorySettings

__all__ = ["phase_map_explorer", "trajectory_explorer"]


def trajectory_explorer(**start: Any) -> Explorer:
    """κ, ζ, accuracies and test error through pretraining and unlearning, under sliders.

    Args:
        **start: Settings to begin with; see `TrajectorySettings`.

    Returns:
        The widget.

    Raises:
        ValueError: if a setting is invalid or outside of its slider.

    Example:
        >>> explorer = trajectory_explorer(d=10**6, signal=10.0)
        >>> explorer.move(alpha=0.9)
        >>> explorer.settings.alpha, explorer.data.kappa.shape == explorer.data.step.shape
        (0.9, True)
    """
    settings = TrajectorySettings(**start)
    controls = {
        "d": logarithmic("dimension d", 1e4, 3.0, 9.0, 0.25, readout_format=".3g"),
        "signal": logarithmic("signal ‖φ‖", 1.0, -1.0, 3.0, 0.05, readout_format=".3g"),
        "n": whole("samples n", 100, 20, 200, 10),
        "forget": linear("forget share", 0.1, 0.0, 0.5, 0.01),
        "label_flip": linear("wrong labels", 0.0, 0.0, 0.4, 0.01),
        "seed": number("seed", 0),
        "pretraining": choice("pretraining", "SGD", ("SGD", "SAM")),
        "optimizer": choice("unlearning", "SGD", ("SGD", "SAM", "SharpMinMax")),
        "tau": logarithmic("radius τ / τ*", 1.0, -2.0, 1.0, 0.05, readout_format=".3g"),
        "alpha": linear("NegGrad α", 0.7, 0.0, 1.0, 0.01),
        "stop": linear("stop accuracy", 0.5, 0.0, 1.0, 0.05),
    }
    view = View(simulate=simulate_trajectory, draw=TrajectoryPicture().draw, describe=describe_trajectory)
    return _explorer(view, controls, settings)


def phase_map_explorer(**start: Any) -> Explorer:
    """Test error over dimension and signal strength, with measured and predicted boundary, under sliders.

    The map is computed when a handle is let go.

    Args:
        **start: Settings to begin with; see `MapSettings`.

    Returns:
        The widget.

    Raises:
        ValueError: if a setting is invalid or outside of its slider.

    Example:
        >>> explorer = phase_map_explorer(n=20, replicates=1)
        >>> 0.2 < explorer.data.boundary.slope < 0.3
        True
    """
    settings = MapSettings(**start)
    late: dict[str, Any] = {"continuous_update": False}
    controls = {
        "optimizer": choice("optimizer", "SGD", ("SGD", "SAM")),
        "n": whole("samples n", 20, 10, 60, 5, **late),
        "sigma_p": logarithmic("noise σ_p", 1.0, -1.0, 1.0, 0.1, readout_format=".3g", **late),
        "label_flip": linear("wrong labels", 0.1, 0.0, 0.4, 0.01, **late),
        "tau": logarithmic("radius τ / τ*", 1.0, -2.0, 1.0, 0.05, readout_format=".3g", **late),
        "level": linear("level of error", 0.3, 0.05, 0.45, 0.01, **late),
    }
    return _explorer(View(simulate=simulate_map, draw=draw_map, describe=describe_map), controls, settings)


def _explorer(view: View, controls: dict[str, Any], settings: Any) -> Explorer:
    for name, control in controls.items():
        value = getattr(settings, name)
        check_value(name, control, value)
        control.value = value
    return Explorer(view, controls, settings)
