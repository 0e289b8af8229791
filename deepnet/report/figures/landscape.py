"""Loss surfaces on directions that all models share: before and after unlearning, optimizer beside optimizer."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepnet.report.figures.arrays import Picture, read_pictures, rows_of
from deepnet.report.figures.drawing import Drawing, Skipped, Sources
from deepnet.report.figures.style import FULL, new_figure
from deepnet.report.naming import PRETRAINED, RETRAINED, natural_order, optimizer_order, optimizer_words
from theory.ledger.wording import with_minus

__all__ = ["draw_landscapes"]

_PLACE = ("forget_set", "request", "seed", "part")
_LOWEST = 1e-3  # nats; what is below is flat to the eye
_CAPTION = (
    "Loss of the {part} set around each model, on two directions that all panels share; the colour scale is "
    "logarithmic and common to all panels, contours are at the ticks of its bar, the cross is the model. First "
    "in each line, or first of all, stand pretrained models, before unlearning; after them what became of them. "
)

Grid = list[list[Picture | None]]


def draw_landscapes(sources: Sources) -> Iterator[Drawing | Skipped]:
    """A figure for each method with several optimizers or pretrainings, and one for all the others together."""
    pictures = read_pictures(sources.folder / "landscapes", _check, ("a", "b", "loss"))
    if not pictures:
        yield Skipped(name="landscapes", reason="There are no loss surfaces in the folder `landscapes`.")
    pictures.sort(key=lambda each: (natural_order(each.about["forget_set"]), *map(str, each.key(*_PLACE))))
    for _, group in groupby(pictures, key=lambda each: each.key(*_PLACE)):
        yield from _of_place(tuple(group), sources)


def _check(arrays: dict[str, np.ndarray]) -> None:
    shape = (len(arrays["a"]), len(arrays["b"]))
    if arrays["loss"].shape != shape or min(shape) < 2:
        raise ValueError(f"`loss` must have shape {shape}, but has {arrays['loss'].shape}")


def _of_place(pictures: Sequence[Picture], sources: Sources) -> Iterator[Drawing | Skipped]:
    """All figures of one forget set, request, seed and set of samples."""
    place = "-".join(str(word) for word in pictures[0].key("forget_set", "request", "part") if word)
    if any(not _same_axes(pictures[0], each) for each in pictures):
        yield Skipped(name=f"landscape-{place}", reason="The surfaces were not computed on the same coordinates.")
        return
    before = {each.about["pretrain"]: each for each in pictures if each.about["method"] == PRETRAINED}
    references = [each for each in pictures if each.about["method"] == RETRAINED]
    after = [each for each in pictures if each.about["method"] not in (PRETRAINED, RETRAINED)]
    rest: list[Picture] = []
    for title in dict.fromkeys(each.title for each in after):
        members = [each for each in after if each.title == title]
        if len(members) == 1:
            rest += members
            continue
        yield _drawn(f"landscape-{place}-{members[0].name}", _compared(before, members), sources)
    if rest or not after:
        yield _drawn(f"landscape-{place}-others", _packed([*before.values(), *references[:1], *rest]), sources)


def _same_axes(one: Picture, other: Picture) -> bool:
    return all(np.array_equal(one.arrays[name], other.arrays[name]) for name in ("a", "b"))


def _compared(before: dict[str, Picture], members: Sequence[Picture]) -> Grid:
    """A line for each pretraining: the model before, then after with each optimizer."""
    optimizers = sorted({each.about["optimizer"] for each in members}, key=optimizer_order)
    pretrains = sorted({each.about["pretrain"] for each in members}, key=optimizer_order)
    found = {each.key("pretrain", "optimizer"): each for each in members}
    return [[before.get(line), *(found.get((line, each)) for each in optimizers)] for line in pretrains]


def _packed(pictures: Sequence[Picture], columns: int = 4) -> Grid:
    places: list[Picture | None] = [*pictures, *[None] * (-len(pictures) % columns)]
    return [places[start : start + columns] for start in range(0, len(places), columns)]


def _drawn(name: str, grid: Grid, sources: Sources) -> Drawing:
    pictures = [each for line in grid for each in line if each is not None]
    about = pictures[0].about
    caption = _CAPTION.format(part=about.get("part", "measured"))
    caption += f"{about['forget_set']} forget set, {about['request']}, seed {about['seed']}."
    return Drawing(name=name, figure=_figure(grid, pictures), caption=caption,
                   rows=rows_of(pictures, sources.results.rows))  # fmt: skip


def _figure(grid: Grid, pictures: Sequence[Picture]) -> Figure:
    columns = len(grid[0])
    side = (FULL - 1.7) / max(columns, 3)
    figure = new_figure(len(grid) * (side + 0.42) + 0.45, min(FULL, side * columns + 1.7))
    axes = figure.subplots(len(grid), columns, sharex=True, sharey=True, squeeze=False)
    norm, levels = _scale(pictures)
    extend = "min" if min(each.arrays["loss"].min() for each in pictures) < _LOWEST else "neither"
    for line, row in zip(grid, axes, strict=True):
        for picture, axis in zip(line, row, strict=True):
            if picture is None:
                axis.set_visible(False)
                continue
            _draw_surface(axis, picture, norm, levels)
    figure.supxlabel("first direction (filter norms)", fontsize=8)
    figure.supylabel("second direction (filter norms)", fontsize=8)
    bar = figure.colorbar(ScalarMappable(norm, "cividis"), ax=axes, label="loss (nats)", extend=extend, aspect=30)
    bar.set_ticks(list(levels), labels=[f"{level:g}" for level in levels])
    bar.minorticks_off()
    return figure


def _scale(pictures: Sequence[Picture]) -> tuple[Normalize, list[float]]:
    """A logarithmic scale over all surfaces, and round levels on it."""
    values = np.concatenate([each.arrays["loss"].ravel() for each in pictures])
    values = np.maximum(values[np.isfinite(values)], _LOWEST)
    low, high = (float(values.min()), float(values.max())) if len(values) else (_LOWEST, 1.0)
    high = max(high, 1.01 * low)
    if high < 10.0 * low:
        levels = [float(level) for level in MaxNLocator(5).tick_values(low, high)]
    else:
        factors = (1,) if high > 200.0 * low else (1, 2, 5)
        levels = [factor * 10.0**power for power in range(-4, 9) for factor in factors]
    return LogNorm(low, high), [level for level in levels if low <= level <= high]


def _draw_surface(axes: Axes, picture: Picture, norm: Normalize, levels: Sequence[float]) -> None:
    a, b, loss = (picture.arrays[name] for name in ("a", "b", "loss"))
    shown = np.ma.masked_invalid(np.maximum(loss.T, _LOWEST))
    axes.set_facecolor("0.8")  # where the loss is not finite
    axes.pcolormesh(a, b, shown, norm=norm, cmap="cividis", shading="gouraud", rasterized=True)
    if shown.count() and any(shown.min() < level < shown.max() for level in levels):
        axes.contour(a, b, shown, levels=list(levels), colors="white", linewidths=0.5)
    axes.plot(0.0, 0.0, "+", color="white", ms=5, mew=1.0)
    axes.set_title(_words(picture), fontsize=7)
    axes.set_xticks([a[0], 0.0, a[-1]], [with_minus(f"{value:g}") for value in (a[0], 0.0, a[-1])])
    axes.set_yticks([b[0], 0.0, b[-1]], [with_minus(f"{value:g}") for value in (b[0], 0.0, b[-1])])
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(True)


def _words(picture: Picture) -> str:
    """Which model a panel shows, on lines that fit above it."""
    about = picture.about
    if about["method"] == PRETRAINED:
        return f"pretrained\n{optimizer_words(about['pretrain'])}"
    return f"{textwrap.fill(picture.title, 17, break_on_hyphens=False)}\n{optimizer_words(about['optimizer'])}"
