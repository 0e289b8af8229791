"""Which conclusions survive each correction of the released code: every conclusion with each quirk, and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from deepnet.confirm.findings import Column, Findings, NotMeasuredError, Row
from deepnet.confirm.groups import Group
from deepnet.publishing.records import Contrast
from deepnet.studies.compat import QUIRKS
from theory.ledger import Region, decide
from theory.statistics import Estimate, from_replicates

__all__ = ["CONCLUSIONS", "Conclusion", "contrasts_of"]

_PLAIN, _ASAM = Group("neggrad"), Group("neggrad", "ASAM")
_RETRAINED = Group("retrain")
_MINMAX, _MINMAX_ASAM = Group("sharp-minmax"), Group("sharp-minmax", "ASAM")
_PREFIX = "quirk-"


def _lead(values: np.ndarray) -> np.ndarray:
    """The first group minus the second."""
    return np.asarray(values[:, 0] - values[:, 1])


def _nearer(values: np.ndarray) -> np.ndarray:
    """How much nearer to the third group the first is than the second."""
    distance = np.abs(values[:, :2] - values[:, 2:])
    return np.asarray(distance[:, 1] - distance[:, 0])


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What is said of some groups, as an effect that is positive where it holds."""

    name: str
    """Lower-case words joined by hyphens."""
    words: str
    """The conclusion in a few words."""
    column: Column
    """What is compared."""
    groups: tuple[Group, ...]
    """The groups."""
    effect: Callable[[np.ndarray], np.ndarray] = _lead
    """Makes the effect at each seed, (seeds,), of the groups' values, (seeds, groups)."""


def _less(column: Callable[[Row], float | None]) -> Column:
    """Minus a number of a row, for numbers of which less is better."""

    def measured(row: Row) -> float | None:
        value = column(row)
        return None if value is None else -value

    return measured


def _of(name: str) -> Callable[[Row], float | None]:
    return lambda row: row.get(name)


def _size(name: str) -> Callable[[Row], float | None]:
    """The absolute value of a column."""
    return lambda row: None if row.get(name) is None else abs(row[name])


def _m_entropy(row: Row) -> float | None:
    """Efficacy of the attack by modified entropy."""
    found = row.get("membership")
    return None if found is None else found["m_entropy"]


CONCLUSIONS = (
    Conclusion(name="asam-improves-neggrad", words="NegGrad: ASAM raises ToW", column="tow",
               groups=(_ASAM, _PLAIN)),
    Conclusion(name="asam-improves-sharp-minmax", words="Sharp MinMax: ASAM raises ToW", column="tow",
               groups=(_MINMAX_ASAM, _MINMAX)),
    Conclusion(name="sharp-minmax-beats-neggrad", words="Sharp MinMax above NegGrad, SGD", column="tow",
               groups=(_MINMAX, _PLAIN)),
    Conclusion(name="sharp-minmax-beats-neggrad-asam", words="Sharp MinMax above NegGrad, ASAM",
               column="tow", groups=(_MINMAX_ASAM, _ASAM)),
    Conclusion(name="sgd-forgets-more", words="NegGrad: SGD forgets more", column="forget_accuracy",
               groups=(_ASAM, _PLAIN)),
    Conclusion(name="asam-weakens-membership-inference", words="NegGrad: ASAM nearer by MIA",
               column=_less(_size("mia_gap")), groups=(_ASAM, _PLAIN)),
    Conclusion(name="asam-weakens-modified-entropy", words="NegGrad: ASAM nearer by entropy",
               column=_m_entropy, groups=(_ASAM, _PLAIN, _RETRAINED), effect=_nearer),
    Conclusion(name="asam-disentangles", words="NegGrad: ASAM disentangles",
               column=_less(_of("entanglement")), groups=(_ASAM, _PLAIN)),
    Conclusion(name="sharp-minmax-easier-to-relearn", words="Sharp MinMax easier to relearn",
               column="relearn", groups=(_MINMAX_ASAM, _ASAM)),
)  # fmt: skip
"""What is asked of every quirk: the paper's conclusions on NegGrad and Sharp MinMax, which side studies hold."""


def contrasts_of(findings: Findings) -> tuple[Contrast, ...]:
    """Every conclusion for the corrected code and then with each quirk that was run.

    All are on the forget set that the studies of quirks have, after pretraining with plain SGD, over the seeds that
    both sides share. The signed ToW needs no study of its own: it is a column of the main one.

    Args:
        findings: The rows of the confirmation.

    Returns:
        The contrasts, conclusion by conclusion; what was not run or not measured is left out.
    """
    if not findings.rows.get("main"):
        return ()
    forget_set = str(findings.study("main")[0]["forget_set"])
    return tuple(each for conclusion in CONCLUSIONS for each in _of_conclusion(findings, conclusion, forget_set))


def _of_conclusion(findings: Findings, conclusion: Conclusion, forget_set: str) -> Iterator[Contrast]:
    for quirk in ("", *QUIRKS):
        concerned = conclusion
        if quirk == "signed_tow":
            if conclusion.column != "tow":
                continue
            concerned = replace(conclusion, column="tow_signed")
        study = f"{_PREFIX}{quirk}" if quirk and f"{_PREFIX}{quirk}" in findings.rows else "main"
        if quirk not in ("", "signed_tow") and study == "main":
            continue
        try:
            yield _contrast(findings, conclusion, concerned, quirk, study, forget_set)
        except NotMeasuredError:
            continue


def _contrast(
    findings: Findings, usual: Conclusion, concerned: Conclusion, quirk: str, study: str, forget_set: str
) -> Contrast:
    seeds = _seeds(findings, study) & _seeds(findings, "main")
    effects = _effects(findings, concerned, study, forget_set, seeds)
    change = effects - _effects(findings, usual, "main", forget_set, seeds)
    effect, low, high = _told(from_replicates(effects))
    changes = _told(from_replicates(change)) if quirk else (None, None, None)
    interval = (np.nan, np.nan) if low is None or high is None or (low == high == 0.0) else (low, high)
    return Contrast(
        conclusion=usual.name, words=usual.words, quirk=quirk, forget_set=forget_set, seeds=len(seeds),
        effect=effect, low=low, high=high, verdict=decide(interval, Region(low=0.0)).value,
        change=changes[0], change_low=changes[1], change_high=changes[2],
    )  # fmt: skip


def _effects(
    findings: Findings, conclusion: Conclusion, study: str, forget_set: str, seeds: set[int]
) -> np.ndarray:  # (seeds,)
    groups = [replace(group, study=study, forget_set=forget_set) for group in conclusion.groups]
    values = findings.paired(conclusion.column, *(group.where(findings) for group in groups), seeds=seeds)
    return conclusion.effect(values)


def _seeds(findings: Findings, study: str) -> set[int]:
    return {row["seed"] for row in findings.study(study)}


def _told(found: Estimate) -> tuple[float | None, float | None, float | None]:
    values = (found.value, *found.interval())
    effect, low, high = (float(value) if np.isfinite(value) else None for value in values)
    return effect, low, high
