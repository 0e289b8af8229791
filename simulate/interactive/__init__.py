"""Sliders over the simulator, for JupyterLab: move one, and the curves follow.

`trajectory_explorer()` shows κ, ζ, accuracies and test error through pretraining and unlearning; `phase_map_explorer()`
shows the test error over dimension and signal strength. Both return widgets, whose state can be read and set in Python:

    explorer = trajectory_explorer(d=10**6, signal=10.0)
    explorer                                    # at the end of a cell: shows it
    explorer.move(alpha=0.9, optimizer="SAM")   # what a hand would do with the sliders
    explorer.settings, explorer.data            # the settings, and the numbers that are drawn

Names are found when they are first used: what is computed beforehand, in `explorable`, needs no widgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.house.discovery import found_on_use

if TYPE_CHECKING:
    from simulate.interactive.explorer import Explorer
    from simulate.interactive.explorers import phase_map_explorer, trajectory_explorer
    from simulate.interactive.map_settings import MapSettings
    from simulate.interactive.trajectory_settings import TrajectorySettings

_HOME = {
    "Explorer": "explorer",
    "MapSettings": "map_settings",
    "TrajectorySettings": "trajectory_settings",
    "phase_map_explorer": "explorers",
    "trajectory_explorer": "explorers",
}

__all__ = ["Explorer", "MapSettings", "TrajectorySettings", "phase_map_explorer", "trajectory_explorer"]

__getattr__ = found_on_use(__name__, _HOME, extra="notebooks")
