"""The picture of the phase-map explorer."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from simulate.boundaries.plots import draw_phase_maps
from simulate.interactive.canvas import png
from simulate.interactive.map_data import MapData

__all__ = ["draw_map"]


def draw_map(data: MapData) -> bytes:
    """Draw a phase map, as PNG."""
    name = str(data.maps["optimizer"].item())
    figure = draw_phase_maps(data.maps, {name: data.boundary}, {name: data.exponent})
    figure.set(size_inches=(5.6, 3.9), dpi=110)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return png(np.asarray(canvas.buffer_rgba()))
