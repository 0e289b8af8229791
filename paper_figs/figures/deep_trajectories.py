"""Deep networks: what is kept while the forget set is forgotten, from the first step to the match and beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepnet.ledger.findings import PLAIN
from deepnet.ledger.naming import arm_words
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import Scale, family, nothing_to_draw, scales, unvaried
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, MARKERS, label_panels, legend_below, new_figure
from theory.statistics import from_replicates

__all__ = ["GRID", "course", "draw", "main"]

GRID = np.linspace(0.0, 1.5, 61)
"""Losses on the forget set at which courses are read, in units of the retrained network's."""
_METHODS = {"neggrad": ("NegGrad", False), "minmax": ("Sharp MinMax", True)}
"""Words of each method, and whether its markers are open; colour, marker and line are those of the optimizer."""
_RETRAINED = (0, (6, 2))
_SETS = {"retain": "retain accuracy (%)", "test": "test accuracy (%)"}


def draw(results: Results) -> tuple[Figure, Caption]:
    """Accuracy on retain and test set over the loss on the forget set, of NegGrad and Sharp MinMax."""
    found = unvaried(scales(results))
    shown = [scale for scale in found if any(_courses(scale, arm, "retain").size for arm in _arms(scale))]
    if not shown:
        raise nothing_to_draw("courses of NegGrad and Sharp MinMax", found)
    made = new_figure(2.1 * len(shown) + 0.5)
    grid = made.subplots(len(shown), 2, squeeze=False, sharex=True)
    for row, scale in zip(grid, shown, strict=True):
        for axes, name in zip(row, _SETS, strict=True):
            _draw_panel(axes, scale, name)
    for axes in grid[-1]:
        axes.set_xlabel("loss on the forget set, retrained = 1")
    label_panels(grid.ravel(), [scale.name for scale in shown for _ in _SETS])
    legend_below(made, _handles(shown), columns=4)
    told = "; ".join(f"{scale.name}: {scale.about}" for scale in shown)
    return made, Caption(
        answers=" ".join(map(_answer, shown)),
        shows=(
            "Accuracy on retain and test set while NegGrad and Sharp MinMax unlearn with SGD and with ASAM, after "
            "pretraining with SGD, over the largest loss on the forget set so far; 1, the vertical line, is the match: "
            "the loss of the network retrained on the same split, where runs are compared. A run goes on until it has "
            "passed all of its stops. Lines are means over the replicates that get so far, straight between the steps "
            "that were kept. On the way a run may be looked at on some of the images (of photographs 500 of each set): "
            "lines are shifted to the accuracy on all of them before the first step and at the match, where both are "
            "known. Bands are 95 % intervals of the mean; one that goes on beyond its panel is cut off. A line ends "
            "where half of the replicates have, or where two are left of more, and from there on says nothing. Dashed: "
            f"mean of the retrained networks. Scales: {told}."
        ),
    )


def course(row: dict[str, Any], name: str, before: float | None = None) -> np.ndarray | None:
    """Accuracy of a run over the largest forget loss so far, at `GRID`.

    On its way a run may be looked at on some of the images only. Its accuracy on all of them is known before the first
    step and at the match: the course is shifted there to what it was, and in between along a straight line.

    Args:
        row: The row of an unlearning.
        name: The set, "retain" or "test".
        before: Accuracy of the pretrained network on all of its images; None if it is not known.

    Returns:
        The accuracies, NaN before its first loss and beyond its largest; None if the row has no course.
    """
    kept = row.get("trajectory", {})
    bound = row["stops"].get("loss", {}).get("bound")
    if not bound or f"{name}_accuracy" not in kept:
        return None
    pairs = [
        (loss, accuracy)
        for loss, accuracy in zip(kept["forget_loss"], kept[f"{name}_accuracy"], strict=True)
        if loss is not None and accuracy is not None
    ]
    if len(pairs) < 2:
        return None
    losses, accuracies = np.array(pairs, dtype=float).T
    highest = np.maximum.accumulate(losses)
    first = np.concatenate([[True], np.diff(highest) > 0.0])  # of steps that fall back none counts
    places, values = highest[first] / bound, accuracies[first]
    known = {places[0]: before} | _at_match(row, name)
    shifts = {
        place: there - float(np.interp(place, places, values))
        for place, there in sorted(known.items()) if there is not None
    }  # fmt: skip
    seen = np.interp(GRID, places, values, left=np.nan, right=np.nan)
    return seen + np.interp(GRID, [*shifts], [*shifts.values()]) if shifts else seen


def _at_match(row: dict[str, Any], name: str) -> dict[float, float]:
    """Accuracy at the match on all images, by the loss there, which is the first that is not below the bound."""
    stop = row["stops"]["loss"]
    if stop.get("step") is None or f"{name}_accuracy" not in stop:
        return {}
    return {stop["forget_loss"] / stop["bound"]: stop[f"{name}_accuracy"]}


def _arms(scale: Scale) -> list[str]:
    names = [f"{method}-{how}-after-{PLAIN}" for method in _METHODS for how in ("sgd", "asam")]
    return [name for name in names if name in scale.findings.arms]


def _courses(scale: Scale, arm: str, name: str) -> np.ndarray:
    """The courses of all replicates, (replicates, places)."""
    start = scale.findings.pretrained.get((scale.forget, scale.findings.about(arm, "pretraining")), {})
    found = [
        course(dict(row), name, start.get(number, {}).get(f"{name}_accuracy"))
        for number, row in scale.findings.arm(arm).items()
    ]
    return np.array([each for each in found if each is not None])


def _draw_panel(axes: Axes, scale: Scale, name: str) -> None:
    lines: list[float] = []
    for arm in _arms(scale):
        courses = 100.0 * _courses(scale, arm, name)
        if not courses.size:
            continue
        look = _look(family(scale.findings.about(arm, "optimizer")), is_open=_METHODS[arm.split("-")[0]][1])
        places, mean, low, high = _mean_course(courses)
        lines += mean.tolist()
        axes.fill_between(places, low, high, color=look["color"], alpha=0.15, lw=0)
        first = 2 + 4 * _arms(scale).index(arm) % 10
        axes.plot(places, mean, lw=1.1, markevery=(first, 10), **look)
    axes.axvline(1.0, color="0.35", lw=0.8)
    networks = [one for of_replicate in scale.findings.retrained.get((scale.forget, PLAIN), {}).values()
                for one in of_replicate]  # fmt: skip
    if networks:
        level = 100.0 * float(np.mean([one[f"{name}_accuracy"] for one in networks]))
        axes.axhline(level, color="0.35", lw=0.8, ls=_RETRAINED, zorder=0)
        lines.append(level)
    axes.set_ylabel(_SETS[name])
    _cut_bands(axes, lines)


def _mean_course(courses: np.ndarray) -> tuple[np.ndarray, ...]:
    """Where enough replicates still are, their mean, and its interval from below and from above.

    Two of more say next to nothing of how they scatter: at the same scatter their interval is 3.6 times that of three.
    """
    there = np.isfinite(courses).sum(axis=0)
    known = np.flatnonzero((there > len(courses) / 2) & (there >= max(2, min(3, len(courses)))))
    means = [from_replicates(column[np.isfinite(column)]) for column in courses.T[known]]
    low, high = np.clip(np.array([each.interval() for each in means]).reshape(-1, 2).T, 0.0, 100.0)
    return GRID[known], np.array([each.value for each in means]), low, high


def _cut_bands(axes: Axes, lines: Sequence[float]) -> None:
    """Limits by the lines: a band goes beyond them by as much as they span, and no further."""
    if lines:
        span = max(lines) - min(lines)
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, min(lines) - span), min(high, max(lines) + span))


def _answer(scale: Scale) -> str:
    """What is left of both accuracies at the match."""
    at_match = int(np.argmin(np.abs(GRID - 1.0)))
    parts = []
    for arm in _arms(scale):
        left = []
        for name in _SETS:
            courses = _courses(scale, arm, name)
            values = courses[np.isfinite(courses[:, at_match]), at_match] if courses.size else np.array([])
            left += [f"{100 * values.mean():.1f} %"] if values.size > 1 else []
        keeps = f"keeps {' on the retain set and '.join(left)} on the test set"
        parts.append(f"{arm_words(arm)} {keeps if len(left) > 1 else 'is seen there in one run or in none'}")
    return f"At the scale {scale.name}, mean of the runs that get to the match: {'; '.join(parts)}."


def _look(name: str, *, is_open: bool) -> dict[str, Any]:
    color = COLORS[name]
    return {"color": color, "ls": LINES[name], "marker": MARKERS[name], "mfc": "white" if is_open else color}


def _handles(shown: Sequence[Scale]) -> list[Line2D]:
    there = {arm for scale in shown for arm in _arms(scale)}
    made = [
        Line2D([], [], label=f"{words}, {how}", **_look(how, is_open=is_open))
        for method, (words, is_open) in _METHODS.items()
        for how in ("SGD", "ASAM")
        if f"{method}-{how.lower()}-after-{PLAIN}" in there
    ]
    return [
        *made,
        Line2D([], [], color="0.35", lw=0.8, label="the match"),
        Line2D([], [], color="0.35", lw=0.8, ls=_RETRAINED, label="retrained"),
    ]


main = figure(draw, number=12, asks="What does a network lose on its way to the match?")
