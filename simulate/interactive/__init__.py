"""Sliders over the simulator, for JupyterLab: move one, and the curves follow.

`trajectory_explorer()` shows κ, ζ, accuracies and test error through pretraining and unlearning; `phase_map_explorer()`
shows the test error over dimension and signal strength. Both return widgets, whose state can be read and set in Python:

    explorer = trajectory_explorer(d=10**6, signal=10.0)
    explorer                                    # at the end of a cell: shows it
    explorer.move(alpha=0.9, optimizer="SAM")   # what a hand would do with the sliders
    explorer.settings, explorer.data            # the settings, and the numbers that are drawn
"""

from simulate.house.extras import installed_by

try:
    import ipywidgets  # noqa: F401  # said here once, in words
except ImportError as error:
    raise ImportError(f"simulate.interactive needs ipywidgets: {installed_by('notebooks')}.") from error

from simulate.interactive.explorer import Explorer
from simulate.interactive.explorers import phase_map_explorer, trajectory_explorer
from simulate.interactive.map_settings import MapSettings
from simulate.interactive.trajectory_settings import TrajectorySettings

__all__ = ["Explorer", "MapSettings", "TrajectorySettings", "phase_map_explorer", "trajectory_explorer"]
