"""A figure is laid out to the same bits, whatever the solver's rounding does."""

import io
from typing import Any

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from simulate.house.drawing.layout import SteadyLayout


def drawn(engine: ConstrainedLayoutEngine) -> str:
    """An SVG of a figure in a figure: lines that are clipped, axes of equal sides, a colour bar."""
    figure = Figure(figsize=(4, 3), layout=engine)
    left, right = figure.subfigures(1, 2)
    axes = [left.subplots(), *right.subplots(2, 1)]
    for number, one in enumerate(axes):
        one.plot([0, 1, 3], [number, 2, 1])
    axes[1].set_aspect("equal")
    right.colorbar(axes[2].imshow([[0, 1], [2, 3]]), ax=axes[2])
    file = io.StringIO()
    with rc_context({"svg.hashsalt": "it"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def shaken(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Let matplotlib's layout end with other last bits."""
    usual, rng = ConstrainedLayoutEngine.execute, np.random.default_rng(seed)

    def execute(self: ConstrainedLayoutEngine, fig: Any) -> Any:
        found = usual(self, fig)
        for part in fig.subfigs:
            part.bbox_relative.set_points(part.bbox_relative.get_points() + 1e-15 * rng.integers(-9, 9, (2, 2)))
        for axes in fig.axes:
            place = axes.get_position(original=True).get_points() + 1e-15 * rng.integers(-9, 9, (2, 2))
            axes.set_position(Bbox(place))
            axes.set_in_layout(True)
        return found

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", execute)


@pytest.mark.parametrize(("engine", "alike"), [(SteadyLayout, True), (ConstrainedLayoutEngine, False)])
def test_last_bits_of_the_layout_leave_the_bytes(engine: type, alike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of matplotlib's own layout do not: the names of clip paths follow them."""
    made = []
    for seed in range(2):
        with monkeypatch.context() as patch:
            shaken(patch, seed)
            made.append(drawn(engine()))
    assert (made[0] == made[1]) is alike


def test_places_are_those_of_matplotlib() -> None:
    figures = [Figure(figsize=(4, 3), layout=engine()) for engine in (SteadyLayout, ConstrainedLayoutEngine)]
    for figure in figures:
        figure.subplots(2, 2)[0, 1].set(xlabel="x", title="a title")
        figure.draw_without_rendering()
        figure.set_size_inches(5, 3)  # and laid out anew
        figure.draw_without_rendering()
    for one, other in zip(*(figure.axes for figure in figures), strict=True):
        np.testing.assert_allclose(one.get_position().get_points(), other.get_position().get_points(), atol=1e-8)
        assert one.get_in_layout()
