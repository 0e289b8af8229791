"""Pictures of claims: arms with their intervals, and the ceiling as a line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from deepnet.ledger.effects import of_arm, unless_missing
from deepnet.ledger.naming import arm_words
from deepnet.ledger.reading import Reading, Rules
from theory.ledger import Curve, Picture
from theory.statistics import Estimate

__all__ = ["Drawn", "arms_panel", "ceiling_of", "estimates_curve", "level_line"]

Drawn = Callable[[Reading], Picture | None]
"""Draws a reading; None if nothing of it was run."""


def arms_panel(arms: Sequence[str], column: str, words: str, rules: Rules) -> Drawn:
    """A number of some arms beside each other; for ToW also the ceiling.

    Args:
        arms: Their names.
        column: The number; see `deepnet.ledger.effects.of_arm`.
        words: The same in words.
        rules: How runs are read.
    """

    def drawn(reading: Reading) -> Picture | None:
        found = {arm_words(arm): unless_missing(of_arm(arm, column, rules), reading) for arm in arms}
        made = known(found)
        if not made:
            return None
        curves = [estimates_curve("mean, 95 % interval", range(len(made)), list(made.values()))]
        ceiling = ceiling_of(arms[0], rules, reading) if column == "tow" else None
        if ceiling is not None:
            curves.append(level_line("ceiling", (-0.4, len(made) - 0.6), ceiling.value))
        return Picture("", words, tuple(curves), ticks=tuple(name.replace(" after ", "\nafter ") for name in made))

    return drawn


def known(found: Mapping[str, Estimate | None]) -> dict[str, Estimate]:
    """Those of some estimates that are numbers."""
    return {name: each for name, each in found.items() if each is not None and math.isfinite(each.value)}


def ceiling_of(arm: str, rules: Rules, reading: Reading) -> Estimate | None:
    """The ceiling of an arm's ToW; None if no two networks were retrained."""
    return unless_missing(lambda found: found.ceiling(arm, rules), reading)


def estimates_curve(label: str, x: Sequence[float], estimates: Sequence[Estimate], *, joined: bool = False) -> Curve:
    """Estimates with their 95 % intervals."""
    low, high = (np.array(ends) for ends in zip(*(each.interval() for each in estimates), strict=True))
    values = np.array([each.value for each in estimates])
    return Curve(label, np.array(x, dtype=float), values, low, high, style="both" if joined else "points")


def level_line(label: str, ends: tuple[float, float], level: float) -> Curve:
    """A line at a level."""
    return Curve(label, np.array(ends), np.full(2, level), style="line")
