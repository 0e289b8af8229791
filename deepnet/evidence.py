"""From findings to the evidence of a claim: effects paired by seed, the raw accuracies beside them, and a picture.

A claim of deepnet is a few groups of models, an effect and a control, each a function of the findings. What was not
run at a scale leaves a row without an effect that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import nan
from typing import TypeVar

from deepnet.findings import Column, Findings, NotMeasuredError
from deepnet.groups import Group
from theory.ledger import Evidence, Picture
from theory.statistics import Estimate, from_replicates

__all__ = [
    "EXPERIMENT", "PAIRED", "STOPPING", "TOW", "Measured", "difference", "doing_nothing", "evidence", "lead", "mean",
    "unknown", "unless_tied",
]  # fmt: skip

T = TypeVar("T")
Measured = Callable[[Findings], Estimate]
"""Makes an effect of the findings."""

EXPERIMENT = "At the scale named in the row's remark; hyper-parameters are those of the preset, one budget a method."
STOPPING = "Each training runs its fixed number of epochs; the seeds are those of the preset, fixed beforehand."
PAIRED = (
    "Mean over forget sets within a seed, difference paired by seed, Student's interval (Bonferroni over the "
    "ledger). A run that diverges has a ToW of 0 and no other value."
)
TOW = r"\mathrm{ToW} = (1 - |\Delta_R|)\,(1 - |\Delta_F|)\,(1 - |\Delta_T|)"
"""Tug of war in LaTeX; Δ are accuracies on retain, forget and test set minus those of the retrained model."""
_RAW = {
    "tow": "ToW", "retain_accuracy": "retain accuracy", "forget_accuracy": "forget accuracy",
    "test_accuracy": "test accuracy",
}  # fmt: skip


def unknown() -> Estimate:
    """An estimate that could not be made."""
    return Estimate(nan, nan, 0)


def mean(column: Column, group: Group) -> Measured:
    """Mean over seeds of a column."""
    return lambda findings: from_replicates(findings.paired(column, group.where(findings))[:, 0])


def difference(column: Column, one: Group, other: Group, *, hardest: bool = False) -> Measured:
    """Mean over seeds of a column of one group minus that of another, for claims of equivalence.

    Args:
        column: Name of a column, or a function of the row.
        one: A group.
        other: Another.
        hardest: Only on the most memorized forget set, where there is one.
    """

    def measured(findings: Findings) -> Estimate:
        both = [group.on_hardest(findings) if hardest else group for group in (one, other)]
        values = findings.paired(column, *(group.where(findings) for group in both))
        return from_replicates(values[:, 0] - values[:, 1])

    return measured


def lead(column: Column, one: Group, other: Group, *, hardest: bool = False) -> Measured:
    """As `difference`, for claims of direction: groups that tie to the bit at every seed decide nothing."""

    def measured(findings: Findings) -> Estimate:
        return unless_tied(difference(column, one, other, hardest=hardest)(findings))

    return measured


def unless_tied(found: Estimate) -> Estimate:
    """A difference without its certainty if it is 0 to the bit at every seed, which says nothing of a direction."""
    tied = found.value == 0.0 and found.standard_error == 0.0
    return replace(found, standard_error=nan) if tied else found


def doing_nothing(rival: Group) -> Measured:
    """ToW of the pretrained model minus that of a method, where there is most to forget; for negative controls."""
    pretrained = replace(rival, method="pretrained", variant="")
    return lead("tow", pretrained, rival, hardest=True)


def evidence(
    findings: Findings,
    *,
    effect: Measured,
    control: Measured,
    groups: Sequence[Group],
    columns: Mapping[str, str] | None = None,
    more: Callable[[Findings], Mapping[str, Estimate]] = lambda findings: {},
    picture: Callable[[Findings], Picture | None] = lambda findings: None,
    remark: str | Callable[[Findings], str] = "",
) -> Evidence:
    """What the findings say of a claim.

    Args:
        findings: The rows.
        effect: The effect.
        control: The effect of the negative control.
        groups: Groups whose raw numbers stand beside it.
        columns: Further columns of the groups to be told, with their names; ToW and accuracies always are.
        more: Other numbers.
        picture: The picture.
        remark: What a reader should know, behind the scale.

    Returns:
        The evidence, with effect None if something of it was not run or not measured at this scale.
    """
    missing = ""
    found: Estimate | None = None
    try:
        found = effect(findings)
    except NotMeasuredError as error:
        missing = f"Not run at this scale: {error}."
    told = remark if isinstance(remark, str) else _or(lambda: remark(findings), "")
    runs = _runs(findings, groups)
    return Evidence(
        effect=found,
        control=_or(lambda: control(findings), unknown()),
        n_runs=sum(runs.values()),
        details={**_raw(findings, groups, _RAW | dict(columns or {})), **_or(lambda: more(findings), {})},
        endings={status: count / sum(runs.values()) for status, count in sorted(runs.items())},
        picture=_or(lambda: picture(findings), None),
        remark=" ".join(filter(None, (f"Scale: {findings.scale}.", missing, told))),
    )


def _or(make: Callable[[], T], otherwise: T) -> T:
    """What is made, unless it was not run."""
    try:
        return make()
    except NotMeasuredError:
        return otherwise


def _raw(findings: Findings, groups: Sequence[Group], columns: Mapping[str, str]) -> dict[str, Estimate]:
    """The columns of all groups as far as they were run, group by group."""
    found: dict[str, Estimate] = {}
    for group in groups:
        for column, words in columns.items():
            measured = _or(lambda column=column, group=group: mean(column, group)(findings), None)
            if measured is not None:
                found[f"{words}, {group.label}"] = measured
    return found


def _runs(findings: Findings, groups: Sequence[Group]) -> Counter[str]:
    """How many models there are behind groups, by how their training ended; one that two groups share counts once."""
    endings: dict[tuple[object, ...], str] = {}
    for group in groups:
        for _, row in _or(lambda group=group: findings.found(**group.where(findings)), []):
            names = ["method", "variant", "pretrain", "optimizer", "seed"]
            names += [] if row["method"] == "pretrained" else ["forget_set"]
            endings[group.study, *(row[name] for name in names)] = row["status"]
    return Counter(endings.values())
