"""Where the texts of a figure are: what leaves the page, and what lies on something else."""

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def misplaced(figure: Figure) -> list[str]:
    """Texts that leave the page, pairs of texts that overlap, and legends of the figure that lie on axes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in _texts(figure)]
    page = figure.bbox.padded(0.5)
    found = [f"off the page: {words!r}" for words, box in boxes if not _inside(box, page)]
    found += [
        f"overlap: {one[0]!r} and {other[0]!r}" for one, other in combinations(boxes, 2) if _overlap(one[1], other[1])
    ]
    for legend in figure.legends:
        box = legend.get_window_extent(renderer)
        found += [] if _inside(box, page) else ["off the page: a legend"]
        found += ["a legend lies on axes" for axes in figure.axes if _overlap(box, axes.get_window_extent(renderer))]
    return found


def _texts(figure: Figure) -> Iterator[Text]:
    """Every text that is drawn."""
    shown = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip())
    ticks = [axis for axes in figure.axes for each in (axes, *axes.child_axes) for axis in (each.xaxis, each.yaxis)]
    hidden = {text for axis in ticks for text in _hidden_labels(axis)}
    return (text for text in shown if text not in hidden)


def _hidden_labels(axis: Axis) -> Iterator[Text]:
    """Labels of ticks outside of the axis' range, which matplotlib keeps and does not draw."""
    low, high = sorted(axis.get_view_interval())
    for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
        margin = 1e-9 * max(abs(low), abs(high))
        if not low - margin <= tick.get_loc() <= high + margin or not axis.get_visible():
            yield from (tick.label1, tick.label2)


def _inside(box: Bbox, page: Bbox) -> bool:
    return page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1


def _overlap(one: Bbox, other: Bbox) -> bool:
    """Whether boxes share more than a pixel's edge."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width > 1.0 and height > 1.0
