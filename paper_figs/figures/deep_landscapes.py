"""Deep networks: loss surfaces before and after unlearning, on directions that all models share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from deepnet.publishing import Surface
from deepnet.report.naming import PRETRAINED, RETRAINED, optimizer_words
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import forget_sets, nothing_to_draw, published, scale_words
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import new_figure

__all__ = ["draw", "main"]

_COLUMNS, _SIDE = 6, 0.76  # panels in a line; inches
_FLAT = 1e-3
"""Loss in nats below which a surface is flat to the eye."""
Line = tuple[str, list[Surface]]
"""The set of samples, and the surfaces from left to right."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """Two lines for each optimizer of pretraining: the loss of the retain set and that of the forget set."""
    found = published(results, "landscapes.jsonl")
    if not found.surfaces:
        raise nothing_to_draw(found, "loss surfaces", ["gallery"])
    hardest = forget_sets(found.surfaces)[0]
    surfaces = [each for each in found.surfaces if each.forget_set == hardest]
    first = surfaces[0]
    if any((each.a, each.b) != (first.a, first.b) for each in surfaces):
        raise ValueError(f"{found.folder / 'landscapes.jsonl'} has surfaces on different coordinates; publish it anew.")
    published(results, "landscapes.jsonl", first.study)
    del results.used[-2]
    lines = _lines(surfaces)
    columns = max(len(members) for _, members in lines)
    made = new_figure(len(lines) * (_SIDE + 0.1) + 0.3 * len(lines) / 2 + 0.75)
    panels = made.subplots(len(lines), columns, sharex=True, sharey=True, squeeze=False)
    norm, levels = _scale(surfaces)
    for number, (row, line) in enumerate(zip(panels, lines, strict=True)):
        _draw_line(row, line, norm, levels, titled=_begins(number))
    _finish(made, panels, norm, levels)
    return made, Caption(
        shows=(
            "Loss around each model on two random directions with the norms of the filters of the first pretrained "
            "model, the same for all panels; one line for the retain set, one for the forget set. First in a line "
            "stands the pretrained model from which the unlearned ones beside it started. Colours (logarithmic) "
            "and contours are common to all panels, contours stand at the ticks of the bar; losses below "
            f"{_FLAT:g} nats count as that much. The cross is the model. {hardest} forget set, seed {first.seed} of "
            f"the study {first.study}: one model a panel, so no interval.\n\n{scale_words(found)}"
        ),
        symbols={"a, b": "coordinates along the two directions, in norms of the filters"},
    )


def _lines(surfaces: Sequence[Surface]) -> list[Line]:
    """For each pretraining the model before, what became of it, and the retrained model, in lines that fit."""
    made: list[Line] = []
    for pretrain in dict.fromkeys(each.pretrain for each in surfaces):
        alike = [each for each in surfaces if each.pretrain == pretrain]
        for start in range(0, max(sum(each.part == part for each in alike) for part in ("retain", "forget")), _COLUMNS):
            for part in ("retain", "forget"):
                members = sorted((each for each in alike if each.part == part), key=_place)
                made.append((part, members[start : start + _COLUMNS]))
    return made


def _begins(number: int) -> bool:
    """Whether other models stand in a line than in that above it: each pair of lines is of the same models."""
    return number % 2 == 0


def _place(surface: Surface) -> int:
    return [PRETRAINED, RETRAINED].index(surface.method) if surface.method in (PRETRAINED, RETRAINED) else 2


def _scale(surfaces: Sequence[Surface]) -> tuple[LogNorm, list[float]]:
    """A logarithmic scale over all surfaces, and the powers of ten on it."""
    values = np.concatenate([_losses(each).ravel() for each in surfaces])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    high = max(high, 1.01 * low)
    factors = (1.0,) if high > 100.0 * low else (1.0, 2.0, 5.0)
    levels = [factor * 10.0**power for power in range(-4, 7) for factor in factors]
    return LogNorm(low, high), [level for level in levels if low <= level <= high]


def _losses(surface: Surface) -> np.ndarray:
    """The losses, (g, g), at least `_FLAT`; NaN where they are not finite."""
    return np.maximum(np.array(surface.loss, dtype=float), _FLAT)


def _draw_line(row: Sequence[Axes], line: Line, norm: LogNorm, levels: Sequence[float], *, titled: bool) -> None:
    part, members = line
    for axes in row[len(members) :]:
        axes.set_visible(False)
    for axes, surface in zip(row, members, strict=False):
        _draw_surface(axes, surface, norm, levels)
        if titled:
            axes.set_title(_title(surface), fontsize=7)
    row[0].set_ylabel(f"{part} loss\n$b$", fontsize=7.5)


def _title(surface: Surface) -> str:
    return f"{surface.title}\n{'' if surface.method == RETRAINED else optimizer_words(surface.optimizer)}"


def _draw_surface(axes: Axes, surface: Surface, norm: LogNorm, levels: Sequence[float]) -> None:
    loss = np.ma.masked_invalid(_losses(surface).T)
    axes.set_facecolor("0.8")  # where the loss is not finite
    axes.pcolormesh(surface.a, surface.b, loss, norm=norm, cmap="cividis", shading="gouraud", rasterized=True)
    if loss.count() and any(loss.min() < level < loss.max() for level in levels):
        axes.contour(surface.a, surface.b, loss, levels=list(levels), colors="white", linewidths=0.4)
    axes.plot(0.0, 0.0, "+", color="white", ms=4, mew=0.9)
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_xticks([surface.a[0], 0.0, surface.a[-1]])
    axes.set_yticks([surface.b[0], 0.0, surface.b[-1]])


def _finish(made: Figure, panels: np.ndarray, norm: LogNorm, levels: Sequence[float]) -> None:
    for column in panels.T:
        lowest = [axes for axes in column if axes.get_visible()][-1]
        lowest.set_xlabel("$a$")
        lowest.tick_params(labelbottom=True)
    bar = made.colorbar(ScalarMappable(norm, "cividis"), ax=panels, label="loss (nats)", location="bottom", aspect=50,
                        fraction=0.05, pad=0.02)  # fmt: skip
    bar.set_ticks(list(levels), labels=[f"{level:g}" for level in levels])
    bar.minorticks_off()


main = figure(draw, number=14)
