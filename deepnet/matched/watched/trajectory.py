"""What a training did, step by step, and how little of that is enough to draw it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deepnet.metrics.accuracy import Score

__all__ = ["COLUMNS", "Trajectory", "rounded"]

_SETS = ("forget", "retain", "val", "test")
COLUMNS = ("step", *(f"{name}_{number}" for name in _SETS for number in ("loss", "accuracy")))
"""What a row of a trajectory holds, in this order; None where a set was not looked at."""
Row = list[float | None]


def rounded(value: float | None, digits: int = 5) -> float | None:
    """A number to so many decimals; large ones to as many significant digits.

    Example:
        >>> rounded(0.123456), rounded(12345.678), rounded(None), rounded(3.0)
        (0.12346, 12346.0, None, 3.0)
    """
    return None if value is None else float(f"{value:.{digits}g}") if abs(value) >= 1 else round(value, digits)


@dataclass
class Trajectory:
    """Losses and accuracies on the sets, by step."""

    rows: list[Row] = field(default_factory=list)
    """A row a step, by `COLUMNS`; whole numbers and floats, as JSON holds them."""

    def note(self, step: int, scores: dict[str, Score]) -> None:
        """Note what was seen after so many steps, of the sets that were looked at."""
        row: Row = [step]
        for name in _SETS:
            found = scores.get(name)
            row += [None, None] if found is None else [found.loss, found.accuracy]
        self.rows.append(row)

    def column(self, name: str) -> list[float | None]:
        """One column, by its name."""
        place = COLUMNS.index(name)
        return [row[place] for row in self.rows]

    def thinned(self, most: int, keep: Collection[int] = ()) -> Trajectory:
        """At most so many of the rows.

        The first and the last row, those of the steps to be kept and the ones before them stay, first of all; the
        others are chosen at equal distances in steps among those where all sets were looked at.

        Args:
            most: Number of rows.
            keep: Steps to be kept.
        """
        if len(self.rows) <= most:
            return self
        steps = [int(row[0] or 0) for row in self.rows]
        wanted = [0, len(steps) - 1, *(place for place, step in enumerate(steps) if step in keep)]
        before = [place - 1 for place in wanted[2:] if place > 0]
        chosen = set(list(dict.fromkeys([*wanted, *before]))[:most])
        whole = [place for place, row in enumerate(self.rows) if None not in row and place not in chosen]
        chosen |= set(_spread(whole, most - len(chosen)))
        return Trajectory([self.rows[place] for place in sorted(chosen)])

    def as_arrays(self) -> dict[str, np.ndarray]:
        """All columns by name, exact, one entry a row; NaN where a set was not looked at."""
        columns = {name: np.array(self.column(name), dtype=np.float64) for name in COLUMNS}
        return columns | {"step": columns["step"].astype(np.int64)}

    def as_columns(self) -> dict[str, Any]:
        """The rounded columns by name, as a row of results has them; those in which there is nothing are left out."""
        steps = [int(value or 0) for value in self.column("step")]
        found: dict[str, Any] = {"step": steps}
        for name in COLUMNS[1:]:
            values = self.column(name)
            if any(value is not None for value in values):
                found[name] = [rounded(value, 4) for value in values]
        return found


def _spread(places: Sequence[int], count: int) -> list[int]:
    """So many of some places, as equally far from each other as can be."""
    if count <= 0:
        return []
    if count >= len(places):
        return list(places)
    return [places[round(at)] for at in np.linspace(0, len(places) - 1, count + 2)[1:-1]]
