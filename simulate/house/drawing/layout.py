"""The layout of figures, the same to the last bit whenever a figure is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

__all__ = ["SteadyLayout"]

_DIGITS = 9
"""Digits of a place in parts of the figure: more than files write, far fewer than the solver rounds."""


class SteadyLayout(ConstrainedLayoutEngine):
    """matplotlib's constrained layout, with places rounded.

    Its solver adds up its constraints in the order of their addresses in memory, so the last bits of a place differ
    from drawing to drawing; an SVG names its clip paths after all bits of them.
    """

    def execute(self, fig: Any) -> Any:
        """Lay a figure out, as matplotlib asks for at each drawing."""
        found = super().execute(fig)
        _round(fig)
        return found


def _round(figure: Any) -> None:
    """Round the places of all subfigures and axes."""
    for part in _subfigures(figure):
        ends = np.round(part.bbox_relative.get_points(), _DIGITS)
        part.bbox_relative.set_points(ends)
    for axes in figure.axes:
        in_layout = axes.get_in_layout()
        place = axes.get_position(original=True).get_points()
        axes.set_position(Bbox(np.round(place, _DIGITS)))  # which takes them out of the next layout
        axes.set_in_layout(in_layout)


def _subfigures(figure: FigureBase) -> Iterator[Any]:
    for part in figure.subfigs:
        yield part
        yield from _subfigures(part)
