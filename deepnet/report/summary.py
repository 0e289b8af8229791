"""Means over seeds with their intervals, and the blocks in which results are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from deepnet.report.columns import CENSORED, POOLED, SCALARS
from deepnet.report.naming import PRETRAINED, RETRAINED, method_order, natural_order, optimizer_order, optimizer_words
from deepnet.report.rows import Row
from simulate.house.words.counting import counted
from theory.statistics import from_replicates

__all__ = ["ONE_SEED", "Block", "Group", "Mean", "Summary", "blocks", "mean_over_seeds", "summarise"]

ONE_SEED = "one seed: no interval"
"""What stands in place of the interval of a single run."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs that differ in their seeds alone."""

    forget_set: str
    """Which samples are forgotten."""
    request: str
    """What of them is forgotten."""
    pretrain: str
    """Label of the optimizer of pretraining."""
    method: str
    """Method's short name."""
    variant: str
    """Which hyper-parameters of the method, or an empty string."""
    optimizer: str
    """Label of the optimizer of unlearning."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over the finished runs of a group."""

    value: float | None
    """The mean; None if there is none."""
    low: float | None = None
    """Lower end of the t-interval of 95 %; None if there is none."""
    high: float | None = None
    """Its upper end."""
    n: int
    """Number of runs behind the mean."""
    note: str = ""
    """Why there is no value or no interval."""

    @property
    def half_width(self) -> float | None:
        """Half of the interval's width; None if there is no interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2.0


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A group of runs and the means of all that was measured of them."""

    group: Group
    """What the runs have in common."""
    title: str
    """Method's name for people, with its variant."""
    rows: tuple[Row, ...]
    """The runs, by their seeds."""
    means: Mapping[str, Mean]
    """Mean of each column of numbers."""

    @property
    def finished(self) -> tuple[Row, ...]:
        """The runs that have numbers."""
        return tuple(row for row in self.rows if row.finished)

    @property
    def diverged(self) -> tuple[Row, ...]:
        """The runs that have none."""
        return tuple(row for row in self.rows if not row.finished)

    @property
    def is_reference(self) -> bool:
        """Whether nothing is unlearned: the retrained and the pretrained model."""
        return self.group.method in (RETRAINED, PRETRAINED)

    @property
    def optimizer_words(self) -> str:
        """The optimizer as people read it."""
        return optimizer_words(self.group.optimizer)

    def values(self, column: str) -> dict[tuple[int, int], float]:
        """The numbers of a column by replicate, where there are any."""
        return {row.replicate: value for row in self.rows if (value := row.values[column]) is not None}


@dataclass(frozen=True, kw_only=True)
class Block:
    """Everything that can be compared: one forget set, one request, one pretraining."""

    forget_set: str
    """Which samples are forgotten."""
    request: str
    """What of them is forgotten."""
    pretrain: str
    """Label of the optimizer of pretraining."""
    summaries: tuple[Summary, ...]
    """References first, then the methods in their order, each by optimizer."""

    @property
    def retrained(self) -> Summary | None:
        """The retrained model; one for all pretrainings if the study has only that."""
        return next((each for each in self.summaries if each.group.method == RETRAINED), None)

    @property
    def pretrained(self) -> Summary | None:
        """The model before unlearning."""
        return next((each for each in self.summaries if each.group.method == PRETRAINED), None)

    @property
    def methods(self) -> tuple[Summary, ...]:
        """All but the references."""
        return tuple(each for each in self.summaries if not each.is_reference)

    @property
    def name(self) -> str:
        """Short name, for files."""
        return f"{self.forget_set}-{self.request}-{self.pretrain}"

    @property
    def words(self) -> str:
        """The same for people."""
        return f"{self.forget_set} forget set, {self.request}, pretrained with {optimizer_words(self.pretrain)}"


def mean_over_seeds(column: str, rows: Sequence[Row]) -> Mean:
    """The mean of a column over the finished runs, with Student's interval of 95 %.

    Args:
        column: One of `deepnet.report.columns.SCALARS`.
        rows: The runs of one group.

    Returns:
        The mean. A single run has no interval; neither has a number that all seeds share because it was computed of
        all their models (KLoM). There is no mean of steps that some runs did not need, since those were too many to
        be counted.
    """
    finished = [row for row in rows if row.finished]
    values = np.array([value for row in finished if (value := row.values[column]) is not None])
    n, lost = len(values), len(finished) - len(values)
    if not n:
        return Mean(value=None, n=0, note="not measured" if finished else "diverged")
    if lost and column in CENSORED:
        return Mean(value=None, n=n, note=f"not within the attack in {lost} of {counted(len(finished), 'run')}")
    if n == 1:
        return Mean(value=float(values[0]), n=1, note=ONE_SEED)
    if column in POOLED and (values == values[0]).all():
        return Mean(value=float(values[0]), n=n, note="one number of all seeds: no interval")
    estimate = from_replicates(values)
    low, high = estimate.interval()
    return Mean(value=estimate.value, low=low, high=high, n=n)


def summarise(rows: Sequence[Row]) -> tuple[Summary, ...]:
    """Mean and interval of every column for every group of runs, in the order of tables and figures."""
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        groups.setdefault(_group_of(row), []).append(row)
    return tuple(_summary(group, groups[group]) for group in sorted(groups, key=_order))


def blocks(summaries: Sequence[Summary]) -> tuple[Block, ...]:
    """The blocks of a study.

    A block without a retrained model of its own borrows that of the same forget set and request, if there is one:
    a retrained model never saw the pretraining, so a study may train it once for all of them.
    """
    made = []
    for key, members in groupby(summaries, key=_block_key):
        own = tuple(members)
        if not any(each.group.method == RETRAINED for each in own):
            own = (*_borrowed(summaries, key), *own)
        made.append(Block(forget_set=key[0], request=key[1], pretrain=key[2], summaries=own))
    return tuple(made)


def _borrowed(summaries: Sequence[Summary], key: tuple[str, str, str]) -> tuple[Summary, ...]:
    """The retrained models of the first pretraining that has any."""
    found = [each for each in summaries if each.group.method == RETRAINED and _block_key(each)[:2] == key[:2]]
    return tuple(each for each in found if each.group.pretrain == found[0].group.pretrain)


def _block_key(summary: Summary) -> tuple[str, str, str]:
    return summary.group.forget_set, summary.group.request, summary.group.pretrain


def _group_of(row: Row) -> Group:
    return Group(forget_set=row.forget_set, request=row.request, pretrain=row.pretrain, method=row.method,
                 variant=row.variant, optimizer=row.optimizer)  # fmt: skip


def _order(group: Group) -> tuple[object, ...]:
    return (natural_order(group.forget_set), group.request, optimizer_order(group.pretrain),
            method_order(group.method), natural_order(group.variant), optimizer_order(group.optimizer))  # fmt: skip


def _summary(group: Group, rows: Sequence[Row]) -> Summary:
    ordered = tuple(sorted(rows, key=lambda row: row.replicate))
    title = ordered[0].title + (f" ({group.variant})" if group.variant else "")
    means = {column: mean_over_seeds(column, ordered) for column in SCALARS}
    return Summary(group=group, title=title, rows=ordered, means=means)
