"""From findings to the evidence of a claim: effects paired by seed, the raw accuracies beside them, and a picture.

A claim of deepnet is a few groups of models, an effect and a control, each a function of the findings. What was not
run at a scale leaves a row without an effect that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import nan
from types import MappingProxyType
from typing import TypeVar

from deepnet.confirm.findings import Column, Findings, NotMeasuredError
from deepnet.confirm.groups import Group
from simulate.house import ties
from theory.ledger import Evidence, Picture
from theory.statistics import Estimate, from_replicates

__all__ = [
    "EXPERIMENT", "PAIRED", "STOPPING", "TOW", "Measured", "difference", "doing_nothing", "evidence", "lead", "mean",
    "tried", "unknown", "unless_tied",
]  # fmt: skip

T = TypeVar("T")
Measured = Callable[[Findings], Estimate]
"""Makes an effect of the findings; `NotMeasuredError` if what it needs is not there."""
Groups = Sequence[Group] | Callable[[Findings], Sequence[Group]]

EXPERIMENT = "At the scale named in the row's remark; hyper-parameters are those of the preset, one budget a method."
"""What every row runs."""
STOPPING = "Each training runs its fixed number of epochs; the seeds are those of the preset, fixed beforehand."
"""When it stops."""
PAIRED = (
    "Mean over forget sets within a seed, difference paired by seed, Student's interval (Bonferroni over the "
    "ledger). A run that diverges has a ToW of 0 and no other value."
)
"""How paired effects and their intervals come about."""
TOW = r"\mathrm{ToW} = (1 - |\Delta_R|)\,(1 - |\Delta_F|)\,(1 - |\Delta_T|)"
"""Tug of war in LaTeX; Δ are accuracies on retain, forget and test set minus those of the retrained model."""
_RAW = {
    "tow": "ToW", "retain_accuracy": "retain accuracy", "forget_accuracy": "forget accuracy",
    "test_accuracy": "test accuracy",
}  # fmt: skip
_NO_COLUMNS: Mapping[str, str] = MappingProxyType({})
_NO_NUMBERS: Mapping[str, Measured] = MappingProxyType({})


# --- effects -------------------------------------------------------------------------------------------


def unknown() -> Estimate:
    """An estimate that could not be made."""
    return Estimate(nan, nan, 0)


def mean(column: Column, group: Group, *, hardest: bool = False) -> Measured:
    """Mean over seeds of a column.

    Args:
        column: Name of a column, or a function of the row.
        group: A group.
        hardest: Only on the most memorized forget set, where there is one.
    """

    def measured(findings: Findings) -> Estimate:
        chosen = group.on_hardest(findings) if hardest else group
        return from_replicates(findings.paired(column, chosen.where(findings))[:, 0])

    return measured


def difference(column: Column, one: Group, other: Group, *, hardest: bool = False) -> Measured:
    """Mean over seeds of a column of one group minus that of another, for claims of equivalence; see `mean`."""

    def measured(findings: Findings) -> Estimate:
        both = [group.on_hardest(findings) if hardest else group for group in (one, other)]
        values = findings.paired(column, *(group.where(findings) for group in both))
        return from_replicates(ties.difference(values[:, 0], values[:, 1]))

    return measured


def lead(column: Column, one: Group, other: Group, *, hardest: bool = False) -> Measured:
    """As `difference`, for claims of direction: groups that tie at every seed decide nothing."""
    return lambda findings: unless_tied(difference(column, one, other, hardest=hardest)(findings))


def unless_tied(found: Estimate) -> Estimate:
    """A difference without its certainty if it is 0 at every seed, which says nothing of a direction.

    Take differences with `simulate.house.ties.difference`, for which values that differ by rounding only are equal.
    """
    tied = found.value == 0.0 and found.standard_error == 0.0
    return replace(found, standard_error=nan) if tied else found


def doing_nothing(rival: Group) -> Measured:
    """ToW of the pretrained model minus that of a method, where there is most to forget; for negative controls."""
    return lead("tow", replace(rival, method="pretrained", variant=""), rival, hardest=True)


def tried(make: Callable[[Findings], T], findings: Findings, otherwise: T) -> T:
    """What is made of the findings, or something else if it was not run or not measured."""
    try:
        return make(findings)
    except NotMeasuredError:
        return otherwise


# --- evidence ------------------------------------------------------------------------------------------


def evidence(
    findings: Findings,
    *,
    effect: Measured,
    control: Measured,
    groups: Groups,
    columns: Mapping[str, str] = _NO_COLUMNS,
    more: Mapping[str, Measured] = _NO_NUMBERS,
    picture: Callable[[Findings], Picture | None] = lambda findings: None,
    remark: str | Callable[[Findings], str] = "",
) -> Evidence:
    """What the findings say of a claim.

    Args:
        findings: The rows.
        effect: The effect.
        control: The effect of the negative control.
        groups: Groups whose raw numbers stand beside it, or what finds them.
        columns: Further columns of the groups to be told, with their names; ToW and accuracies always are.
        more: Other numbers, by name.
        picture: The picture.
        remark: What a reader should know, behind the scale.

    Returns:
        The evidence, with effect None if something of it was not run or not measured at this scale.
    """
    missing, found = "", None
    try:
        found = effect(findings)
    except NotMeasuredError as error:
        missing = f"Not run at this scale: {error}."
    told = remark if isinstance(remark, str) else tried(remark, findings, "")
    nothing: Sequence[Group] = ()
    beside = tried(groups, findings, nothing) if callable(groups) else groups
    runs = _runs(findings, beside)
    numbers = {words: tried(made, findings, None) for words, made in (_raw(beside, columns) | dict(more)).items()}
    return Evidence(
        effect=found,
        control=tried(control, findings, unknown()),
        n_runs=runs.total(),
        details={words: number for words, number in numbers.items() if number is not None},
        endings={status: count / runs.total() for status, count in sorted(runs.items())},
        picture=tried(picture, findings, None),
        was_run=not missing,
        remark=" ".join(filter(None, (f"Scale: {findings.scale}.", missing, told))),
    )


def _raw(groups: Sequence[Group], columns: Mapping[str, str]) -> dict[str, Measured]:
    """The columns of all groups, group by group."""
    named = _RAW | dict(columns)
    return {f"{words}, {group.label}": mean(column, group) for group in groups for column, words in named.items()}


def _runs(findings: Findings, groups: Sequence[Group]) -> Counter[str]:
    """How many models there are behind groups, by how their training ended; one that two groups share counts once."""
    endings: dict[tuple[object, ...], str] = {}
    for group in groups:
        where = group.where(findings)
        for row in findings.found(**where) if findings.has(**where) else ():
            names = ["method", "variant", "pretrain", "optimizer", "seed"]
            names += [] if row["method"] == "pretrained" else ["forget_set"]
            endings[group.study, *(row[name] for name in names)] = row["status"]
    return Counter(endings.values())
