"""Claims that compare two arms: what they have in common, and the arms as one more thing that is left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from deepnet.ledger.choices import REFERENCE, STOP, UNREACHED
from deepnet.ledger.effects import Arms, between, comparison
from deepnet.ledger.evidence import Case, evidence_of
from deepnet.ledger.findings import NothingToSeeError, NotMeasuredError
from deepnet.ledger.nearness import Masked
from deepnet.ledger.reading import Effect, Reading, Rules, less
from simulate.house.counting import counted
from theory.ledger import Choice, Claim, Control, Region

__all__ = [
    "AGAIN", "EXPERIMENT", "FASTER", "MARGIN", "MATCHED", "NEGGRAD", "STATISTIC", "STOPPING", "TOW", "Settings",
    "check_begun", "compared", "doing_nothing", "same_again",
]  # fmt: skip

MARGIN = 0.02
"""Smallest effect of interest in ToW: what one in a hundred images lost on the retain and on the test set makes."""
NEGGRAD = "neggrad-sgd-after-sgd"
"""The arm that controls repeat."""
AGAIN = "control-other-batches"
"""The same arm with other batches."""
MATCHED = Rules(stop=STOP, reference=REFERENCE, unreached=UNREACHED)
"""How runs are read where all arms share their pretraining."""
TOW = r"\mathrm{ToW} = \mathrm{mean}_{r}\,(1 - |R - R_r|)\,(1 - |F - F_r|)\,(1 - |T - T_r|)"
"""The tug of war in LaTeX; R, F, T are accuracies on the retain, forget and test set, r the retrained networks."""
EXPERIMENT = (
    "Replicates have seeds, a split and a forget set of their own; each arm has a learning rate of its own, found on "
    "other replicates in a search that begins with the same rates for all arms and adds some where one at the edge "
    "wins."
)
"""What every row runs."""
STOPPING = (
    "Each run is read at the first step at which it has forgotten as much as the row's stop says, and ends when all "
    "its stops are passed or its epochs are over. The number of replicates was fixed before they were run. Rows that "
    "are judged more than once, with more replicates each time, have intervals that cover at all looks together."
)
"""Where runs stop."""
STATISTIC = (
    "Mean difference of both arms over replicates, paired by replicate; jackknife over replicates, which are left out "
    "as runs and as references; Student's interval. A run that diverges has a ToW of 0 and no other number."
)
"""How effects and intervals come about."""


@dataclass(frozen=True)
class Settings:
    """Pairs of arms that differ in what a claim is about, and are alike in all else.

    Attributes:
        pairs: The arms by what they have in common; the first pair is primary.
        reason: Why it is.
    """

    pairs: Mapping[str, tuple[str, str]]
    reason: str

    @property
    def choice(self) -> Choice[str]:
        """The pairs as what a claim leaves open."""
        primary, *others = self.pairs
        words = "setting that both arms share"
        return Choice(name="setting", words=words, primary=primary, others=tuple(others), reason=self.reason)

    def arms(self, reading: Reading) -> tuple[str, str]:
        """The pair that a protocol asks for."""
        return self.pairs[reading.pick(self.choice)]


def doing_nothing(settings: Settings, rules: Rules) -> Effect:
    """ToW of the pretrained networks less that of the second arm, for negative controls."""

    def effect(reading: Reading) -> Masked:
        arm = settings.arms(reading)[1]
        return less(reading.tow_of_start(arm, rules), reading.tow(arm, rules))

    return effect


def faster(reading: Reading) -> Masked:
    """Log of the steps to the match at a tenth more of the rate, less that at the rate; whatever else is chosen."""
    primary = Reading(reading.findings, left_out=reading.left_out)
    return between("control-rate-1.1", NEGGRAD, "log_step", MATCHED)(primary)


FASTER: Mapping[str, Any] = {
    "control": Control(name="a tenth more of the learning rate is no faster at the match", region=Region(low=0.0)),
    "control_effect": faster,
}
"""A negative control that is small, and that a broken match would miss."""


def same_again(column: str, rules: Rules) -> Effect:
    """An arm against itself with other batches, for null experiments."""
    return _timed(between(AGAIN, NEGGRAD, column, rules), lambda reading: (AGAIN, NEGGRAD), rules, column)


def _with_room(effect: Effect, settings: Settings, rules: Rules, margin: float) -> Effect:
    """An effect in ToW, where retraining is better than doing nothing by a margin at least.

    Where it is not, arms that do little cannot differ by it, and "no effect of interest" would be said of anything.
    """

    def found(reading: Reading) -> Masked:
        made = effect(reading)
        room = _room(reading, settings.arms(reading)[1], rules)
        if room is not None and room < margin:
            raise NothingToSeeError(
                f"Retraining is better than doing nothing by {room:.2g} in ToW, less than the smallest effect of "
                f"interest ({margin:g}): ToW cannot tell arms apart here."
            )
        return made

    return found


def _room(reading: Reading, arm: str, rules: Rules) -> float | None:
    """By how much retraining is better than doing nothing, in ToW; None if that was not measured."""
    try:
        ceiling, start = reading.ceiling(arm, rules), reading.tow_of_start(arm, rules)
    except NotMeasuredError:
        return None
    return float(ceiling.mean() - start.mean()) if ceiling.count() and start.count() else None


def check_begun(reading: Reading, arms: Sequence[str], rules: Rules) -> None:
    """Require that most runs have made a step before their stop: those that have not are what they started from.

    The held-out loss stops such runs where the images to be forgotten are hard, or have wrong labels: their loss is
    that large before anything is unlearned.

    Raises:
        NothingToSeeError: if half of the runs or more were stopped before their first step.
    """
    steps = np.ma.concatenate([reading.values(arm, "step", rules) for arm in arms]).compressed()
    if 2 * np.count_nonzero(steps == 0) >= len(steps) > 0:
        raise NothingToSeeError(
            f"Of {len(steps)} runs {np.count_nonzero(steps == 0)} were stopped before their first step: they are what "
            "they started from."
        )


def _check_timed(reading: Reading, arms: Sequence[str], rules: Rules) -> None:
    """Require that in most pairs a run has reached its stop: two that have not took all steps, and differ by none.

    Raises:
        NothingToSeeError: if in half of the pairs that count or more neither has.
    """
    made = less(*(reading.values(arm, "log_step", rules) for arm in arms))
    shared = [one for one, lost in zip(reading.replicates, np.ma.getmaskarray(made), strict=True) if not lost]
    runs = [reading.findings.stopped(arm, reading.pick(rules.stop)) for arm in arms]
    endless = sum(all(known[one].ending == "not reached" for known in runs) for one in shared)
    if 2 * endless >= len(shared) > 0:
        raise NothingToSeeError(
            f"In {endless} of {counted(len(shared), 'pair')} of runs neither reached the stop: how many steps it takes "
            "is not known."
        )


def _begun(effect: Effect, arms: Arms, rules: Rules) -> Effect:
    """An effect of runs that have begun."""

    def found(reading: Reading) -> Masked:
        made = effect(reading)
        check_begun(reading, arms(reading)[:2], rules)
        return made

    return found


def _timed(effect: Effect, arms: Arms, rules: Rules, column: str) -> Effect:
    """An effect; if it is of the steps to a stop, of runs that have come there."""
    if column != "log_step":
        return effect

    def found(reading: Reading) -> Masked:
        made = effect(reading)
        _check_timed(reading, arms(reading)[:2], rules)
        return made

    return found


def _at(scale: str, instead: Mapping[str, str], effect: Effect) -> Effect:
    """An effect that is looked at at one scale only, if it is named, and not where another claim asks for it."""

    def found(reading: Reading) -> Masked:
        here = reading.findings.scale
        if scale and here != scale:
            raise NotMeasuredError(f"it is asked of the scale {scale}")
        if here in instead:
            raise NotMeasuredError(f"the claim {instead[here]} asks it here")
        return effect(reading)

    return found


def compared(
    settings: Settings,
    *,
    rules: Rules = MATCHED,
    column: str = "tow",
    words: str = "tug of war",
    more: Mapping[str, Effect] | None = None,
    only_at: str = "",
    instead: Mapping[str, str] | None = None,
    **fields: Any,
) -> Claim:
    """A claim on two arms.

    Args:
        settings: The arms.
        rules: How runs are read.
        column: What is compared; see `deepnet.ledger.effects.of_arm`.
        words: The same in words, for the picture.
        more: Further numbers beside the row, by what they are.
        only_at: Name of the scale that it is about; at others it is not run. Empty for all.
        instead: Names of claims that ask the same at a scale of their own, by that scale: no number is judged twice.
        fields: Fields of the claim, beyond those that all have; a `control_effect` other than that of doing nothing
            comes with its `control`.
    """
    margin = fields.get("margin", MARGIN)
    begun = _begun(comparison(settings.arms, column, rules), settings.arms, rules)
    effect = _timed(begun, settings.arms, rules, column)
    case = Case(
        rules=rules,
        arms=settings.arms,
        effect=_at(only_at, instead or {}, _with_room(effect, settings, rules, margin) if column == "tow" else effect),
        control=fields.pop("control_effect", None) or doing_nothing(settings, rules),
        null=same_again(column, rules),
        column=column,
        words=words,
        more=more or {},
    )
    usual: dict[str, Any] = {
        "experiment": EXPERIMENT,
        "stopping_rule": STOPPING,
        "statistic": STATISTIC,
        "supported": Region(low=0.0),
        "margin": margin,
        "family": "paper",
        "control": Control(name="the pretrained network has no lower ToW than the second arm", region=Region(low=0.0)),
        "null": Control(
            name="NegGrad with SGD against itself with other batches, in the same number",
            region=Region.around(0.0, margin),
        ),
        "choices": (rules.stop, rules.reference, rules.unreached)
        + ((settings.choice,) if len(settings.pairs) > 1 else ()),
        "measure": partial(evidence_of, case=case),
    }
    return Claim(**usual | fields)
