"""What a confirmation found, as effects over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.statistics import Estimate, from_replicates

__all__ = ["Findings"]

Row = Mapping[str, Any]
_DIVERGED = {"tow": 0.0, "tow_signed": 0.0, "tow_other_seeds": 0.0}
"""What a run is worth that did not stay finite; other columns have no value then."""


@dataclass(frozen=True, eq=False)
class Findings:
    """The rows of all studies of a confirmation."""

    rows: Mapping[str, Sequence[Row]]
    """The rows of each study by its name."""
    optimizers: tuple[str, ...]
    """Labels of plain SGD, SAM and ASAM at this scale."""
    scale: str
    """The scale in words."""

    @property
    def n_runs(self) -> int:
        """Number of models behind it all."""
        return sum(len(rows) for rows in self.rows.values())

    def has(self, study: str = "main", **where: Any) -> bool:
        """Whether there is a row like this."""
        return any(_fits(row, where) for row in self.rows.get(study, ()))

    def by_seed(self, column: str | Callable[[Row], float | None], study: str = "main", **where: Any) -> np.ndarray:
        """A column over seeds, (n_seeds,), in the order of the seeds; the mean over forget sets within a seed.

        Args:
            column: Name of a column, or a function of the row.
            study: Name of the study.
            where: What the rows must be like, for example method="neggrad", optimizer="sgd". Rows of a variant are
                found only by their `variant`, and pretraining is plain unless it is said.

        Returns:
            The values; NaN for a seed that has no value.

        Raises:
            LookupError: if no row is like this.
        """
        wanted = {"variant": "", "pretrain": self.optimizers[0]} | where
        found: dict[int, list[float]] = {}
        for row in self.rows.get(study, ()):
            if _fits(row, wanted):
                found.setdefault(row["seed"], []).append(_value(row, column))
        if not found:
            raise LookupError(f"The study {study} has no row like {wanted}.")
        return np.array([np.mean(found[seed]) for seed in sorted(found)])

    def mean(self, column: str | Callable[[Row], float | None], study: str = "main", **where: Any) -> Estimate:
        """Mean over seeds."""
        return from_replicates(self.by_seed(column, study, **where))

    def difference(
        self,
        column: str | Callable[[Row], float | None],
        one: Mapping[str, Any],
        other: Mapping[str, Any],
        study: str = "main",
    ) -> Estimate:
        """Mean over seeds of a column of some rows minus that of others, paired by seed."""
        return from_replicates(self.by_seed(column, study, **one) - self.by_seed(column, study, **other))


def _fits(row: Row, where: Mapping[str, Any]) -> bool:
    return all(row[key] == value for key, value in where.items())


def _value(row: Row, column: str | Callable[[Row], float | None]) -> float:
    if row["status"] != "finished":
        return _DIVERGED.get(column, float("nan")) if isinstance(column, str) else float("nan")
    value = column(row) if callable(column) else row.get(column)
    return float("nan") if value is None else float(value)
