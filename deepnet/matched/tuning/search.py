"""The search for learning rates: every arm its own, each from the same grid, widened until no winner lies at an edge.

A trial is an arm with a learning rate, on replicates that no study uses. It is worth its tug of war at the matched
loss, with the validation images in the place of the test images: the retrained network of the same replicate is the
reference for the accuracies on the retain set, on the forget set and on the validation images. A training that never
reaches the match counts by its last numbers, one that diverges before with 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deepnet.matched.measuring import accuracies
from deepnet.matched.study import RESERVED, MatchedStudy
from deepnet.metrics.tug_of_war import tug_of_war
from simulate.house import ties

__all__ = ["Effort", "Trial", "judge", "rate", "search", "trials_of", "worth"]

_MOST = 8
"""Steps by which the grid is widened at most on either side."""
_SELDOM = 1_000_000
"""Steps between two looks at all sets; what counts is measured at the end."""

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is tried."""

    replicates: tuple[int, ...] = (RESERVED, RESERVED + 1, RESERVED + 2)
    """Numbers of the replicates, which no study uses."""
    grid: range = range(-3, 4)
    """The first trials of each arm: 0.01 · 2^k for each k."""


@dataclass(frozen=True)
class Trial:
    """A learning rate of an arm, and what it is worth."""

    arm: str
    """Name of the arm."""
    lr: float
    """Learning rate."""
    tow: float
    """Tug of war at the match on the validation images, mean over replicates."""
    reached: int
    """Replicates that reached the match."""
    step: float
    """Mean step of the match among them; NaN if none did."""
    retain: float
    """Mean accuracy on the retain set at the match; NaN if all diverged."""
    forget: float
    """The same on the forget set."""
    val: float
    """The same on the validation images."""
    runs: int
    """Number of replicates."""
    chosen: bool
    """Whether it is the best of its arm; of tied ones the smallest rate is."""
    edge: bool
    """Whether it is the smallest or the largest rate that was tried."""


def rate(k: int) -> float:
    """The learning rate of a place of the grid.

    Example:
        >>> [rate(k) for k in (-3, 0, 3)]
        [0.00125, 0.01, 0.08]
    """
    return 0.01 * 2.0**k


def trials_of(study: MatchedStudy, places: Mapping[str, range]) -> MatchedStudy:
    """The study of the trials: arms that look for a rate, at each of their places of the grid."""
    arms = tuple(
        replace(arm, name=_trial_name(arm.name, k), lr=rate(k))
        for arm in study.arms
        if arm.name in places
        for k in places[arm.name]
    )
    return replace(study, arms=arms)


def search(
    study: MatchedStudy,
    run: Callable[[MatchedStudy], Sequence[Row]],
    effort: Effort,
) -> list[Trial]:
    """Look for the learning rate of each arm that has its own.

    Args:
        study: The study whose arms are tried.
        run: Makes the rows of a study, or finds them.
        effort: How much is tried.

    Returns:
        Every trial, arm by arm, the best of each marked. The best lies inside of its grid, which was widened for that
        by a rate at a time, or `edge` says that it does not.
    """
    watching = replace(study.watching, every=_SELDOM, stops=("loss",), epochs=(), points=2, relearning=None)
    study = replace(study, replicates=effort.replicates, watching=watching, ceiling=False)
    places = {arm.name: effort.grid for arm in study.arms if arm.rate_of == arm.name}
    judged: dict[str, list[Trial]] = {}
    while True:
        open_arms = {name: found for name, found in places.items() if name not in judged}
        rows = run(trials_of(study, open_arms)) if open_arms else []
        for name, grid in open_arms.items():
            trials = judge(name, [rate(k) for k in grid], rows)
            wider = _widened(grid, trials, effort.grid)
            if wider == grid:
                judged[name] = trials
            places[name] = wider
        if len(judged) == len(places):
            return [trial for name in places for trial in judged[name]]


def _widened(grid: range, trials: Sequence[Trial], at_first: range) -> range:
    """The grid with one more place beside its winner, if that lies at an edge, and there may be one."""
    chosen = next(place for place, trial in enumerate(trials) if trial.chosen)
    first, last = grid[0], grid[-1]
    if chosen == 0 and first > at_first[0] - _MOST:
        return range(first - 1, last + 1)
    if chosen == len(trials) - 1 and last < at_first[-1] + _MOST:
        return range(first, last + 2)
    return grid


def judge(arm: str, rates: Sequence[float], rows: Sequence[Row]) -> list[Trial]:
    """What each rate of an arm is worth.

    Args:
        arm: Name of the arm.
        rates: The rates, in ascending order.
        rows: Rows of the trials' study, the retrained networks among them.
    """
    references = {
        (row["replicate"], row["forget"]): row
        for row in rows
        if row["kind"] == "retrained" and row["optimizer"] == "sgd" and not row["again"]
    }
    groups = [_rows_of_trial(arm, lr, rows) for lr in rates]
    values = np.array(
        [np.mean([worth(row, references[row["replicate"], row["forget"]]) for row in group]) for group in groups]
    )
    best = ties.first_of(values, np.argmax)
    edges = (0, len(rates) - 1)
    return [
        _trial(arm, lr, group, float(values[place]), chosen=place == best, edge=place in edges)
        for place, (lr, group) in enumerate(zip(rates, groups, strict=True))
    ]


def worth(row: Row, reference: Row) -> float:
    """The tug of war of a trajectory on the validation images, where it is matched, or else where it ended.

    Args:
        row: The trajectory's row.
        reference: The row of the retrained network.
    """
    numbers = _numbers(row)
    if numbers is None or reference["status"] != "finished":
        return 0.0
    return tug_of_war(accuracies(numbers, "val"), accuracies(reference["numbers"], "val"))


def _numbers(row: Row) -> Row | None:
    """The numbers that count: at the match, or at the end; None of a training that diverged before."""
    matched = row["stops"].get("loss", {})
    if matched.get("retain_accuracy") is not None:
        return dict(matched)
    return dict(row["last"]) if row["status"] == "finished" else None


def _trial(arm: str, lr: float, group: Sequence[Row], tow: float, *, chosen: bool, edge: bool) -> Trial:
    found = [numbers for numbers in map(_numbers, group) if numbers is not None]
    reached = [row["stops"]["loss"]["step"] for row in group if row["stops"].get("loss", {}).get("step") is not None]
    means = [
        float(np.mean([numbers[f"{name}_accuracy"] for numbers in found])) if found else float("nan")
        for name in ("retain", "forget", "val")
    ]
    step = float(np.mean(reached)) if reached else float("nan")
    return Trial(arm, lr, tow, len(reached), step, means[0], means[1], means[2], len(group), chosen, edge)


def _rows_of_trial(arm: str, lr: float, rows: Sequence[Row]) -> list[Row]:
    """The trajectories of a trial."""
    found = [row for row in rows if row["kind"] == "trajectory" and row["lr"] == lr]
    return [row for row in found if row["arm"].partition("@")[0] == arm]


def _trial_name(arm: str, k: int) -> str:
    return f"{arm}@{rate(k):g}"
