"""Pictures and formulas as matplotlib draws them. This module imports matplotlib; nothing else in the room does."""

from __future__ import annotations

import io
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from simulate.house.drawing.layout import SteadyLayout
from simulate.house.drawing.palette import LINES, MARKERS, SERIES
from theory.ledger.picture import Curve, Picture

__all__ = ["draw", "figure_svg", "formula_svg", "house_style"]

_MARKERS = "osD^vP<X"
_JOINS = ("-", ":", "-.")
_PREDICTED: tuple[dict[str, Any], ...] = (
    {"color": "black", "ls": "--"},
    {"color": "0.45", "ls": "--"},
    {"color": "black", "ls": ":"},
    {"color": "0.45", "ls": "-."},
)
_STYLE = {
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "mathtext.fontset": "dejavusans",
    "svg.fonttype": "path",  # looks the same where the fonts are missing
    "svg.hashsalt": "sharpmu",  # otherwise the ids inside an SVG are random
}
_WIDTH, _HEIGHT, _LEGEND_LINE = 4.5, 3.0, 0.17  # inches
_LABEL_LETTERS = 40
_FORMULA_POINTS = 13.0


@contextmanager
def house_style() -> Iterator[None]:
    """Our settings on top of matplotlib's own, whatever the reader's configuration says."""
    with style.context(["default", _STYLE]):
        yield


# --- pictures ------------------------------------------------------------------------------------------


def draw(picture: Picture, colors: Mapping[str, str] | None = None) -> Figure:
    """Draw a picture.

    Measured curves get a colour and a marker each, predicted ones ("line") black and grey dashes. Curves with the same
    label look the same and share an entry of the legend, which stands below the axes and never hides data.

    Args:
        picture: What to draw.
        colors: Colour of a curve by its label or by how the label begins; others take theirs from
            `simulate.house.drawing.palette.SERIES`.

    Returns:
        The figure, 4.5 inches wide and readable at that size.
    """
    labels = list(dict.fromkeys(curve.label for curve in picture.curves))
    columns = _legend_columns(labels)
    with house_style():
        height = _HEIGHT + _LEGEND_LINE * -(-len(labels) // columns)
        figure = Figure(figsize=(_WIDTH, height), layout=SteadyLayout(), dpi=150)
        axes = figure.subplots()
        axes.set(xscale="log" if picture.x_log else "linear", yscale="log" if picture.y_log else "linear")
        looks = _looks(picture.curves, colors or {})
        named: set[str] = set()
        for curve in picture.curves:
            _draw_curve(axes, curve, looks[curve.label], None if curve.label in named else curve.label)
            named.add(curve.label)
        axes.set(xlabel=picture.x_label, ylabel=_wrapped(picture.y_label))
        _thin_out(axes)
        _set_words(axes, picture.ticks)
        if labels:
            figure.legend(loc="outside lower center", ncols=columns, fontsize=7, handlelength=2.4)
        return figure


def _legend_columns(labels: Sequence[str]) -> int:
    longest = max(map(len, labels), default=0)
    return 3 if longest <= 16 else 2 if longest <= 32 else 1


def _looks(curves: Sequence[Curve], colors: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Settings of each label: its colour, and what tells it from others of that colour.

    The first curve that is named after an optimizer has that one's marker, and all of them its line.
    """
    names = {curve.label: name for curve in curves for name in colors if curve.label.startswith(name)}
    named = {label: colors[name] for label, name in names.items()}
    free = cycle([color for color in SERIES if color not in named.values()] or SERIES)
    taken = {MARKERS.get(name) for name in names.values()}
    markers, dashes = cycle([each for each in _MARKERS if each not in taken]), cycle(_PREDICTED)
    used: Counter[str] = Counter()
    looks: dict[str, dict[str, Any]] = {}
    for curve in curves:
        if curve.label in looks:
            continue
        if curve.style == "line":
            looks[curve.label] = next(dashes)
            continue
        color = named.get(curve.label) or next(free)
        again, used[color] = used[color], used[color] + 1
        name = names.get(curve.label, "")
        line = LINES.get(name, _JOINS[again % len(_JOINS)]) if curve.style == "both" else "none"
        marker = MARKERS[name] if name in MARKERS and again < 2 else next(markers)  # filled, then open
        face = "white" if again % 2 else color
        looks[curve.label] = {"color": color, "marker": marker, "ms": 4.5, "mfc": face, "ls": line, "zorder": 3}
    return looks


def _draw_curve(axes: Axes, curve: Curve, look: Mapping[str, Any], label: str | None) -> None:
    x, y = np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float)
    bars = None
    if curve.low is not None or curve.high is not None:
        ends = (y if end is None else np.asarray(end, dtype=float) for end in (curve.low, curve.high))
        with np.errstate(invalid="ignore"):
            reach = np.stack([sign * (end - y) for sign, end in zip((-1.0, 1.0), ends, strict=True)])
        bars = np.where(np.isfinite(reach), np.maximum(reach, 0.0), np.nan)  # what is not known gets no bar
    # The first curve of a label is in the legend; matplotlib leaves out labels that begin with an underscore.
    axes.errorbar(x, y, yerr=bars, label=label or "_again", elinewidth=0.9, capsize=2.0, **look)


def _wrapped(label: str) -> str:
    """A label on lines that fit the height of the axes; formulas are left alone."""
    return label if "$" in label else textwrap.fill(label, _LABEL_LETTERS)


def _thin_out(axes: Axes) -> None:
    """On logarithmic axes name powers of ten; on those that hardly span any, 1, 2 and 5 times them."""
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() != "log":
            continue
        low, high = axis.get_view_interval()
        if low > 0.0 and high < 50.0 * low:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())


def _set_words(axes: Axes, words: Sequence[str]) -> None:
    if not words:
        return
    crowded = len(words) * max(len(line) for word in words for line in word.splitlines()) > 60
    turned: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(len(words)), words, fontsize=7, **turned)
    axes.set_xlim(-0.5, len(words) - 0.5)


# --- SVG ---------------------------------------------------------------------------------------------


def figure_svg(figure: Figure) -> str:
    """A figure as SVG text, the same text for figures that were drawn alike."""
    with house_style():
        return _saved(figure)


def formula_svg(latex: str) -> str:
    r"""A formula as SVG text, black on nothing, as large as the formula.

    Args:
        latex: LaTeX that mathtext can set, without dollars.

    Raises:
        ValueError: if mathtext cannot set it.

    Example:
        >>> formula_svg(r"\frac{1}{4}").count("<svg")
        1
    """
    text, font = f"${_displayed(latex)}$", FontProperties(size=_FORMULA_POINTS, math_fontfamily="cm")
    with house_style():
        try:
            width, height, depth, _, _ = MathTextParser("path").parse(text, dpi=72, prop=font)
        except ValueError as error:
            raise ValueError(f"Argument `latex` must be what mathtext can set, but is {latex!r}: {error}") from None
        pad = 2.0  # points, since glyphs reach a little beyond their boxes
        width, height = width + 2 * pad, height + 2 * pad
        figure = Figure(figsize=(width / 72.0, height / 72.0))
        figure.text(pad / width, (depth + pad) / height, text, fontproperties=font)
        return _saved(figure)


def _displayed(latex: str) -> str:
    """LaTeX whose outermost fractions are as large as the text around them."""
    depth, made = 0, ""
    for piece in re.split(r"(\\frac|[{}])", latex):
        depth += (piece == "{") - (piece == "}")
        made += r"\dfrac" if piece == r"\frac" and depth == 0 else piece
    return made


def _saved(figure: Figure) -> str:
    buffer = io.StringIO()
    silent = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=silent, transparent=True)
    return buffer.getvalue()
