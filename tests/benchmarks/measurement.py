"""How things are timed, and how a figure is reported."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Figure", "paired_ratio", "seconds"]


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its target."""

    name: str
    """What was measured."""
    value: str
    """The figure with its unit."""
    target: str = ""
    """What it should be; empty for figures that are only reported."""
    met: bool | None = None
    """Whether the target was met."""


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time of a piece of work, after one run that is not counted."""
    work()
    return statistics.median(_once(work) for _ in range(repeats))


def paired_ratio(
    slow: Callable[[], object],
    fast: Callable[[], object],
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Median over pairs of time(slow) / time(fast), the two run in turn so that drift of the machine cancels."""
    slow(), fast()
    return statistics.median(_once(slow, clock) / _once(fast, clock) for _ in range(repeats))


def _once(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    begin = clock()
    work()
    return clock() - begin
