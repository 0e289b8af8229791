"""From the rows of studies to means over seeds: groups of models, and their relearning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from deepnet.publishing.records import METRICS, Curve, GroupRecord, rounded
from deepnet.report.rows import Row
from deepnet.report.summary import Mean, Summary, mean_over_seeds, summarise
from theory.statistics import Estimate, from_replicates

__all__ = ["curves_of", "groups_of"]

_RATIOS = {"seconds_ratio": "seconds", "memory_ratio": "peak_memory"}


def groups_of(studies: Mapping[str, Sequence[Row]], plain: str) -> tuple[GroupRecord, ...]:
    """The groups of all studies, in the order of studies, forget sets, methods and optimizers.

    Args:
        studies: The rows of each study by its name.
        plain: Label of plain SGD; time and memory are told over those of NegGrad with it.

    Returns:
        The groups. Where a run diverged, means are over the others and have no interval: those that are left were
        picked by the outcome.
    """
    return tuple(
        GroupRecord(
            **_who(study, each), runs=len(each.rows), diverged=len(each.diverged),
            means={name: _mean(name, each) for name in METRICS},
        )
        for study, rows in studies.items()
        for each in summarise(_with_ratios(rows, plain))
    )  # fmt: skip


def _who(study: str, summary: Summary) -> dict[str, str]:
    found = {name: getattr(summary.group, name) for name in vars(summary.group)}
    return {"study": study, "title": summary.rows[0].title, **found}


def _mean(name: str, summary: Summary) -> Mean:
    found = mean_over_seeds(name, summary.rows)
    return replace(found, low=None, high=None) if summary.diverged else found


def _with_ratios(rows: Sequence[Row], plain: str) -> list[Row]:
    """Rows that know their time and memory over those of plain NegGrad at the same seed, forget set and pretraining."""
    base = {_place(row): row for row in rows if (row.method, row.variant, row.optimizer) == ("neggrad", "", plain)}
    return [replace(row, values={**row.values, **_ratios(row, base.get(_place(row)))}) for row in rows]


def _place(row: Row) -> tuple[object, ...]:
    return row.forget_set, row.request, row.pretrain, row.seed, row.split_seed


def _ratios(row: Row, base: Row | None) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, column in _RATIOS.items():
        ours, theirs = row.values[column], base.values[column] if base else None
        found[name] = ours / theirs if ours is not None and theirs else None
    return found


def curves_of(studies: Mapping[str, Sequence[Row]]) -> tuple[Curve, ...]:
    """The relearning curves of all groups, means over seeds; none of a group whose seeds were recorded otherwise."""
    made = []
    for study, rows in studies.items():
        for each in summarise(rows):
            curves = [row.relearn_curve for row in each.finished if row.relearn_curve]
            if not curves or len({curve.steps for curve in curves}) > 1:
                continue
            estimates = [from_replicates(np.array(place)) for place in zip(*(c.accuracy for c in curves), strict=True)]
            ends = [_interval(found, bool(each.diverged)) for found in estimates]
            made.append(
                Curve(
                    **_who(study, each),
                    runs=len(curves),
                    steps=[int(step) for step in curves[0].steps],
                    accuracy=rounded(np.mean([curve.accuracy for curve in curves], axis=0)),
                    low=rounded([low for low, _ in ends]),
                    high=rounded([high for _, high in ends]),
                )
            )
    return tuple(made)


def _interval(found: Estimate, picked: bool) -> tuple[float, float]:
    return (np.nan, np.nan) if picked else found.interval()
