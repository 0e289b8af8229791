"""Numerical noise: what the number of CPU threads, which decides last bits only, does to the numbers at the stops.

Nothing that two arms differ by is a finding unless it is larger than this.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deepnet.matched.study import MatchedStudy
from deepnet.matched.watched.trajectory import rounded

__all__ = ["Noise", "as_csv", "largest", "thread_noise"]

Row = Mapping[str, Any]
_OTHERS = ("bound",)
"""What a stop holds beside what is measured at it."""


@dataclass(frozen=True)
class Noise:
    """How a number at a stop differs between two numbers of threads."""

    arm: str
    """Name of the arm."""
    replicate: int
    """Number of the replicate."""
    stop: str
    """Name of the stop; "last" is where the training ended."""
    number: str
    """What was measured, or "step"."""
    one: float | None
    """With the first number of threads; None if the stop was not reached."""
    other: float | None
    """With the second."""

    @property
    def difference(self) -> float | None:
        """The second less the first; None where one of them is missing."""
        return None if self.one is None or self.other is None else self.other - self.one


def thread_noise(
    study: MatchedStudy, run: Callable[[MatchedStudy], Sequence[Row]], threads: tuple[int, int] = (1, 2)
) -> list[Noise]:
    """Run a study twice, from pretraining on, with other numbers of threads.

    Args:
        study: The study.
        run: Makes the rows of a study, or finds them.
        threads: The two numbers.

    Returns:
        For each trajectory, stop and number both values, in the order of the rows.
    """
    first, second = (_by_arm(run(replace(study, threads=count))) for count in threads)
    return [
        Noise(*place, stop, number, at.get(number), there.get(number))
        for place, row in first.items()
        for stop, at, there in _stops(row, second[place])
        for number in dict.fromkeys([*at, *there])
        if number not in _OTHERS
    ]


def largest(noise: Sequence[Noise]) -> dict[str, tuple[float, float, int]]:
    """For each measured number the largest difference, the root of the mean square, and how many there are."""
    found: dict[str, list[float]] = {}
    for one in noise:
        if one.difference is not None:
            found.setdefault(one.number, []).append(abs(one.difference))
    return {name: (max(sizes), float(np.sqrt(np.mean(np.square(sizes)))), len(sizes)) for name, sizes in found.items()}


def as_csv(noise: Sequence[Noise], about: Sequence[str] = ()) -> str:
    """The differences as comma-separated values, below lines that begin with # and say where they are from."""
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in about)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["arm", "replicate", "stop", "number", "one", "other", "difference"])
    for row in noise:
        writer.writerow([row.arm, row.replicate, row.stop, row.number, row.one, row.other, rounded(row.difference)])
    return text.getvalue()


def _by_arm(rows: Sequence[Row]) -> dict[tuple[str, int], Row]:
    return {(row["arm"], row["replicate"]): row for row in rows if row["kind"] == "trajectory"}


def _stops(one: Row, other: Row) -> list[tuple[str, Row, Row]]:
    """The stops of two rows of one arm, side by side."""
    found = [(name, stop, other["stops"].get(name, {})) for name, stop in one["stops"].items()]
    return [*found, ("last", one.get("last", {}), other.get("last", {}))]
