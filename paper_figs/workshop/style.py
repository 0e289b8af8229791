"""How figures look: sizes and fonts of the conference, colours of the house."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from simulate.house.drawing.layout import SteadyLayout
from simulate.house.drawing.palette import COLORS, LINES, MARKERS, SERIES
from simulate.house.extras import MissingExtraError

__all__ = [
    "COLORS", "LINES", "MARKERS", "OTHERS", "WIDTH", "ask", "house_style", "label_panels", "legend_below", "new_figure",
    "plain_logarithm", "wrapped",
]  # fmt: skip

WIDTH = 5.5
"""Width of the paper's text in inches."""
OTHERS = tuple(SERIES[place] for place in (6, 5, 4, 7))
"""Colours that no optimizer has, for what is none."""
_ASKED, _ASIDE = 9.0, 0.05
"""Points of the question above a figure, and inches from the edge of the page to it."""
_HINTED = 1.1
"""How much longer than its outlines a line of text may be in few pixels, whose letters stand at whole ones."""

_STYLE = {
    "font.serif": ["STIXGeneral"],  # a Times that comes with matplotlib: the same bytes on every machine
    "mathtext.fontset": "stix",
    "axes.titlesize": 9.0,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.8,
    "errorbar.capsize": 1.5,
    "pdf.fonttype": 42,  # text stays text, in fonts that are embedded
    "svg.fonttype": "path",  # looks the same where the fonts are missing
    "svg.hashsalt": "sharpmu",  # otherwise the ids inside an SVG are random
    "savefig.bbox": None,  # the size of the page is the size asked for
    "savefig.dpi": 300,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Our settings on top of matplotlib's own and the conference's, whatever the reader's configuration says."""
    try:
        from tueplots import bundles  # a list of the figures does without
    except ModuleNotFoundError:
        raise MissingExtraError("The style of the figures", "tueplots", "figures") from None

    with style.context(["default", bundles.iclr2024(usetex=False), _STYLE]):
        yield


def new_figure(height: float, *, width: float = WIDTH) -> Figure:
    """An empty figure of so many inches, which lays its axes out by itself."""
    return Figure(figsize=(width, height), layout=SteadyLayout())


def wrapped(words: str, width: float, *, size: float, weight: str = "normal") -> list[str]:
    """Words on as many lines as they need, in the font of the style.

    Args:
        words: The words; formulas between dollars are words without blanks.
        width: Longest line in inches.
        size: Size of the font in points.
        weight: Its weight.
    """
    font = FontProperties(size=size, weight=weight)
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        reach = text_to_path.get_text_width_height_descent(longer, font, ismath="$" in longer)[0]
        if lines and reach <= 72.0 * width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def ask(figure: Figure, question: str) -> None:
    """Write a question above all panels, at the left; the page grows by its lines, and the panels stay as they are.

    Args:
        figure: The figure.
        question: The question.
    """
    width, height = figure.get_size_inches()
    lines = wrapped(question, (width - 2 * _ASIDE) / _HINTED, size=_ASKED, weight="bold")
    figure.set_figheight(height + 1.5 * _ASKED / 72.0 * len(lines) + 0.06)
    figure.suptitle("\n".join(lines), x=_ASIDE / width, ha="left", fontsize=_ASKED, fontweight="bold")


def legend_below(
    figure: Figure,
    handles: Sequence[Any] | None = None,
    *,
    columns: int,
    panels: Iterable[Axes] | None = None,
    side: Literal["left", "center", "right"] = "center",
) -> None:
    """A legend below all axes, where it hides nothing.

    Args:
        figure: The figure.
        handles: Its entries; None takes those of some panels, each label once.
        columns: Number of columns.
        panels: The panels; None takes all.
        side: Where it stands.
    """
    place: dict[str, Any] = {"loc": f"outside lower {side}", "ncols": columns, "columnspacing": 1.2}
    if handles is not None:
        figure.legend(handles=handles, **place)
        return
    chosen = figure.axes if panels is None else panels
    entries: dict[str, Any] = {}
    for axes in chosen:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(list(entries.values()), list(entries), **place)


def label_panels(panels: Iterable[Axes], titles: Sequence[str] = ()) -> None:
    """Letter the panels (a), (b), …, with a title each if there are any."""
    for number, axes in enumerate(panels):
        words = f" {titles[number]}" if titles else ""
        axes.set_title(f"({chr(ord('a') + number)}){words}", loc="left")


class _PlainTicks(LogLocator):
    """Ticks of a logarithmic axis; of one that shows a part of a decade, three or four evenly spaced."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Ticks from one end to the other."""
        low, high = min(vmin, vmax), max(vmin, vmax)
        steps = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1.0)
        ticks = np.outer(10.0**steps, (1.0, 2.0, 5.0)).ravel()
        few = np.count_nonzero((ticks >= low) & (ticks <= high)) < 2
        return [float(tick) for tick in (MaxNLocator(3).tick_values(low, high) if few else ticks) if tick > 0.0]


def plain_logarithm(axis: Axis) -> None:
    """Ticks 1, 2, 5, 10, … with plain numbers, for a logarithmic axis of a decade or two."""
    axis.set_major_locator(_PlainTicks(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
