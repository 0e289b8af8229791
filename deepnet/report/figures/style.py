"""How figures look: sizes of a paper, one colour a method, one marker an optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepnet.report.naming import optimizer_order, optimizer_words
from simulate.house.drawing.layout import SteadyLayout
from simulate.house.drawing.palette import LINES, METHODS, SERIES

__all__ = ["COLORS", "FULL", "GREY", "color_of", "house_style", "legend_below", "line_of", "marker_of", "new_figure"]

FULL = 5.5
"""Width of a paper's text in inches."""

GREY = "0.62"
"""What is only there for comparison."""

COLORS = METHODS
"""One colour a method, in every figure: those of the house. Twelve colours cannot all differ for every reader, so that
methods also have their name or number beside them wherever they meet in one panel."""

_MARKERS = {0: "o", 1: "sP", 2: "D^", 3: "vX*"}
_LINES: dict[int, tuple[Any, ...]] = {
    0: (LINES["SGD"],), 1: (LINES["SAM"], (0, (8, 2))), 2: (LINES["ASAM"], (0, (1.2, 2.6))),
    3: ("-.", (0, (8, 2, 1, 2)), (0, (5, 1, 1, 1, 1, 1))),
}  # fmt: skip
_STYLE = {
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "path",
    "svg.hashsalt": "sharpmu",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Our settings on top of matplotlib's own, whatever the reader's configuration says."""
    with style.context(["default", _STYLE]):
        yield


def new_figure(height: float, width: float = FULL) -> Figure:
    """An empty figure of so many inches."""
    return Figure(figsize=(width, height), layout=SteadyLayout(), dpi=150)


def color_of(method: str) -> str:
    """The colour of a method; brown for one that the palette does not have, which stands for no other."""
    return COLORS.get(method, SERIES[-1])


def marker_of(optimizer: str, among: Sequence[str]) -> str:
    """The marker of an optimizer: a circle for SGD, a square for SAM, a diamond for ASAM, others for other radii."""
    return str(_of_family(_MARKERS, optimizer, among))


def line_of(optimizer: str, among: Sequence[str]) -> Any:
    """The line style of an optimizer: solid for SGD, dashed for SAM, dotted for ASAM, others for other radii."""
    return _of_family(_LINES, optimizer, among)


def _of_family(looks: Mapping[int, Sequence[Any]], optimizer: str, among: Sequence[str]) -> Any:
    family = optimizer_order(optimizer)[0]
    alike = sorted((each for each in among if optimizer_order(each)[0] == family), key=optimizer_order)
    choice = looks[family]
    return choice[alike.index(optimizer) % len(choice)]


def optimizer_handles(optimizers: Sequence[str]) -> list[Line2D]:
    """Entries of a legend for the markers of optimizers."""
    return [
        Line2D([], [], ls="none", marker=marker_of(each, optimizers), color="0.25", ms=4.5, label=optimizer_words(each))
        for each in optimizers
    ]


def legend_below(figure: Figure, handles: Sequence[Any], columns: int) -> None:
    """A legend below all axes, where it hides nothing."""
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=2.2, columnspacing=1.4)


def light_grid(axes: Axes, which: Any = "x") -> None:
    """Thin lines behind the data."""
    axes.grid(axis=which, color="0.9", lw=0.5)
    axes.set_axisbelow(True)
