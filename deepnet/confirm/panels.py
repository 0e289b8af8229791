"""Pictures of claims: a column of groups of models, with intervals over seeds."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from deepnet.confirm.findings import Column, Findings
from deepnet.confirm.groups import Group
from deepnet.confirm.paired_evidence import Measured, mean, tried, unknown
from theory.ledger import Curve, Picture
from theory.statistics import Estimate

__all__ = ["bars", "by_forget_set", "curve", "panel"]

_BESIDE = 0.12
"""Distance of series that stand beside each other at one place."""
_UPRIGHT = 7
"""Most places whose names stand upright."""
_LINE = 10
"""Letters on a line of a name."""
Drawn = Callable[[Findings], Picture | None]


def panel(y_label: str, series: Mapping[str, Mapping[str, Measured]], *, y_log: bool = False) -> Drawn:
    """Numbers at named places, one series beside another.

    Args:
        y_label: What is drawn.
        series: For each series its numbers by place; places come in the order in which they are met, and what was
            not run leaves a gap.
        y_log: Whether the axis is logarithmic.
    """

    def drawn(findings: Findings) -> Picture | None:
        found = {
            name: {place: tried(made, findings, unknown()) for place, made in cells.items()}
            for name, cells in series.items()
        }
        known = {name: cells for name, cells in found.items() if any(np.isfinite(e.value) for e in cells.values())}
        places = list(dict.fromkeys(p for cells in known.values() for p in cells if np.isfinite(cells[p].value)))
        if not places:
            return None
        offsets = (np.arange(len(known)) - (len(known) - 1) / 2) * _BESIDE
        curves = tuple(
            curve(name, np.arange(len(places)) + offset, [cells.get(place, unknown()) for place in places])
            for offset, (name, cells) in zip(offsets, known.items(), strict=True)
        )
        return Picture("", y_label, curves, y_log=y_log, ticks=_words(places))

    return drawn


def _words(places: Sequence[str]) -> tuple[str, ...]:
    """Names of places, on several lines where they are few and so stand upright."""
    few = len(places) <= _UPRIGHT
    return tuple(textwrap.fill(place, _LINE, break_long_words=False) if few else place for place in places)


def bars(column: Column, y_label: str, groups: Sequence[Group]) -> Drawn:
    """One column of some groups."""
    return panel(y_label, {"mean, 95 % interval": {group.label: mean(column, group) for group in groups}})


def by_forget_set(column: Column, y_label: str, groups: Sequence[Group]) -> Drawn:
    """One column of some groups, each forget set a series of its own."""

    def drawn(findings: Findings) -> Picture | None:
        sets = findings.forget_sets(groups[0].study)
        cells = {f"forget set {name}": {group.label: mean(column, group.on(name)) for group in groups} for name in sets}
        return panel(y_label, cells)(findings)

    return drawn


def curve(label: str, x: np.ndarray, estimates: Sequence[Estimate], *, joined: bool = False) -> Curve:
    """Estimates with their 95 % intervals."""
    low, high = (np.array(ends) for ends in zip(*(each.interval() for each in estimates), strict=True))
    return Curve(
        label, x, np.array([each.value for each in estimates]), low, high, style="both" if joined else "points"
    )
