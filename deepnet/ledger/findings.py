"""The rows of one scale, found by arm and replicate: what unlearnings left, and the networks they are held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from simulate.house.counting import counted

__all__ = [
    "ENDINGS",
    "PLAIN",
    "SEARCHES",
    "Ending",
    "Findings",
    "NotMeasuredError",
    "NothingToSeeError",
    "Row",
    "Stopped",
]

Row = Mapping[str, Any]
"""A row as `deepnet.matched` writes it."""
Ending = Literal["reached", "not reached", "diverged"]
"""How a run stands to a stop: it reached it; it ended without; or it did not stay finite before."""
ENDINGS: tuple[Ending, ...] = get_args(Ending)
"""All of them."""
PLAIN = "sgd"
"""Label of the plain gradient, with which references are retrained."""
SEARCHES = 1000
"""Replicates from this number on are those of searches: what is tuned on them is not judged by them."""
_SHARED = ("scale", "threads", "precision")
"""What all rows of a scale have in common."""
_OF_AN_ARM = ("forget", "pretraining", "method", "optimizer", "epochs")
"""What all rows of an arm have in common."""
_KEYS: Mapping[str, tuple[str, ...]] = {
    "trajectory": ("arm",),
    "pretrained": ("kind", "forget", "optimizer"),
    "retrained": ("kind", "forget", "optimizer", "again"),
}
"""What tells the rows of a replicate apart, by their kind."""


class NotMeasuredError(LookupError):
    """What is asked for was not run, or not measured, at this scale."""


class NothingToSeeError(ValueError):
    """What was measured cannot tell: the question is empty at this scale."""


@dataclass(frozen=True)
class Stopped:
    """A run at a stop.

    Attributes:
        ending: How it stands to the stop.
        step: The step at which it reached it; the last one if it did not; None if it diverged.
        numbers: What was measured there, of a run that did not reach the stop at its end; empty if it diverged.
    """

    ending: Ending
    step: int | None
    numbers: Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found at a scale."""

    rows: tuple[Row, ...]
    """All rows, but those of searches."""
    searched: int = 0
    """Number of rows of searches, which are left out."""
    cache: dict[Any, Any] = field(default_factory=dict)
    """What was made of the rows before, by what it is."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Findings:
        """The findings of some rows.

        Raises:
            ValueError: if there is none, if one is not a row of a matched study, if they were made in different ways
                (scale, threads, number format), or if two are of the same run; the message says which.
        """
        every = tuple(rows)
        for row in every:
            _check(row)
        judged = tuple(row for row in every if row["replicate"] < SEARCHES)
        if not judged:
            raise ValueError("Argument `rows` must hold rows of a matched study, but has none.")
        for name in _SHARED:
            found = sorted({str(row[name]) for row in judged})
            if len(found) > 1:
                raise ValueError(f"Argument `rows` must be made with one {name}, but has {', '.join(found)}.")
        _check_told_apart(judged)
        return cls(judged, len(every) - len(judged))

    @property
    def scale(self) -> str:
        """Name of the scale."""
        return str(self.rows[0]["scale"])

    @cached_property
    def replicates(self) -> tuple[int, ...]:
        """Numbers of all replicates."""
        return tuple(sorted({row["replicate"] for row in self.rows}))

    @cached_property
    def arms(self) -> dict[str, dict[int, Row]]:
        """Rows of unlearnings by arm and replicate; those whose reference diverged are no runs of the arm."""
        found: dict[str, dict[int, Row]] = {}
        for row in self._of("trajectory"):
            if not self._has_lost_its_reference(row):
                found.setdefault(row["arm"], {})[row["replicate"]] = row
        return found

    def arm(self, name: str) -> dict[int, Row]:
        """Rows of an arm by replicate.

        Raises:
            NotMeasuredError: if it was not run.
        """
        if name not in self.arms:
            raise NotMeasuredError(f"the arm {name} was not run")
        return self.arms[name]

    def about(self, arm: str, name: str) -> Any:
        """What all rows of an arm have in common: its `forget` set, `pretraining`, `optimizer`, `method` and more."""
        return next(iter(self.arm(arm).values()))[name]

    @cached_property
    def pretrained(self) -> dict[tuple[str, str], dict[int, Mapping[str, Any]]]:
        """Numbers of the pretrained networks, by forget set and optimizer, and by replicate."""
        found: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
        for row in self._of("pretrained"):
            if row["status"] == "finished":
                found.setdefault((row["forget"], row["optimizer"]), {})[row["replicate"]] = row["numbers"]
        return found

    @cached_property
    def retrained(self) -> dict[tuple[str, str], dict[int, list[Mapping[str, Any]]]]:
        """Numbers of the retrained networks, by forget set and optimizer, and by replicate: the reference first."""
        found: dict[tuple[str, str], dict[int, list[Mapping[str, Any]]]] = {}
        for row in sorted(self._of("retrained"), key=lambda row: bool(row["again"])):
            if row["status"] == "finished":
                place = found.setdefault((row["forget"], row["optimizer"]), {})
                place.setdefault(row["replicate"], []).append(row["numbers"])
        return found

    def stopped(self, arm: str, stop: str) -> dict[int, Stopped]:
        """The runs of an arm at a stop, by replicate.

        A stop of the own reference is, for an arm that was pretrained as the reference was retrained, the same stop of
        the reference.

        Raises:
            NotMeasuredError: if the arm was not run, or was never asked for this stop.
        """
        found = {number: _stopped(row, stop) for number, row in self.arm(arm).items()}
        known = {number: one for number, one in found.items() if one is not None}
        if not known:
            raise NotMeasuredError(f"the arm {arm} was not stopped at {stop}")
        return known

    def _of(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row["kind"] == kind]

    @cached_property
    def _lost(self) -> set[tuple[int, str, str]]:
        """Replicates, forget sets and optimizers whose reference diverged."""
        rows = (row for row in self._of("retrained") if not row["again"] and row["status"] != "finished")
        return {(row["replicate"], row["forget"], row["optimizer"]) for row in rows}

    def _has_lost_its_reference(self, row: Row) -> bool:
        """Whether there was no loss to stop a run at: that of the reference, or of the own one."""
        both = (PLAIN, row["pretraining"])
        return any((row["replicate"], row["forget"], optimizer) in self._lost for optimizer in both)


def _stopped(row: Row, stop: str) -> Stopped | None:
    """A run at a stop; None if it was not asked for it."""
    stops: Mapping[str, Any] = row["stops"]
    diverged = row["status"] != "finished"
    name = stop
    if name not in stops and name.startswith("own-") and row["pretraining"] == PLAIN:
        name = name.removeprefix("own-")
    found = stops.get(name)
    if found is None:
        return Stopped("diverged", None, {}) if diverged and not stops else None
    if found["step"] is not None:
        return Stopped("reached", found["step"], found)
    if diverged:
        return Stopped("diverged", None, {})
    return Stopped("not reached", row["last"]["step"], row["last"])


def _check(row: Row) -> None:
    """Require the columns that are read."""
    kind = str(row.get("kind")) if isinstance(row, Mapping) else type(row).__name__
    if kind not in _KEYS:
        raise ValueError(f"Argument `rows` must hold rows of a matched study, but has one of the kind {kind}.")
    needed = ("replicate", "status", *_SHARED, *_KEYS[kind])
    needed += ("stops", *_OF_AN_ARM) if kind == "trajectory" else ()
    missing = [name for name in needed if name not in row]
    if missing:
        raise ValueError(f"Argument `rows` must hold whole rows, but one of the kind {kind} has no {missing[0]}.")


def _check_told_apart(rows: tuple[Row, ...]) -> None:
    """Require one row a run, and one kind of run an arm."""
    seen: set[tuple[Any, ...]] = set()
    arms: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        run = tuple(str(row[name]) for name in _KEYS[row["kind"]])
        if (row["replicate"], *run) in seen:
            told = " ".join(run)
            raise ValueError(
                f"Argument `rows` must hold one row a run, but has two of {told} in replicate {row['replicate']}: "
                "keep those of one study."
            )
        seen.add((row["replicate"], *run))
        if row["kind"] == "trajectory":
            about = tuple(row[name] for name in _OF_AN_ARM)
            if arms.setdefault(row["arm"], about) != about:
                runs = counted(len(rows), "row")
                raise ValueError(
                    f"Argument `rows` must hold one kind of run an arm, but {row['arm']} differs among its {runs}: "
                    f"{arms[row['arm']]} and {about}."
                )
