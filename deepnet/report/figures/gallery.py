"""All figures of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deepnet.report.figures.cost import draw_cost
from deepnet.report.figures.drawing import Drawing, Skipped, Sources
from deepnet.report.figures.landscape import draw_landscapes
from deepnet.report.figures.movement import draw_movements
from deepnet.report.figures.relearning import draw_relearning
from deepnet.report.figures.scores import draw_distances, draw_membership, draw_tug_of_war
from deepnet.report.figures.style import house_style

__all__ = ["FIGURES", "draw_all"]

FIGURES: tuple[Callable[[Sources], Iterator[Drawing | Skipped]], ...] = (
    draw_tug_of_war, draw_membership, draw_relearning, draw_distances, draw_movements, draw_landscapes, draw_cost,
)  # fmt: skip
"""What draws figures; a new kind of figure is a file with such a function, and its name here."""


def draw_all(sources: Sources) -> Iterator[Drawing | Skipped]:
    """Draw every figure whose data are there, one after the other; a sentence for each that is not.

    Raises:
        ValueError: if a file of arrays is damaged; the message names it.
    """
    for draw in FIGURES:
        with house_style():
            found = draw(sources)
        while True:
            with house_style():  # not while the caller has the figure
                drawn = next(found, None)
            if drawn is None:
                break
            yield drawn
