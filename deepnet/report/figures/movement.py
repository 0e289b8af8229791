"""Where the features of forgotten samples go: from before to after unlearning, over those that are retained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepnet.report.figures.arrays import Picture, read_pictures, rows_of
from deepnet.report.figures.drawing import Drawing, Skipped, Sources
from deepnet.report.figures.style import FULL, legend_below, new_figure
from deepnet.report.naming import optimizer_words

__all__ = ["draw_movements"]

_PLACE = ("forget_set", "request", "pretrain", "seed")
_COLUMNS = 3
_MOST = 120
_BEFORE, _AFTER = "#0072B2", "#D55E00"
_CAPTION = (
    "Features of forgotten samples before (blue) and after (orange) unlearning, joined by lines; retained samples "
    "after unlearning are grey. Each panel has an embedding of its own, fitted to the features of both models "
    "together: neighbourhoods mean something, directions and lengths do not, and panels cannot be laid over each "
    "other. At most {most} forgotten samples are shown in a panel."
)


def draw_movements(sources: Sources) -> Iterator[Drawing | Skipped]:
    """A figure for each method with several optimizers, and one for all the others together."""
    names = ("before", "after", "labels", "forgotten")
    pictures = read_pictures(sources.folder / "feature_maps", _check, names)
    if not pictures:
        yield Skipped(name="feature-maps", reason="There are no maps of features in the folder `feature_maps`.")
    for place, group in groupby(pictures, key=lambda each: each.key(*_PLACE)):
        members, rest = tuple(group), []
        for title in dict.fromkeys(each.title for each in members):
            alike = [each for each in members if each.title == title]
            if len(alike) == 1:
                rest += alike
            else:
                yield _drawn(f"feature-map-{'-'.join(map(str, place[:3]))}-{alike[0].name}", alike, sources)
        if rest:
            yield _drawn(f"feature-map-{'-'.join(map(str, place[:3]))}-others", rest, sources)


def _check(arrays: dict[str, np.ndarray]) -> None:
    n = len(arrays["labels"])
    for name, shape in (("before", (n, 2)), ("after", (n, 2)), ("forgotten", (n,))):
        if arrays[name].shape != shape:
            raise ValueError(f"`{name}` must have shape {shape}, but has {arrays[name].shape}")


def _drawn(name: str, pictures: Sequence[Picture], sources: Sources) -> Drawing:
    about = pictures[0].about
    place = (
        f"{about['forget_set']} forget set, {about['request']}, pretrained with {optimizer_words(about['pretrain'])}"
    )
    return Drawing(name=name, figure=_figure(pictures),
                   caption=f"{_CAPTION.format(most=_MOST)} {place[0].upper()}{place[1:]}, seed {about['seed']}.",
                   rows=rows_of(pictures, sources.results.rows))  # fmt: skip


def _figure(pictures: Sequence[Picture]) -> Figure:
    columns = min(_COLUMNS, len(pictures))
    lines = -(-len(pictures) // columns)
    side = FULL / _COLUMNS
    figure = new_figure(lines * (side + 0.3) + 0.35, FULL)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes[len(pictures) :]:
        axis.set_visible(False)
    for axis, picture in zip(axes, pictures, strict=False):
        _draw_panel(axis, picture)
    handles = [
        Line2D([], [], ls="none", marker="o", ms=3.5, color="0.72", label="retained, after"),
        Line2D([], [], ls="none", marker="o", ms=3.5, mfc="white", color=_BEFORE, label="forgotten, before"),
        Line2D([], [], ls="none", marker="o", ms=3.5, color=_AFTER, label="forgotten, after"),
    ]
    legend_below(figure, handles, 3)
    return figure


def _draw_panel(axes: Axes, picture: Picture) -> None:
    before, after, forgotten = (picture.arrays[name] for name in ("before", "after", "forgotten"))
    retained = after[~forgotten]
    axes.plot(retained[:, 0], retained[:, 1], "o", color="0.7", ms=2.0, mew=0, zorder=1, rasterized=True)
    chosen = np.flatnonzero(forgotten)
    if len(chosen) > _MOST:
        chosen = chosen[np.linspace(0, len(chosen) - 1, _MOST).astype(int)]
    start, end = before[chosen], after[chosen]
    axes.add_collection(LineCollection(list(np.stack([start, end], axis=1)), colors="0.35", linewidths=0.35, alpha=0.6,
                                       zorder=2))  # fmt: skip
    axes.plot(start[:, 0], start[:, 1], "o", color=_BEFORE, mfc="white", ms=2.4, mew=0.6, zorder=3)
    axes.plot(end[:, 0], end[:, 1], "o", color=_AFTER, ms=2.4, mew=0, zorder=4)
    axes.set_title(f"{picture.title}\n{optimizer_words(picture.about['optimizer'])}", fontsize=7)
    shown = np.concatenate([retained, start, end])
    middle = (shown.max(axis=0) + shown.min(axis=0)) / 2
    reach = 0.54 * float(np.ptp(shown, axis=0).max()) or 1.0
    axes.set(xlim=middle[0] + np.array([-reach, reach]), ylim=middle[1] + np.array([-reach, reach]))
    axes.set(xticks=[], yticks=[])
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_aspect("equal")
