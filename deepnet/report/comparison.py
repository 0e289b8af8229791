"""Paired comparisons across seeds: which differences are more than chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from deepnet.report.summary import ONE_SEED, Block, Summary
from simulate.house import ties
from theory.statistics import from_replicates

__all__ = ["LEVEL", "Comparison", "compare", "compare_all", "compare_with_best", "holm", "told_best"]

LEVEL = 0.05
"""Probability of one false finding or more in the whole family of tests."""

_FORGETS = "Does it forget? Forget accuracy against fine-tuning"
_SHARPNESS = "Does sharpness help? ToW against SGD"
_MINMAX = "Does Sharp MinMax help? ToW against NegGrad"
_BEST = "Which is best? ToW against the largest mean"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The difference of two groups of runs in one column, over runs of the same seeds."""

    question: str
    """What the comparison answers."""
    block: Block
    """Where it was made."""
    treatment: Summary
    """The runs under test."""
    baseline: Summary
    """What they are compared with."""
    column: str
    """The column compared."""
    n: int
    """Number of pairs."""
    difference: float | None = None
    """Mean of treatment minus baseline."""
    low: float | None = None
    """Lower end of the paired t-interval of 95 %, not corrected for the number of tests."""
    high: float | None = None
    """Its upper end."""
    p: float | None = None
    """Two-sided p-value of the paired t-test; None if there is no test."""
    p_holm: float | None = None
    """The same after Holm's correction over the family."""
    note: str = ""
    """Why there is no test."""

    @property
    def verdict(self) -> str:
        """What the corrected test says, in a word or two."""
        if self.p_holm is None or self.difference is None:
            return "not tested"
        if self.p_holm >= LEVEL:
            return "not resolved"
        return "higher" if self.difference > 0.0 else "lower"


def compare(question: str, block: Block, treatment: Summary, baseline: Summary, column: str) -> Comparison:
    """The paired t-test of two groups, without correction.

    Runs are paired by their seeds. If a run of either group diverged there is a difference, but no test: the pairs
    that are left were picked by the outcome.

    Args:
        question: What the comparison answers.
        block: Where it is made.
        treatment: The runs under test.
        baseline: What they are compared with.
        column: One of `deepnet.report.columns.SCALARS`.

    Returns:
        The comparison. Every missing number has a reason in its `note`.
    """
    ours, theirs = treatment.values(column), baseline.values(column)
    pairs = sorted(ours.keys() & theirs.keys())
    differences = np.array([ours[pair] - theirs[pair] for pair in pairs])
    made = Comparison(question=question, block=block, treatment=treatment, baseline=baseline, column=column,
                      n=len(pairs))  # fmt: skip
    lost = len({row.replicate for row in (*treatment.diverged, *baseline.diverged)})
    if not len(differences):
        return replace(made, note=f"{lost} pairs lost to divergence" if lost else "no runs of the same seeds")
    made = replace(made, difference=float(differences.mean()))
    if lost:
        return replace(made, note=f"{lost} {'pairs' if lost > 1 else 'pair'} lost to divergence: no test")
    if len(differences) == 1:
        return replace(made, note=ONE_SEED)
    estimate = from_replicates(differences)
    low, high = estimate.interval()
    made = replace(made, low=low, high=high)
    if estimate.standard_error <= 1e-12 * np.abs(differences).max():  # the rounding of equal differences
        return replace(made, note="all pairs differ by the same: no test")
    statistic = abs(estimate.value) / estimate.standard_error
    return replace(made, p=float(2.0 * stats.t.sf(statistic, estimate.degrees_of_freedom)))


def compare_all(found: Sequence[Block]) -> tuple[Comparison, ...]:
    """All comparisons of a study; those of one question are a family, corrected after Holm.

    Every method against fine-tuning in forget accuracy, with the same optimizer or, if there is none, SGD; SAM and
    ASAM against SGD for every method in ToW; Sharp MinMax against NegGrad with the same optimizer in ToW.

    Args:
        found: The blocks of the study.

    Returns:
        The comparisons, question by question.
    """
    questions = ([each for block in found for each in ask(block)] for ask in (_forgetting, _sharpness, _minmax))
    return tuple(each for asked in questions for each in _corrected(asked))


def compare_with_best(found: Sequence[Block]) -> tuple[Comparison, ...]:
    """Every method against that with the largest mean ToW of its block; those of a block are a family of their own."""
    return tuple(each for block in found for each in _against_best(block))


def told_best(block: Block) -> tuple[Summary, ...]:
    """The method with the largest mean ToW, and those that the paired test does not tell apart from it.

    Groups with diverged runs take no part. Where there is no test, as with one seed, only a tie is not told apart.
    """
    best = _largest(block)
    if best is None:
        return ()
    same = [each.treatment for each in _against_best(block) if not _told_apart(each)]
    return (best, *same)


def _against_best(block: Block) -> list[Comparison]:
    best = _largest(block)
    if best is None:
        return []
    return _corrected([compare(_BEST, block, each, best, "tow") for each in _with_tow(block) if each is not best])


def _largest(block: Block) -> Summary | None:
    """The method with the largest mean ToW, of tied ones the first."""
    found = _with_tow(block)
    return found[ties.first_of(np.array([_mean_tow(each) for each in found]), np.argmax)] if found else None


def _with_tow(block: Block) -> list[Summary]:
    """The methods whose mean ToW counts: all their runs finished."""
    return [each for each in block.methods if not each.diverged and each.means["tow"].value is not None]


def _mean_tow(summary: Summary) -> float:
    value = summary.means["tow"].value
    return math.nan if value is None else value


def _told_apart(each: Comparison) -> bool:
    if each.p_holm is not None:
        return each.p_holm < LEVEL
    return not ties.tied(_mean_tow(each.treatment), _mean_tow(each.baseline))


def _corrected(family: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with p-values corrected for their number."""
    adjusted = iter(holm([each.p for each in family if each.p is not None]))
    return [each if each.p is None else replace(each, p_holm=next(adjusted)) for each in family]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the i-th smallest of m p-values times m − i + 1, never below a smaller one's.

    Args:
        p_values: The p-values of a family, in any order.

    Returns:
        The corrected ones in the same order, at most 1.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


def _forgetting(block: Block) -> Iterator[Comparison]:
    for each in block.methods:
        base = _find(block, "finetune", each.group.optimizer, each) or _find(block, "finetune", "sgd", each)
        if each.group.method != "finetune" and base:
            yield compare(_FORGETS, block, each, base, "forget_accuracy")


def _sharpness(block: Block) -> Iterator[Comparison]:
    for each in block.methods:
        if each.group.optimizer != "sgd" and (base := _find(block, each.group.method, "sgd", each, exactly=True)):
            yield compare(_SHARPNESS, block, each, base, "tow")


def _minmax(block: Block) -> Iterator[Comparison]:
    for each in block.methods:
        if each.group.method == "sharp-minmax" and (base := _find(block, "neggrad", each.group.optimizer, each)):
            yield compare(_MINMAX, block, each, base, "tow")


def _find(block: Block, method: str, optimizer: str, like: Summary, *, exactly: bool = False) -> Summary | None:
    """The baseline with the same variant, or else the plain one."""
    found = {each.group.variant: each for each in block.methods
             if (each.group.method, each.group.optimizer) == (method, optimizer)}  # fmt: skip
    same = found.get(like.group.variant)
    return same if exactly or same is not None else found.get("")
