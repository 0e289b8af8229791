"""Deep networks: whether arms stand in the same order wherever their runs are read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.stats import spearmanr

from deepnet.ledger.choices import OWN_STOP
from deepnet.ledger.findings import PLAIN, NotMeasuredError
from deepnet.ledger.naming import arm_words
from deepnet.ledger.reading import Reading
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import RULES, Scale, family, nothing_to_draw, scales, unvaried, usual_arms
from paper_figs.workshop.deep_dots import method_words
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, label_panels, legend_below, new_figure
from simulate.house.counting import counted
from theory.ledger.wording import interval, number
from theory.statistics import Estimate

__all__ = ["agreement", "arms_at_all_stops", "draw", "halves", "main", "tows"]

_STOPS = {"accuracy": "at equal accuracy", "epoch-5": "after 5 epochs"}
"""Where else runs are read, in words."""
_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_LEAST = 4
"""Arms below which no order is told."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """ToW of each arm at another stop over that at the match."""
    found = unvaried(scales(results))
    shown = [scale for scale in found if len(arms_at_all_stops(scale)) >= _LEAST]
    if not shown:
        raise nothing_to_draw("four arms that are read at all stops", found)
    shapes = dict(
        zip(
            dict.fromkeys(method_words(arm) for scale in shown for arm in arms_at_all_stops(scale)),
            _SHAPES,
            strict=False,
        )
    )
    made = new_figure(2.35 * len(shown) + 0.9)
    grid = made.subplots(len(shown), len(_STOPS), squeeze=False)
    for row, scale in zip(grid, shown, strict=True):
        for axes, stop in zip(row, _STOPS, strict=True):
            _draw_panel(axes, scale, stop, shapes)
    label_panels(grid.ravel(), [scale.name for scale in shown for _ in _STOPS])
    legend_below(made, _handles(shown, shapes), columns=2)
    told = "; ".join(f"{scale.name}: {scale.about}" for scale in shown)
    return made, Caption(
        answers=" ".join(map(_answer, shown)),
        shows=(
            "Tug of war (ToW) of each arm, mean over replicates, when it has the retrained network's accuracy on the "
            "forget set (left) and after the sources' five epochs (right), over its ToW at the match, where it has "
            "that network's loss. Each arm has a learning rate of its own, found for the match. On the line both are "
            "equal; where points fall from left to right, the better arm at one stop is the worse one at the other. "
            "The agreement is Spearman's rank correlation over these arms, with a 95 % interval of the jackknife over "
            "replicates, its degrees of freedom those of the arm with the fewest. Colour: optimizer of unlearning; "
            f"shape: method; filled: after SGD; open: after ASAM. {told}."
        ),
        symbols={"ToW": "tug of war against all retrained networks, 1 is best"},
    )


def tows(scale: Scale, arms: Sequence[str], stop: str, left_out: frozenset[int] = frozenset()) -> list[float]:
    """Mean ToW of some arms at a stop, without some replicates.

    Raises:
        NotMeasuredError: if one was not read there.
    """
    reading = Reading(scale.findings, {"stop": stop}, left_out=left_out)
    return [float(reading.tow(arm, RULES).mean()) for arm in arms]


def agreement(scale: Scale, arms: Sequence[str], stop: str) -> Estimate:
    """Rank correlation of the ToW of some arms at a stop with that at the match; error of the jackknife."""
    every = scale.findings.replicates
    whole = _ranks_agree(scale, arms, stop, frozenset())
    rest = np.array([_ranks_agree(scale, arms, stop, frozenset([number])) for number in every])
    error = float(np.sqrt((len(every) - 1) / len(every) * np.square(rest - rest.mean()).sum()))
    return Estimate(whole, error, min(len(scale.findings.arm(arm)) for arm in arms) - 1)


def _ranks_agree(scale: Scale, arms: Sequence[str], stop: str, left_out: frozenset[int]) -> float:
    at_match = tows(scale, arms, OWN_STOP.primary, left_out)
    return float(spearmanr(at_match, tows(scale, arms, stop, left_out)).statistic)


def halves(scale: Scale, arms: Sequence[str]) -> float:
    """Rank correlation at the match between two halves of the replicates: what chance leaves of the order."""
    found = scale.findings.replicates
    one, other = (
        tows(scale, arms, OWN_STOP.primary, frozenset(set(found) - set(half))) for half in (found[::2], found[1::2])
    )
    return float(spearmanr(one, other).statistic)


def arms_at_all_stops(scale: Scale) -> list[str]:
    """The usual arms that are read at every stop."""
    return [arm for arm in usual_arms(scale) if all(_is_read(scale, arm, stop) for stop in _STOPS)]


def _is_read(scale: Scale, arm: str, stop: str) -> bool:
    try:
        return bool(np.isfinite(tows(scale, [arm], stop)).all())
    except NotMeasuredError:
        return False


def _draw_panel(axes: Axes, scale: Scale, stop: str, shapes: dict[str, str]) -> None:
    arms = arms_at_all_stops(scale)
    for arm, x, y in zip(arms, tows(scale, arms, OWN_STOP.primary), tows(scale, arms, stop), strict=True):
        color = COLORS[family(scale.findings.about(arm, "optimizer"))]
        plain = scale.findings.about(arm, "pretraining") == PLAIN
        axes.plot(x, y, shapes[method_words(arm)], color=color, mfc=color if plain else "white", ms=4.2, mew=0.9)
    axes.axline((0.9, 0.9), slope=1.0, color="0.6", lw=0.7, zorder=0)
    axes.set_xlabel("ToW at the match")
    axes.set_ylabel(f"ToW {_STOPS[stop]}")


def _handles(shown: Sequence[Scale], shapes: dict[str, str]) -> list[Line2D | Patch]:
    """Entries of the legend: shapes are methods, colours optimizers, filled and open what came before."""
    about = [(scale.findings.about(arm, "optimizer"), scale.findings.about(arm, "pretraining"))
             for scale in shown for arm in arms_at_all_stops(scale)]  # fmt: skip
    optimizers, before = ({family(label) for label in labels} for labels in zip(*about, strict=True))
    mark = partial(Line2D, [], [], ls="none", color="0.3", ms=4.0)
    return [
        *(mark(marker=shape, label=words) for words, shape in shapes.items()),
        *(Patch(color=COLORS[name], label=name) for name in ("SGD", "SAM", "ASAM") if name in optimizers),
        *(mark(marker="o", mfc="0.3" if name == family(PLAIN) else "white", label=f"after {name}")
          for name in sorted(before, reverse=True)),
    ]  # fmt: skip


def _answer(scale: Scale) -> str:
    """How well the orders agree, and which arm comes first at either stop."""
    arms = arms_at_all_stops(scale)
    at_match = dict(zip(arms, tows(scale, arms, OWN_STOP.primary), strict=True))
    told = []
    for stop, words in _STOPS.items():
        found = agreement(scale, arms, stop)
        low, high = np.clip(found.interval(), -1.0, 1.0)
        told.append(f"{number(found.value, 2)} {interval([low, high], 2)} {words}")
    later = dict(zip(arms, tows(scale, arms, "epoch-5"), strict=True))
    best, first = (max(known, key=known.__getitem__) for known in (at_match, later))
    place = sorted(at_match, key=at_match.__getitem__, reverse=True).index(first) + 1
    return (
        f"At the scale {scale.name} the order of {counted(len(arms), 'arm')} at the match agrees with that at other "
        f"stops by {' and '.join(told)}; two halves of the replicates agree at the match by "
        f"{number(halves(scale, arms), 2)}. First at the match is {arm_words(best)}; first after 5 epochs is "
        f"{arm_words(first)}, in place {place} at the match."
    )


main = figure(draw, number=18, asks="Is the best method the best one wherever runs are read?")
