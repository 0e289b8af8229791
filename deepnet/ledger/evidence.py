"""From a reading to the evidence of a claim: an effect, its controls, raw numbers beside it, and a picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from deepnet.ledger.effects import Arms, estimated, of_arm, unless_missing
from deepnet.ledger.findings import ENDINGS, NothingToSeeError, NotMeasuredError
from deepnet.ledger.naming import arm_words
from deepnet.ledger.nearness import Masked
from deepnet.ledger.panels import Drawn, arms_panel, ceiling_of
from deepnet.ledger.reading import Effect, Reading, Rules
from simulate.house.counting import counted
from theory.ledger import Evidence, Picture
from theory.statistics import Estimate, exact

__all__ = ["Case", "evidence_of"]

_RAW = {
    "tow": "ToW",
    "retain_accuracy": "retain accuracy", "forget_accuracy": "forget accuracy", "test_accuracy": "test accuracy",
    "retain_damage": "retain accuracy lost", "test_damage": "test accuracy lost", "step": "steps to the stop",
    "auc": "AUC of the attack by loss", "relearn": "accuracy while relearning",
    "rise": "loss gained along ASAM's perturbation",
}  # fmt: skip
"""Numbers that stand beside every row, for both arms."""
_RAN = {"not reached": "did not reach the stop", "diverged": "diverged"}
"""What is told of runs that do not end as they should."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a claim's evidence is made of."""

    rules: Rules
    """How runs are read."""
    arms: Arms
    """The arms that raw numbers are told of, those compared first."""
    effect: Effect
    """The effect, replicate by replicate."""
    control: Effect
    """That of the negative control."""
    null: Effect
    """That of the null experiment."""
    linear: bool = True
    """Whether what is found of a replicate stays as it is when another one is left out."""
    column: str = "tow"
    """What the picture shows of the arms: a column, or "tow"."""
    words: str = "tug of war"
    """The same in words."""
    picture: Drawn | None = None
    """Another picture."""
    more: Mapping[str, Effect] = field(default_factory=dict)
    """Further numbers, by what they are."""


def evidence_of(reading: Reading, case: Case) -> Evidence:
    """What the findings say of a claim, as the protocol reads them.

    Args:
        reading: The reading.
        case: What it is about.

    Returns:
        The evidence, without an effect if something of it was not run at this scale, or cannot tell.
    """
    effect, missing, was_run = _found(case, reading)
    arms = [arm for arm in dict.fromkeys(case.arms(reading)) if arm in reading.findings.arms]
    paired = _paired(reading, arms)
    endings = {arm: _endings(reading, arm, case.rules, paired) for arm in arms}
    total = sum((Counter(found) for found in endings.values()), Counter[str]())
    known = {} if effect is None else {"replicates": exact(effect.degrees_of_freedom + 1.0)}
    beside = {} if reading.bare else known | _beside(reading, case, endings, paired)
    return Evidence(
        effect=effect,
        control=(was_run and unless_missing(case.control, reading)) or _unknown(),  # of no row, none either
        null=(was_run and unless_missing(case.null, reading)) or _unknown(),
        n_runs=total.total(),
        details=beside,
        endings={name: total[name] / total.total() for name in ENDINGS if total[name]},
        picture=None if reading.bare else _picture(reading, case, arms),
        was_run=was_run,
        remark="" if reading.bare else _remark(missing, endings),
    )


def _found(case: Case, reading: Reading) -> tuple[Estimate | None, str, bool]:
    """The effect; None with the reason, and whether it was run, if there is none."""
    try:
        return estimated(case.effect, reading, linear=case.linear), "", True
    except NotMeasuredError as error:
        return None, f"Not run at this scale: {error}.", False
    except NothingToSeeError as error:
        return None, f"{error}", True


def _unknown() -> Estimate:
    return Estimate(math.nan, math.nan, 0)


def _paired(reading: Reading, arms: Sequence[str]) -> frozenset[int]:
    """Replicates in which both arms that are compared were run: numbers beside an effect are of the runs it is of."""
    return frozenset(reading.replicates).intersection(*(reading.findings.arms[arm] for arm in arms[:2]))


def _among(effect: Effect, counted: frozenset[int]) -> Effect:
    """The same effect, masked but for some replicates; these have the references of all."""

    def found(reading: Reading) -> Masked:
        made = effect(reading)
        rest = np.array([number not in counted for number in reading.replicates])
        return np.ma.masked_where(np.broadcast_to(rest.reshape(-1, *[1] * (made.ndim - 1)), made.shape), made)

    return found


def _endings(reading: Reading, arm: str, rules: Rules, among: frozenset[int]) -> list[str]:
    try:
        return reading.endings(arm, rules, among)
    except NotMeasuredError:
        return []


def _beside(
    reading: Reading, case: Case, endings: Mapping[str, Sequence[str]], paired: frozenset[int]
) -> dict[str, Estimate]:
    """Raw numbers of all arms, the ceiling, and what else there is to know."""
    told: dict[str, Estimate | None] = {}
    arms = list(endings)
    for arm in arms:
        name = arm_words(arm)
        for column, words in _RAW.items():
            told[f"{words}, {name}"] = unless_missing(_among(of_arm(arm, column, case.rules), paired), reading)
        for ending, words in _RAN.items():
            told[f"runs that {words}, {name}"] = exact(float(endings[arm].count(ending)))
    if arms:
        told["ceiling: ToW of retrained networks among each other"] = ceiling_of(arms[0], case.rules, reading)
    told |= {words: unless_missing(effect, reading, linear=case.linear) for words, effect in case.more.items()}
    return {words: number for words, number in told.items() if number is not None}


def _picture(reading: Reading, case: Case, arms: Sequence[str]) -> Picture | None:
    if not arms:
        return None
    return (case.picture or arms_panel(arms, case.column, case.words, case.rules))(reading)


def _remark(missing: str, endings: Mapping[str, Sequence[str]]) -> str:
    """What was not run, and runs that do not count as usual."""
    told = [missing]
    for arm, found in endings.items():
        lost = [f"{found.count(word)} {words}" for word, words in _RAN.items() if word in found]
        if lost:
            told.append(f"{arm_words(arm)}: of {counted(len(found), 'run')} {' and '.join(lost)}.")
    return " ".join(filter(None, told))
