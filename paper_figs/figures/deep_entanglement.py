"""Deep networks: entanglement of retained and forgotten features, and where forgotten samples go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D

from deepnet.publishing import GroupRecord, Movement, Published
from deepnet.report.naming import PRETRAINED, RETRAINED, optimizer_words
from paper_figs.figures.deep_tow import retrained
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import interval_note, main_groups, nothing_to_draw, published, scale_words
from paper_figs.workshop.deep_dots import Panel, dots_axes
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import new_figure
from simulate.house.drawing.palette import SERIES

__all__ = ["draw", "main"]

_SHOWN = (RETRAINED, PRETRAINED, "finetune", "neggrad", "retain-sam", "sharp-minmax", "salun", "scrub")
_MOST = 60
_BEFORE, _AFTER, _RETAINED = SERIES[0], SERIES[1], "0.72"
_PANEL = Panel(metric="entanglement", label="entanglement", possible=(-np.inf, 1.0), goal=retrained("entanglement"))


def draw(results: Results) -> tuple[Figure, Caption]:
    """Entanglement by method and optimizer beside maps of features before and after unlearning."""
    found = published(results, "groups.csv", "main")
    groups = [group for group in main_groups(found) if group.method in _SHOWN]
    if not any(group.means["entanglement"].value is not None for group in groups):
        raise nothing_to_draw(found, "entanglement", ["main"])
    movements = _chosen(found)
    if movements:
        published(results, "feature_maps.jsonl", movements[0].study)
    made = new_figure(3.9)
    halves: list[FigureBase] = [made]
    if movements:
        grid = made.add_gridspec(1, 2, width_ratios=(2.6, 2.9))
        halves = [made.add_subfigure(grid[0, number]) for number in range(2)]
    handles = dots_axes(halves[0].subplots(), groups, _PANEL, "retrained")
    halves[0].legend(handles=handles, loc="outside lower center", ncols=2, columnspacing=0.8, handletextpad=0.5)
    if movements:
        _draw_maps(halves[1], movements)
    return made, Caption(shows=_shows(found, groups, movements), symbols=_SYMBOLS)


_SYMBOLS = {
    "entanglement": "1 − W/2, W the Wasserstein distance between the features of retained and forgotten samples, "
    "each of length one; 1 where the two sets lie alike",
}


def _chosen(found: Published) -> list[Movement]:
    """Maps after plain pretraining, at most four: methods in their order, optimizers in theirs."""
    plain = found.provenance["optimizers"][0]
    return [movement for movement in found.movements if movement.pretrain == plain][:4]


def _shows(found: Published, groups: Sequence[GroupRecord], movements: Sequence[Movement]) -> str:
    text = (
        "Left: entanglement of the features of retained and forgotten samples after pretraining with SGD; filled: the "
        "most memorized samples are forgotten, open: the least memorized; lines: the retrained models, which are the "
        f"aim. {interval_note(groups)}"
    )
    if movements:
        first = movements[0]
        text += (
            f"\n\nRight: features of at most {_MOST} forgotten samples before unlearning (circles) and after it "
            f"(dots), joined by arrows, over retained samples after it (grey); {first.forget_set} forget set, seed "
            f"{first.seed} of the study {first.study}. Each panel has an embedding of its own (UMAP), fitted to the "
            "features of both models together: neighbourhoods mean something, directions and lengths do not."
        )
    else:
        text += "\n\nNo maps of features were measured at this scale."
    return f"{text}\n\n{scale_words(found)}"


def _draw_maps(half: FigureBase, movements: Sequence[Movement]) -> None:
    panels = half.subplots(-(-len(movements) // 2), 2, squeeze=False).ravel()
    for number, axes in enumerate(panels):
        axes.set_visible(number < len(movements))
    for axes, movement in zip(panels, movements, strict=False):
        _draw_map(axes, movement)
    half.legend(handles=_handles(), loc="outside lower center", ncols=1)


def _draw_map(axes: Axes, movement: Movement) -> None:
    before, after = np.array(movement.before), np.array(movement.after)
    forgotten = np.array(movement.forgotten, dtype=bool)
    chosen = np.flatnonzero(forgotten)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(_MOST, len(chosen))).astype(int)]
    start, end, kept = before[chosen], after[chosen], after[~forgotten]
    axes.plot(*kept.T, "o", color=_RETAINED, ms=1.8, mew=0, zorder=1)
    axes.add_collection(LineCollection(list(np.stack([start, end], axis=1)), colors="0.25", linewidths=0.4, zorder=2))
    _draw_heads(axes, start, end)
    axes.plot(*start.T, "o", color=_BEFORE, mfc="white", ms=2.2, mew=0.5, zorder=3)
    axes.plot(*end.T, "o", color=_AFTER, ms=2.2, mew=0, zorder=4)
    shown = np.concatenate([kept, start, end])
    middle = (shown.max(axis=0) + shown.min(axis=0)) / 2
    reach = 0.54 * float(np.ptp(shown, axis=0).max()) or 1.0
    axes.set(xlim=middle[0] + np.array([-reach, reach]), ylim=middle[1] + np.array([-reach, reach]), xticks=[],
             yticks=[], aspect="equal")  # fmt: skip
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_title(f"{movement.title}\n{optimizer_words(movement.optimizer)}", fontsize=7.5)


def _draw_heads(axes: Axes, start: np.ndarray, end: np.ndarray) -> None:
    """Heads in the middle of the arrows, where no dot hides them."""
    way, middle = end - start, (start + end) / 2
    long = np.hypot(*way.T) > 0.02 * float(np.ptp(np.concatenate([start, end]), axis=0).max())
    for at, along in zip(middle[long], way[long], strict=True):
        axes.annotate("", at + 1e-3 * along, at, arrowprops={"arrowstyle": "-|>,head_width=0.1,head_length=0.2",
                      "lw": 0.3, "color": "0.25", "shrinkA": 0, "shrinkB": 0}, zorder=2)  # fmt: skip


def _handles() -> list[Line2D]:
    dot: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 3.2}
    return [
        Line2D([], [], color=_BEFORE, mfc="white", label="forgotten sample, before", **dot),
        Line2D([], [], color=_AFTER, label="forgotten sample, after", **dot),
        Line2D([], [], color=_RETAINED, label="retained sample, after", **dot),
    ]


main = figure(draw, number=13)
