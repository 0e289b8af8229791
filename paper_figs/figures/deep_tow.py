"""Deep networks: what one change brings in tug of war at the match, pair by pair.

Differences are those of the claims of the deep ledger, with plain intervals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepnet.ledger.comparing import MARGIN
from deepnet.ledger.effects import between, estimated
from deepnet.ledger.findings import PLAIN, NotMeasuredError
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import (
    RULES,
    Scale,
    family,
    means_note,
    nothing_to_draw,
    scales,
    unvaried,
    usual_arms,
)
from paper_figs.workshop.deep_dots import arm_handles, mark_lost, method_words
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, MARKERS, legend_below, new_figure
from simulate.house.counting import counted
from theory.ledger.wording import with_minus
from theory.statistics import Estimate

__all__ = ["Change", "changes", "difference", "draw", "main"]

_ARM = re.compile(r"(?P<method>.+)-(?P<how>sgd|sam|asam)-after-(?P<before>sgd|sam|asam)")
_INSTEAD = {"minmax": "neggrad", "minmax-no-max": "minmax", "minmax-reversed": "minmax"}
"""Methods that are held against another one."""
_KINDS = {
    "minmax": "Sharp MinMax instead of NegGrad",
    "minmax-no-max": "Sharp MinMax without its “max” term",
    "minmax-reversed": "Sharp MinMax with the mask of the smallest",
}
"""What differs then."""
_LINE, _HEAD = 0.125, 0.155  # inches of a change and of a heading


@dataclass(frozen=True)
class Change:
    """Two arms that differ in one thing."""

    kind: str
    """What differs, as a heading."""
    words: str
    """What both arms have in common."""
    arm: str
    """The arm that has it."""
    other: str
    """The arm that it is held against."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """ToW of an arm less that of the one that differs from it in one thing, with its interval."""
    shown = unvaried(scales(results))
    found = list(dict.fromkeys(change for scale in shown for change in changes(usual_arms(scale))))
    if not found:
        raise nothing_to_draw("arms that differ in one thing", shown)
    places = _places(found)
    height = max(places.values()) + _LINE
    made = new_figure(height + 0.95)
    panels = made.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, scale in zip(panels, shown, strict=True):
        _draw_panel(axes, scale, found, places)
        axes.set_title(scale.name, fontsize=7.5)
    panels[0].set_ylim(height, 0.0)
    panels[0].set_yticks([places[change] for change in found], [change.words for change in found], fontsize=7.0)
    panels[0].tick_params(axis="y", length=0)
    for kind, first in {change.kind: places[change] for change in reversed(places)}.items():
        panels[0].text(-0.02, first - _LINE, kind, transform=panels[0].get_yaxis_transform(), ha="right", va="center",
                       fontsize=7.0, fontweight="bold")  # fmt: skip
    legend_below(made, _handles(shown, found), columns=4)
    return made, Caption(
        answers=" ".join(_answer(scale, found) for scale in shown),
        shows=(
            "Tug of war (ToW) of an arm less that of the arm that differs from it in one thing, replicate by "
            "replicate, at the first step at which the loss on the forget set is that of the network retrained without "
            "it. To the right of 0 the change brings the network closer to retrained ones. Colour and marker are those "
            "of the optimizer of unlearning; filled: after SGD; open: after ASAM. Grey: differences smaller than "
            f"{MARGIN:g}, the smallest of interest. Arms marked † have runs that did not reach the match, which count "
            "by their last values, or diverged, whose ToW is 0. Intervals are those of single comparisons: verdicts, "
            "with intervals that hold jointly and with controls, are those of the figure `deep_ledger`, which states "
            "the “max” term and the mask the other way round. The figure `deep_accuracies` has ToW itself and what "
            f"it is made of. {means_note(shown)}"
        ),
        symbols={
            "ToW": "mean over all retrained networks r of (1 − |R − R_r|)(1 − |F − F_r|)(1 − |T − T_r|), with R, F, T "
            "the accuracies on retain, forget and test set; 1 is best",
        },
    )


def changes(arms: Sequence[str]) -> list[Change]:
    """Every pair of some arms that differ in one thing: the optimizer, the pretraining, or the method.

    Example:
        >>> [change.words for change in changes(["neggrad-sgd-after-sgd", "neggrad-asam-after-sgd"])]
        ['NegGrad, after SGD']
    """
    parsed = {arm: named.groupdict() for arm in arms if (named := _ARM.fullmatch(arm))}
    found: list[tuple[int, Change]] = []
    for arm, parts in parsed.items():
        method, how, before = parts["method"], parts["how"].upper(), parts["before"].upper()
        words = method_words(arm)
        others = (
            (f"{method}-sgd-after-{parts['before']}", f"{how} instead of SGD", f"{words}, after {before}"),
            (f"{method}-{parts['how']}-after-{PLAIN}", f"pretrained with {before} instead of SGD", f"{words}, {how}"),
            (f"{_INSTEAD.get(method)}-{parts['how']}-after-{parts['before']}", _KINDS.get(method, ""),
             f"{how}, after {before}"),
        )  # fmt: skip
        found += [
            (place, Change(kind, told, arm, other))
            for place, (other, kind, told) in enumerate(others)
            if other in parsed and other != arm
        ]
    return [change for _, change in sorted(found, key=lambda item: item[0])]


def difference(scale: Scale, change: Change) -> Estimate | None:
    """ToW of both arms of a change, paired by replicate; None if it was not measured."""
    try:
        found = estimated(between(change.arm, change.other, "tow", RULES), scale.reading)
    except NotMeasuredError:
        return None
    return found if np.isfinite(found.value) else None


def _places(found: Sequence[Change]) -> dict[Change, float]:
    """Where each change stands, in inches from the top, below the heading of its kind."""
    places: dict[Change, float] = {}
    top = 0.0
    for kind in dict.fromkeys(change.kind for change in found):
        top += _HEAD
        for change in found:
            if change.kind == kind:
                top += _LINE
                places[change] = top
    return places


def _draw_panel(axes: Axes, scale: Scale, found: Sequence[Change], places: dict[Change, float]) -> None:
    axes.axvspan(-MARGIN, MARGIN, color="0.92", lw=0, zorder=0)
    axes.axvline(0.0, color="0.5", lw=0.6, zorder=1)
    for change in found:
        known = difference(scale, change)
        if known is None:
            continue
        place, name = places[change], family(scale.findings.about(change.arm, "optimizer"))
        plain = scale.findings.about(change.arm, "pretraining") == PLAIN
        if np.isfinite(known.standard_error):
            axes.plot(known.interval(), (place, place), color=COLORS[name], lw=0.9, solid_capstyle="butt", zorder=2)
        axes.plot(known.value, place, MARKERS[name], color=COLORS[name], ms=3.6, mew=0.8,
                  mfc=COLORS[name] if plain else "white", zorder=3)  # fmt: skip
        if scale.lost(change.arm) or scale.lost(change.other):
            end = known.interval()[1] if np.isfinite(known.standard_error) else known.value
            mark_lost(axes, end, place)
    axes.set_xlabel("gain in ToW")
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)


def _handles(shown: Sequence[Scale], found: Sequence[Change]) -> list[Line2D | Patch]:
    arms = [(scale, change.arm) for scale in shown for change in found if change.arm in scale.findings.arms]
    return arm_handles(arms, [Patch(color="0.92", label=f"smaller than {MARGIN:g}")])


def _answer(scale: Scale, found: Sequence[Change]) -> str:
    """The changes of which the sign is seen, those that are too small to matter, and how many are left."""
    closer: dict[str, list[str]] = {}
    further: dict[str, list[str]] = {}
    small = unseen = 0
    for change in found:
        known = difference(scale, change)
        if known is None:
            continue
        low, high = known.interval()
        if low > -MARGIN and high < MARGIN:
            small += 1
        elif low > 0.0 or high < 0.0:
            told = f"{change.words} {with_minus(f'{known.value:+.3f}')}"
            (closer if low > 0.0 else further).setdefault(change.kind, []).append(told)
        else:
            unseen += 1
    also = f"{counted(small, 'change').capitalize()} {'is' if small == 1 else 'are'} seen to be smaller than {MARGIN:g}"
    return (
        f"At the scale {scale.name} ({scale.about}), by 95 % intervals each for itself. Closer: {_told(closer)}. "
        "Further "
        f"away: {_told(further)}. {f'{also}; of' if small else 'Of'} {counted(unseen, 'other')} "
        "the sign is not seen."
    )


def _told(changes_by_kind: dict[str, list[str]]) -> str:
    return "; ".join(f"{kind} ({', '.join(words)})" for kind, words in changes_by_kind.items()) or "nothing"


main = figure(draw, number=10, asks="What brings an unlearned network closer to a retrained one?")
