"""What became of planted faults: a table that is kept, of when each was planted first and of how it stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simulate.house.files import write_text
from tests.places import ROOT

__all__ = ["KEPT", "MISSED", "NOTICED", "NOT_NOTED", "Outcome", "read_outcomes", "together", "write_outcomes"]

KEPT = ROOT / "docs" / "mutants.csv"
"""Where they are."""

NOTICED, MISSED, NOT_NOTED = "noticed", "missed", "not noted"
_FIELDS = ("faults", "fault", "when_planted", "now")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a fault."""

    faults: str
    """Name of the file of faults that it is in."""
    fault: str
    """Its name."""
    when_planted: str
    """Whether the suite noticed it when it was planted first: NOTICED, MISSED or NOT_NOTED."""
    now: str
    """The first test that failed when it was planted last, or NOTICED where that is not noted; MISSED if none did."""

    @classmethod
    def of(cls, faults: str, fault: str, test: str) -> Outcome:
        """Of a fault that a test noticed, or none ("")."""
        return cls(faults=faults, fault=fault, when_planted=NOTICED if test else MISSED, now=test or MISSED)


def together(before: Sequence[Outcome], found: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Outcomes of before with those that were found since; what was seen when a fault was planted first stays."""
    rows = {one.fault: one for one in before}
    for one in found:
        first = rows.get(one.fault, one)
        rows[one.fault] = replace(one, when_planted=first.when_planted)
    return tuple(rows.values())


def read_outcomes(path: Path = KEPT) -> tuple[Outcome, ...]:
    """Outcomes from a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(Outcome(**row) for row in csv.DictReader(file))


def write_outcomes(outcomes: Sequence[Outcome], faults: Mapping[str, Sequence[str]], path: Path = KEPT) -> None:
    """Write a table, in the order of the files and of the faults in them; what is in no file any more is left out.

    Args:
        outcomes: The outcomes.
        faults: Names of the faults of each file.
        path: Where to.
    """
    known = {(one.faults, one.fault): one for one in outcomes}
    text = io.StringIO()
    table = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    table.writeheader()
    for file, names in faults.items():
        table.writerows(vars(known[file, name]) for name in names if (file, name) in known)
    write_text(path, text.getvalue())
