"""What compares an unlearned model with retrained ones, once all models have been measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from deepnet.metrics.klom import klom, klom_null
from deepnet.metrics.tug_of_war import Accuracies, official_reference, tug_of_war
from deepnet.studies.measuring.relearning import Curve

__all__ = ["compare"]

Row = dict[str, Any]
_RECOVERED = 0.9
"""Relearned is the forget set at this part of the pretrained model's accuracy on it."""


def compare(rows: Sequence[Row], margins: Mapping[int, np.ndarray], *, official_tow: bool = False) -> list[Row]:
    """Add to each row what only other rows know: ToW, gaps, KLoM, relearning against the control.

    Args:
        rows: One for each measured model.
        margins: For rows by position, the margins of the forget and test samples, (n,).
        official_tow: Whether `tow` is the released code's: signed, against its fixed references.

    Returns:
        New rows, in the same order. A number that lacks its reference (a retrained model that diverged) is None.
    """
    retrained: dict[str, dict[int, Row]] = defaultdict(dict)
    pretrained: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        if row["status"] != "finished":
            continue
        groups[_group(row)].append(position)
        if row["method"] == "retrain":
            retrained[row["forget_set"]][row["seed"]] = row
        if row["method"] == "pretrained":
            pretrained[row["forget_set"], row["pretrain"]][row["seed"]] = row
    divergences = _divergences(rows, groups, margins)
    compared = []
    for row in rows:
        references = retrained[row["forget_set"]]
        before = pretrained[row["forget_set"], row["pretrain"]].get(row["seed"])
        extra = _tug_of_war(row, references, official_tow) | _gaps(row, references.get(row["seed"]))
        extra |= _relearning(row, references.get(row["seed"]), before) | divergences.get(_group(row), {})
        compared.append(row | (extra if row["status"] == "finished" else {}))
    return compared


def _group(row: Row) -> tuple[str, ...]:
    """What the rows of different seeds have in common."""
    return tuple(row[key] for key in ("forget_set", "method", "variant", "pretrain", "optimizer"))


def _accuracies(row: Row) -> Accuracies:
    return Accuracies(retain=row["retain_accuracy"], forget=row["forget_accuracy"], test=row["test_accuracy"])


def _tug_of_war(row: Row, references: Mapping[int, Row], official: bool) -> Row:
    """ToW against the retrained model of the same seed, and the mean over those of the other seeds."""
    if row["status"] != "finished":
        return {}
    mine, same = _accuracies(row), references.get(row["seed"])
    others = [tug_of_war(mine, _accuracies(other)) for seed, other in references.items() if seed != row["seed"]]
    found = {
        "tow": tug_of_war(mine, _accuracies(same)) if same else None,
        "tow_signed": tug_of_war(mine, _accuracies(same), signed=True) if same else None,
        "tow_other_seeds": fmean(others) if others else None,
    }
    if official:
        data, network = (
            row["config"].get("start", row["config"])["data"],
            row["config"].get("start", row["config"])["model"],
        )
        reference = official_reference(data["name"], row["forget_set"], network["architecture"])
        found["tow"] = tug_of_war(mine, reference, signed=True)
    return found


def _gaps(row: Row, reference: Row | None) -> Row:
    """Membership inference minus that of the retrained model, which is the optimum."""
    if reference is None or row.get("mia") is None:
        return {}
    names = [name for name in ("mia", "mia_auc", "mia_auc_within") if None not in (row.get(name), reference.get(name))]
    return {f"{name}_gap": row[name] - reference[name] for name in names}


def _relearning(row: Row, control: Row | None, before: Row | None) -> Row:
    """How much faster than the retrained model the forget set comes back."""
    if control is None or row.get("relearn_curve") is None:
        return {}
    mine, theirs = (
        Curve(steps=tuple(c["steps"]), accuracy=tuple(c["accuracy"]))
        for c in (row["relearn_curve"], control["relearn_curve"])
    )
    found: Row = {"relearn": mine.advantage(theirs)}
    if before is not None:
        goal = _RECOVERED * before["forget_accuracy"]
        found |= {"relearn_steps": mine.steps_to(goal), "relearn_control_steps": theirs.steps_to(goal)}
    return found | {"relearn_curve": row["relearn_curve"] | {"control": list(theirs.accuracy)}}


def _divergences(
    rows: Sequence[Row], groups: Mapping[tuple[str, ...], Sequence[int]], margins: Mapping[int, np.ndarray]
) -> dict[tuple[str, ...], Row]:
    """KLoM of each group of rows that differ in the seed alone, and its noise floor."""
    found: dict[tuple[str, ...], Row] = {}
    for group, positions in groups.items():
        reference = next((members for key, members in groups.items() if key[:2] == (group[0], "retrain")), [])
        mine = [margins[position] for position in positions if position in margins]
        theirs = [margins[position] for position in reference if position in margins]
        if min(len(mine), len(theirs)) < 2:
            continue
        value = klom(np.stack(mine), np.stack(theirs))
        floor = klom_null(np.stack(theirs)).mean if len(theirs) >= 4 else None
        found[group] = {
            "klom": value.mean, "klom_p95": value.percentile_95, "klom_null": floor, "klom_models": len(mine),
        }  # fmt: skip
    return found
