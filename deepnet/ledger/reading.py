"""Findings as a protocol reads them: a number of each replicate of an arm, at its stop, against its references."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from deepnet.ledger.choices import BASE
from deepnet.ledger.findings import PLAIN, Findings, NotMeasuredError, Stopped
from deepnet.ledger.nearness import Masked, ceiling_matrix, tow_matrix
from simulate.house import ties
from theory.ledger import Choice, Protocol

__all__ = ["Effect", "Reading", "Rules", "less"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The choices by which a claim reads runs."""

    stop: Choice[str]
    """Where a run is read."""
    reference: Choice[str]
    """What ToW is held against."""
    unreached: Choice[str]
    """How runs count that never reach the stop."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Findings under a protocol, of some replicates."""

    findings: Findings
    """The findings of a scale."""
    protocol: Protocol = field(default_factory=dict)
    """Values of choices that are not primary."""
    bare: bool = False
    """Whether only what verdicts are made of is wanted."""
    left_out: frozenset[int] = frozenset()
    """Replicates that are left out, as runs and as references."""

    def pick(self, choice: Choice[T]) -> T:
        """The value of a choice."""
        return choice.of(self.protocol)

    def without(self, replicate: int) -> Reading:
        """The same without a replicate."""
        return replace(self, left_out=self.left_out | {replicate})

    @property
    def replicates(self) -> tuple[int, ...]:
        """Numbers of the replicates, which are the first axis of all arrays."""
        return tuple(number for number in self.findings.replicates if number not in self.left_out)

    def tow(self, arm: str, rules: Rules) -> Masked:
        """ToW of an arm, (replicates, replicates of references); see `deepnet.ledger.nearness`.

        Masked where a run is missing, or left out for not reaching the stop; 0 where it diverged.

        Raises:
            NotMeasuredError: if the arm, its stop or its references were not run.
        """
        stop, unreached = self.pick(rules.stop), self.pick(rules.unreached)
        key = ("tow", arm, stop, unreached)
        return self._against(arm, rules, key, lambda known: tow_matrix(self._numbers(arm, stop, unreached), known))

    def tow_of_start(self, arm: str, rules: Rules) -> Masked:
        """The same of the pretrained networks that an arm starts from: of doing nothing."""
        place = (self.findings.about(arm, "forget"), self.findings.about(arm, "pretraining"))
        if place not in self.findings.pretrained:
            raise NotMeasuredError(f"no network pretrained with {place[1]} was measured")
        known = self.findings.pretrained[place]
        started = [known.get(number) for number in self.findings.replicates]
        return self._against(arm, rules, ("start", *place), lambda references: tow_matrix(started, references))

    def ceiling(self, arm: str, rules: Rules) -> Masked:
        """The same of retrained networks against each other: what nothing but chance takes from 1."""
        return self._against(arm, rules, ("ceiling",), ceiling_matrix)

    def values(self, arm: str, column: str, rules: Rules) -> Masked:
        """A number of each run of an arm at its stop, (replicates,).

        Args:
            arm: Name of the arm.
            column: A measured number (`retain_accuracy`, `auc`, `relearn`, …); `step`, of a run that does not reach the
                stop its last one; `log_step`, its logarithm, a match before the first step counted as one step;
                `retain_damage`, `test_damage`, the accuracy that was lost, or `damage`, the mean of both.
            rules: How runs are read.

        Returns:
            The numbers; masked where a run is missing or left out, NaN where it diverged.

        Raises:
            NotMeasuredError: if the arm or its stop was not run, or no run has such a number.
        """
        stop, unreached, base = self.pick(rules.stop), self.pick(rules.unreached), self.pick(BASE)
        key = ("values", arm, column, stop, unreached, base)
        return self._kept(self._once(key, lambda: self._values(arm, column, stop, unreached)))

    def _values(self, arm: str, column: str, stop: str, unreached: str) -> Masked:
        """The same of all replicates."""
        stopped = self._stopped(arm, stop, unreached)
        made = np.ma.masked_all(len(stopped))
        for place, (number, one) in enumerate(zip(self.findings.replicates, stopped, strict=True)):
            if one is not None:
                made[place] = math.nan if one.ending == "diverged" else self._value(arm, number, one, column)
        if np.isnan(made.compressed()).all() and any(one is not None and one.ending != "diverged" for one in stopped):
            raise NotMeasuredError(f"{column} of the arm {arm} was not measured")
        return made

    def still(self, optimizer: str, forget: str, column: str) -> Masked:
        """A number of the pretrained networks, (replicates,); masked where it was not measured."""
        known = self.findings.pretrained.get((forget, optimizer), {})
        made = np.ma.masked_all(len(self.findings.replicates))
        for place, number in enumerate(self.findings.replicates):
            value = known.get(number, {}).get(column)
            if value is not None:
                made[place] = value
        if not made.count():
            raise NotMeasuredError(f"{column} of networks pretrained with {optimizer} was not measured")
        return self._kept(made)

    def endings(self, arm: str, rules: Rules, among: Collection[int] | None = None) -> list[str]:
        """How the runs of an arm stand to its stop, in all replicates or among some."""
        known = self.findings.stopped(arm, self.pick(rules.stop))
        counted = self.replicates if among is None else among
        return [known[number].ending for number in self.replicates if number in known and number in counted]

    def _stopped(self, arm: str, stop: str, unreached: str) -> list[Stopped | None]:
        """The runs of an arm that count, one a replicate."""
        known = self.findings.stopped(arm, stop)
        found = [known.get(number) for number in self.findings.replicates]
        return [None if one and one.ending == "not reached" and unreached == "left out" else one for one in found]

    def _numbers(self, arm: str, stop: str, unreached: str) -> list[Any]:
        return [None if one is None else one.numbers for one in self._stopped(arm, stop, unreached)]

    def _value(self, arm: str, number: int, one: Stopped, column: str) -> float:
        if column in ("step", "log_step"):
            step = float(one.step or 0)
            return step if column == "step" else math.log(max(step, 1.0))
        if column == "log_seconds":  # of the whole run, whatever the stop
            return math.log(self.findings.arm(arm)[number].get("seconds", math.nan))
        if column == "damage":
            return (self._lost(arm, number, one, "retain") + self._lost(arm, number, one, "test")) / 2.0
        if column.endswith("_damage"):
            return self._lost(arm, number, one, column.removesuffix("_damage"))
        value = one.numbers.get(column)
        return math.nan if value is None else float(value)

    def _lost(self, arm: str, number: int, one: Stopped, name: str) -> float:
        """The accuracy that a run has lost on a set."""
        forget, column = self.findings.about(arm, "forget"), f"{name}_accuracy"
        if self.pick(BASE) == "retrained":
            before = next(iter(self.findings.retrained.get((forget, PLAIN), {}).get(number, [])), None)
        else:
            known = self.findings.pretrained.get((forget, self.findings.about(arm, "pretraining")), {})
            before = known.get(number)
        after = one.numbers.get(column)
        return math.nan if before is None or after is None else float(before[column]) - float(after)

    def _against(
        self, arm: str, rules: Rules, key: tuple[Any, ...], make: Callable[[Sequence[Sequence[Any]]], Masked]
    ) -> Masked:
        """A matrix against the references of an arm, made once for all of its replicates."""
        how = self.pick(rules.reference)
        optimizer = self.findings.about(arm, "pretraining") if how == "own optimizer" else PLAIN
        place = (self.findings.about(arm, "forget"), optimizer)
        if place not in self.findings.retrained:
            raise NotMeasuredError(f"no network was retrained with {optimizer} without the forget set {place[0]}")
        known = [self.findings.retrained[place].get(number, []) for number in self.findings.replicates]
        kept = self._kept(self._once((*key, *place), lambda: make(known)), axes=2)
        if how == "same replicate":
            kept = np.ma.array(kept, mask=np.ma.getmaskarray(kept) | ~np.eye(len(kept), dtype=bool))
        if not kept.count() and not self.left_out:
            raise NotMeasuredError(f"{arm} and its references share no replicate")
        return kept

    def _once(self, key: tuple[Any, ...], make: Callable[[], Masked]) -> Masked:
        """An array over all replicates, made once for all readings."""
        cache = self.findings.cache
        if key not in cache:
            cache[key] = make()
        return cache[key]

    def _kept(self, made: Masked, axes: int = 1) -> Masked:
        """Of an array over all replicates that of these."""
        keep = [place for place, number in enumerate(self.findings.replicates) if number not in self.left_out]
        return made[np.ix_(*[keep] * axes)]


Effect = Callable[[Reading], Masked]
"""What is compared, replicate by replicate along the first axis; its mean is the effect."""


def less(one: Masked, other: Masked) -> Masked:
    """Differences, 0 where both are tied; masked where either is."""
    mask = np.ma.getmaskarray(one) | np.ma.getmaskarray(other)
    return np.ma.array(ties.difference(one.filled(0.0), other.filled(0.0)), mask=mask)
