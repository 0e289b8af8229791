"""Pictures as bytes, fast enough to follow a hand: what stays is drawn once and kept, only the curves are redrawn."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D

__all__ = ["Canvas", "png"]

_KEPT = 32
"""Layers that are kept."""


class Canvas:
    """A figure in three layers: a ground that seldom changes, scales that change now and then, and lines.

    To lay out text takes most of the time of a drawing, so each layer is drawn anew only when what lies in it changes,
    and the ground and scales of late are kept.

    Args:
        figure: The figure; all that is not named here is its ground.
        scales: Its axes whose limits change.
        lines: Its moving lines.
    """

    def __init__(self, figure: Figure, scales: Sequence[Axis], lines: Sequence[Line2D]) -> None:
        self._figure, self._scales, self._lines = figure, scales, lines
        self._agg = FigureCanvasAgg(figure)
        self._layers: OrderedDict[Hashable, Any] = OrderedDict()
        for artist in (*scales, *lines):
            artist.set_animated(True)

    def draw(self, ground: Hashable, scales: Hashable) -> bytes:
        """Draw the lines, and of the layers below them those that have not been seen lately.

        Args:
            ground: What the ground looks like; equal values stand for equal looks.
            scales: The same for the scales.

        Returns:
            The picture, as PNG.
        """
        self._lay((ground,), self._agg.draw)
        self._lay((ground, scales), lambda: _draw(self._scales))
        _draw(self._lines)
        return png(np.asarray(self._agg.buffer_rgba()))

    def _lay(self, key: Hashable, draw: Callable[[], None]) -> None:
        """Put a layer on the canvas, with those below it."""
        if key not in self._layers:
            draw()
            self._layers[key] = self._agg.copy_from_bbox(self._figure.bbox)
            while len(self._layers) > _KEPT:
                self._layers.popitem(last=False)
        self._layers.move_to_end(key)
        self._agg.restore_region(self._layers[key])


def _draw(artists: Sequence[Any]) -> None:
    for artist in artists:
        artist.axes.draw_artist(artist)


def png(pixels: np.ndarray) -> bytes:
    """Pixels (height, width, RGBA) as a PNG file, packed quickly rather than tightly."""
    file = io.BytesIO()
    imsave(file, pixels, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()
