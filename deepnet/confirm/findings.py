"""What a confirmation found, as effects over seeds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from theory.statistics import Estimate, from_replicates

__all__ = ["Column", "Findings", "NotMeasuredError", "Row"]

Row = Mapping[str, Any]
"""What was measured of one model, by column."""
Column = str | Callable[[Row], float | None]
"""The name of a column, or a function of the row."""
_DIVERGED = {"tow": 0.0, "tow_signed": 0.0, "tow_other_seeds": 0.0}
"""What a run is worth that did not stay finite; other columns have no value then."""


class NotMeasuredError(LookupError):
    """What is asked for was not run, or not measured, at this scale."""


@dataclass(frozen=True, eq=False)
class Findings:
    """The rows of all studies of a confirmation."""

    rows: Mapping[str, Sequence[Row]]
    """The rows of each study by its name."""
    optimizers: tuple[str, ...]
    """Labels of plain SGD, SAM and ASAM at this scale."""
    scale: str
    """The scale in words."""
    margins_of: Callable[[str, int], np.ndarray] | None = None
    """The margins of the forget and test samples, (n,), of the row of a study (its name) at a position; None where
    they were not kept. It is asked for finished rows alone."""

    @property
    def n_runs(self) -> int:
        """Number of models behind it all."""
        return sum(len(rows) for rows in self.rows.values())

    def has(self, study: str = "main", **where: Any) -> bool:
        """Whether there is a row like this."""
        return any(_fits(row, where) for row in self.rows.get(study, ()))

    def forget_sets(self, study: str = "main", **where: Any) -> tuple[str, ...]:
        """The forget sets of the rows like this, in the order of the rows."""
        return tuple(dict.fromkeys(row["forget_set"] for row in self.rows.get(study, ()) if _fits(row, where)))

    def study(self, name: str) -> Sequence[Row]:
        """The rows of a study.

        Raises:
            NotMeasuredError: if it was not run.
        """
        if not self.rows.get(name):
            raise NotMeasuredError(f"the study {name} was not run")
        return self.rows[name]

    def found(self, study: str = "main", **where: Any) -> list[Row]:
        """The rows like this; see `by_seed` for what they must be like.

        Raises:
            NotMeasuredError: if there is none.
        """
        return [row for _, row in self._placed(study, where)]

    def by_seed(self, column: Column, study: str = "main", **where: Any) -> np.ndarray:
        """A column over seeds, (n_seeds,), in the order of the seeds; the mean over forget sets within a seed.

        Args:
            column: Name of a column, or a function of the row.
            study: Name of the study.
            where: What the rows must be like, for example method="neggrad", optimizer="sgd". Rows of a variant are
                found only by their `variant`, and pretraining is plain unless it is said.

        Returns:
            The values; NaN for a seed that has no value.

        Raises:
            NotMeasuredError: if no row is like this, or if runs finished and none of them has a value.
        """
        return np.array(list(self._by_seed(column, study, where).values()))

    def paired(self, column: Column, *groups: Mapping[str, Any], seeds: Collection[int] | None = None) -> np.ndarray:
        """A column of several groups, (n_seeds, n_groups), over the seeds that all of them were run with.

        Args:
            column: Name of a column, or a function of the row.
            groups: What the rows of each must be like, as for `by_seed`; its `study` may be among it.
            seeds: Only these seeds.

        Returns:
            The values; NaN where there is none.

        Raises:
            NotMeasuredError: if a group has no row or no value, or if the groups share no seed.
        """
        found = [self._by_seed(column, where.get("study", "main"), _without_study(where)) for where in groups]
        shared = set[int].intersection(*(set(values) for values in found))
        shared &= shared if seeds is None else set(seeds)
        if not shared:
            raise NotMeasuredError("the groups that are compared share no seed")
        return np.array([[values[seed] for values in found] for seed in sorted(shared)])

    def measured_seeds(self, column: str, study: str = "main") -> set[int]:
        """The seeds at which a study looked at a column at all.

        Raises:
            NotMeasuredError: if there is none.
        """
        found = {row["seed"] for row in self.study(study) if row.get(column) is not None}
        if not found:
            raise NotMeasuredError(f"the study {study} did not measure {column}")
        return found

    def mean(self, column: Column, study: str = "main", **where: Any) -> Estimate:
        """Mean over seeds."""
        return from_replicates(self.by_seed(column, study, **where))

    def difference(
        self, column: Column, one: Mapping[str, Any], other: Mapping[str, Any], study: str = "main"
    ) -> Estimate:
        """Mean over seeds of a column of some rows minus that of others, paired by seed.

        Raises:
            NotMeasuredError: as `paired`.
        """
        values = self.paired(column, {"study": study} | dict(one), {"study": study} | dict(other))
        return from_replicates(values[:, 0] - values[:, 1])

    def margins(self, study: str = "main", **where: Any) -> np.ndarray:
        """Margins of the forget and test samples, (n_seeds, n), in the order of the seeds.

        Args:
            study: Name of the study.
            where: What the rows must be like, as for `by_seed`; one row a seed, so the forget set must be said where
                there are several.

        Returns:
            The margins; a row of NaN for a run that diverged.

        Raises:
            NotMeasuredError: if no row is like this, none finished, or margins were not kept.
            ValueError: if several rows of one seed are like this.
        """
        found = self._placed(study, where)
        seeds = [row["seed"] for _, row in found]
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"Argument `where` must leave one row a seed, but {where} leaves several.")
        if self.margins_of is None:
            raise NotMeasuredError("margins were not kept")
        kept = {row["seed"]: self.margins_of(study, place) for place, row in found if row["status"] == "finished"}
        if not kept:
            raise NotMeasuredError(f"no run of the study {study} finished with {where}")
        blank = np.full_like(next(iter(kept.values())), np.nan, dtype=float)
        return np.stack([kept.get(seed, blank) for seed in sorted(seeds)])

    @cached_property
    def _shelves(self) -> dict[str, dict[tuple[str, str, str | None], list[tuple[int, Row]]]]:
        """Rows with their positions by study, and by pretraining, variant and method (None: of any method).

        A claim asks hundreds of questions, nearly all of which name these.
        """
        shelves: dict[str, dict[tuple[str, str, str | None], list[tuple[int, Row]]]] = {}
        for study, rows in self.rows.items():
            shelf = shelves.setdefault(study, {})
            for place, row in enumerate(rows):
                for method in (row["method"], None):
                    shelf.setdefault((row["pretrain"], row["variant"], method), []).append((place, row))
        return shelves

    def _placed(self, study: str, where: Mapping[str, Any]) -> list[tuple[int, Row]]:
        """The rows like this with their positions in the study."""
        wanted = {"variant": "", "pretrain": self.optimizers[0]} | dict(where)
        self.study(study)
        shelf = self._shelves[study].get((wanted["pretrain"], wanted["variant"], wanted.get("method")), [])
        found = [(place, row) for place, row in shelf if _fits(row, wanted)]
        if not found:
            words = ", ".join(f"{key} {value}" for key, value in wanted.items() if value != "")
            raise NotMeasuredError(f"the study {study} has no model with {words}")
        return found

    def _by_seed(self, column: Column, study: str, where: Mapping[str, Any]) -> dict[int, float]:
        """The mean over forget sets of each seed, in the order of the seeds."""
        found = self.found(study, **where)
        values: dict[int, list[float]] = {}
        for row in found:
            values.setdefault(row["seed"], []).append(_value(row, column))
        finished = [_value(row, column) for row in found if row["status"] == "finished"]
        if finished and np.isnan(finished).all():
            name = column if isinstance(column, str) else "what is asked for"
            raise NotMeasuredError(f"the study {study} did not measure {name} of {where.get('method', 'these models')}")
        return {seed: float(np.mean(values[seed])) for seed in sorted(values)}


def _without_study(where: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in where.items() if key != "study"}


def _fits(row: Row, where: Mapping[str, Any]) -> bool:
    return all(row[key] == value for key, value in where.items())


def _value(row: Row, column: Column) -> float:
    if row["status"] != "finished":
        return _DIVERGED.get(column, float("nan")) if isinstance(column, str) else float("nan")
    value = column(row) if callable(column) else row.get(column)
    return float("nan") if value is None else float(value)
