"""What was measured of a network: a small object that prints as a table, and says what it lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from theory.ledger.wording import with_minus

if TYPE_CHECKING:
    import pandas

__all__ = ["Number", "Report"]

DASH = "–"
_PER_CENT = ("accuracy", "mia", "relearn", "completeness")


@dataclass(frozen=True, kw_only=True)
class Number:
    """One measured number."""

    name: str
    """Its name, as a study's columns have it."""
    value: float | None
    """That of the network, or the mean over several; None if it was not measured."""
    reference: float | None = None
    """That of the reference, or the mean over several."""
    best: str = ""
    """What is best: a value, or "reference" for that of the reference."""
    missing: str = ""
    """Why it was not measured."""

    @property
    def gap(self) -> float | None:
        """Value minus reference."""
        return None if self.value is None or self.reference is None else self.value - self.reference


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """Numbers of a network, and of its reference if there is one. `print(report)` shows a table."""

    numbers: tuple[Number, ...]
    """All numbers, those that could not be measured among them."""
    counts: Mapping[str, int]
    """Number of samples of each set."""
    features: str
    """Where the features are that entanglement is about: a layer's name, with "input:" before it what it reads."""

    def __getitem__(self, name: str) -> float | None:
        """A number by its name; None if it was not measured.

        Raises:
            KeyError: if there is none of this name.
        """
        return self._by_name[name].value

    @property
    def needs_reference(self) -> tuple[str, ...]:
        """Names of the numbers that were not measured since there is no reference."""
        return tuple(one.name for one in self.numbers if "`reference`" in one.missing)

    @property
    def missing(self) -> dict[str, str]:
        """Why a number was not measured, by its name."""
        return {one.name: one.missing for one in self.numbers if one.missing}

    @property
    def _by_name(self) -> dict[str, Number]:
        return {one.name: one for one in self.numbers}

    def to_frame(self) -> pandas.DataFrame:
        """The numbers as a table of pandas, by name: value, reference, gap, best, missing."""
        import pandas  # half a second that a report without tables need not wait

        rows = [vars(one) | {"gap": one.gap} for one in self.numbers]
        columns = ["value", "reference", "gap", "best", "missing"]
        return pandas.DataFrame(rows).set_index("name")[columns].astype(dict.fromkeys(columns[:3], float))

    def __str__(self) -> str:
        """A table, and below it why numbers are missing."""
        shown = [one for one in self.numbers if one.value is not None]
        rows = [("", "network", "reference", "gap", "best")]
        rows += [
            (one.name, _told(one, one.value), _told(one, one.reference), _told(one, one.gap, "+"), one.best)
            for one in shown
        ]
        widths = [max(len(row[place]) for row in rows) for place in range(5)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(row[at].rjust(widths[at]) for at in (1, 2, 3)), row[4]]).rstrip()
            for row in rows
        ]
        reasons: dict[str, list[str]] = {}
        for name, why in self.missing.items():
            reasons.setdefault(why, []).append(name)
        return "\n".join(lines + [f"not measured, {why}: {', '.join(names)}" for why, names in reasons.items()])

    __repr__ = __str__


def _told(one: Number, value: Any, sign: str = "-") -> str:
    """A number as a cell of the table."""
    if value is None or math.isnan(value):
        return DASH
    if any(word in one.name for word in _PER_CENT) and "tow" not in one.name and "auc" not in one.name:
        return with_minus(f"{100 * value:{sign}.1f} %")
    return with_minus(f"{value:{sign}.3g}")
