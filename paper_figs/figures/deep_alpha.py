"""Deep networks: how small a weight α of the retain set NegGrad tolerates with each optimizer."""

from __future__ import annotations

import re
from contextlib import suppress

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepnet.ledger.effects import between, estimated
from deepnet.ledger.findings import PLAIN, NotMeasuredError
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import RULES, Scale, means_note, nothing_to_draw, scales, unvaried
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, MARKERS, label_panels, legend_below, new_figure
from simulate.house.counting import counted
from theory.ledger.wording import with_minus
from theory.statistics import Estimate

__all__ = ["CLOSE", "draw", "main", "over_alpha", "over_sgd"]

CLOSE = 0.03
"""How far below the ceiling ToW still counts as close to it, in the ledger's primary protocol."""
_ARM = re.compile(rf"neggrad(?:-alpha-[0-9.]+)?-(sgd|sam|asam)-after-{PLAIN}")
_PANELS = {"tow": ("ToW at the match", 1.0, (0.0, 1.0)), "damage": ("accuracy lost (%)", 100.0, (-100.0, 100.0))}
_TITLES = ("ToW", "paired difference", "accuracy lost")


def draw(results: Results) -> tuple[Figure, Caption]:
    """ToW and the accuracy lost by NegGrad over α, one line an optimizer."""
    found = unvaried(scales(results))
    shown = [scale for scale in found if len(_alphas(scale)) > 1]
    if not shown:
        raise nothing_to_draw("several weights α", found)
    made = new_figure(2.2 * len(shown) + 0.4)
    grid = made.subplots(len(shown), 3, squeeze=False)
    for row, scale in zip(grid, shown, strict=True):
        for axes, column in zip((row[0], row[2]), _PANELS, strict=True):
            _draw_panel(axes, scale, column)
        _draw_differences(row[1], scale)
    label_panels(
        grid.ravel(), [title if len(shown) == 1 else f"{scale.name}: {title}" for scale in shown for title in _TITLES]
    )
    legend_below(made, columns=5)
    return made, Caption(
        answers=" ".join(map(_answer, shown)),
        shows=(
            "NegGrad over the weight α of the retain set, after pretraining with SGD, at the first step at which the "
            "loss on the forget set is that of the retrained network; each α and optimizer has a learning rate of its "
            "own. To the right the forget set weighs more. Dashed: the ceiling, ToW of retrained networks among each "
            f"other; dotted: {CLOSE:g} below it, what still counts as close. Middle: ToW of another optimizer less "
            "that of SGD, replicate by replicate; above 0 it is closer to retrained networks. Right: accuracy lost "
            "since pretraining, mean of retain and test set; ToW counts what is left of the forget set, too. The "
            "ledger's range of α is that of each replicate's own line, not of the line of means. "
            f"{' '.join(filter(None, map(_unmatched, shown)))} {means_note(shown)}"
        ),
        symbols={
            "α": "weight in α L(R) − (1 − α) L(F), the loss of NegGrad on retain set R and forget set F",
            "ToW": "tug of war against all retrained networks, 1 is best",
        },
    )


def over_alpha(scale: Scale, column: str) -> dict[str, dict[float, Estimate]]:
    """A number of NegGrad by optimizer and α, from large to small α."""
    found: dict[str, dict[float, Estimate]] = {}
    for arm in scale.findings.arms:
        named = _ARM.fullmatch(arm)
        known = scale.estimate(arm, column) if named else None
        if named and known:
            found.setdefault(named[1].upper(), {})[_alpha(scale, arm)] = known
    return {how: dict(sorted(values.items(), reverse=True)) for how, values in found.items() if len(values) > 1}


def over_sgd(scale: Scale) -> dict[str, dict[float, Estimate]]:
    """ToW of NegGrad less that with SGD, paired by replicate, by optimizer and α, from large to small α."""
    arms = {(found[1], _alpha(scale, arm)): arm for arm in scale.findings.arms if (found := _ARM.fullmatch(arm))}
    made: dict[str, dict[float, Estimate]] = {}
    for (how, alpha), arm in sorted(arms.items(), key=lambda item: -item[0][1]):
        plain = arms.get(("sgd", alpha))
        if how == "sgd" or plain is None:
            continue
        with suppress(NotMeasuredError):
            known = estimated(between(arm, plain, "tow", RULES), scale.reading)
            if np.isfinite(known.value):
                made.setdefault(how.upper(), {})[alpha] = known
    return {how: values for how, values in made.items() if len(values) > 1}


def _alpha(scale: Scale, arm: str) -> float:
    return float(scale.findings.about(arm, "settings")["alpha"])


def _alphas(scale: Scale) -> list[float]:
    return sorted({_alpha(scale, arm) for arm in scale.findings.arms if _ARM.fullmatch(arm)}, reverse=True)


def _draw_differences(axes: Axes, scale: Scale) -> None:
    for name, values in over_sgd(scale).items():
        x = np.array([(1.0 - alpha) / alpha for alpha in values])
        y = np.array([each.value for each in values.values()])
        ends = np.array([each.interval() for each in values.values()])
        axes.errorbar(x, y, np.abs(ends.T - y), color=COLORS[name], marker=MARKERS[name], ls="none", elinewidth=0.8)
    axes.axhline(0.0, color="0.5", lw=0.7, zorder=0)
    axes.set_ylabel("ToW less that of SGD")
    _dress(axes, scale)


def _answer(scale: Scale) -> str:
    """The α at which each optimizer's mean is close to the ceiling, and the differences that are seen."""
    ceiling = scale.ceiling(PLAIN)
    close = []
    for name, values in sorted(over_alpha(scale, "tow").items(), reverse=True):
        there = [
            f"{alpha:g}" for alpha, known in values.items() if ceiling is not None and known.value >= ceiling - CLOSE
        ]
        close.append(f"with {name} at α = {', '.join(there)}" if there else f"with {name} at no α")
    seen = [
        f"{name} at α = {alpha:g} ({with_minus(f'{known.value:+.3f}')})"
        for name, values in over_sgd(scale).items()
        for alpha, known in values.items()
        if known.interval()[0] > 0.0 or known.interval()[1] < 0.0
    ]
    return (
        f"At the scale {scale.name}, after SGD: the mean ToW of NegGrad is at most {CLOSE:g} below the ceiling "
        f"{'; '.join(close)}. "
        f"Paired with SGD the difference is seen for {', '.join(seen) or 'none'}."
    )


def _unmatched(scale: Scale) -> str:
    """The arms with runs that did not reach the match, or diverged."""
    arms = [
        (found[1].upper(), _alpha(scale, arm), arm) for arm in scale.findings.arms if (found := _ARM.fullmatch(arm))
    ]
    lost = [
        f"{scale.lost(arm)} of {counted(len(scale.findings.arm(arm)), 'run')} with {how} at α = {alpha:g}"
        for how, alpha, arm in sorted(arms, key=lambda each: (each[0] == "ASAM", -each[1]))
        if scale.lost(arm)
    ]
    return (
        f"Of {scale.name} did not reach the match, and count by their last values: {', '.join(lost)}." if lost else ""
    )


def _draw_panel(axes: Axes, scale: Scale, column: str) -> None:
    words, unit, possible = _PANELS[column]
    for place, (name, values) in enumerate(sorted(over_alpha(scale, column).items(), reverse=True)):
        x = np.array([(1.0 - alpha) / alpha for alpha in values]) * 1.05**place  # intervals do not hide each other
        y = unit * np.array([each.value for each in values.values()])
        ends = unit * np.array([each.interval() for each in values.values()])
        bars = np.abs(np.clip(ends, *possible).T - y)
        axes.errorbar(x, y, bars, color=COLORS[name], marker=MARKERS[name], ls=LINES[name], elinewidth=0.8, label=name)
    ceiling = scale.ceiling(PLAIN) if column == "tow" else None
    if ceiling is not None:
        axes.axhline(ceiling, color="0.35", lw=0.8, ls=(0, (4, 2)), zorder=1, label="ceiling")
        axes.axhline(ceiling - CLOSE, color="0.35", lw=0.8, ls=(0, (1, 1.5)), zorder=1, label="close to it")
    axes.set_ylabel(words)
    _dress(axes, scale)


def _dress(axes: Axes, scale: Scale) -> None:
    alphas = _alphas(scale)
    axes.set_xscale("log")
    axes.set_xticks([(1.0 - alpha) / alpha for alpha in alphas], [f"{alpha:g}".lstrip("0") for alpha in alphas])
    axes.minorticks_off()
    axes.set_xlabel(r"weight $\alpha$ of the retain set")


main = figure(draw, number=11, asks="Does NegGrad tolerate a smaller α with ASAM than with SGD?")
