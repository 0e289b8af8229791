"""A phase compiled for one instance: what every engine executes.

Objectives and optimizers meet here and leave as signed sample weights and a list of updates; the engines know
nothing of either.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulate.dynamics.batches import Batches, pools_of
from simulate.dynamics.label_turns import Turns
from simulate.dynamics.objectives import Objective
from simulate.dynamics.phases import Phase
from simulate.dynamics.updates import Descent, Partition, Update
from simulate.house import ties
from simulate.problems.instance import Instance, Labels

__all__ = ["Plan", "StopRules", "compile_phase", "compile_phases"]


@dataclass(frozen=True)
class StopRules:
    """When a phase ends early; a rule that is None never fires.

    Engines compare with these bounds as they are: what is tied with a bound of the phase is within them.
    """

    loss: float | None
    """Mean loss over the learned samples at or below this."""
    forget_below: float | None
    """Accuracy on the forget set at or below this."""
    forget_above: float | None
    """Accuracy on the forget set at or above this."""
    forget_loss_above: float | None
    """Mean loss on the forget set, with its observed labels, at or above this; None, too, while the phase that it is
    taken from has not ended."""
    every: int
    """Steps between two looks at the rules."""


@dataclass(frozen=True, eq=False)
class Plan:
    """One phase of one trajectory.

    Attributes:
        phase: The phase it was compiled from.
        target: Label ±1 that each sample's loss uses, (n,).
        full_weight: Signed weights of the samples' losses when every step sees all of them, (n,).
        learned: Samples whose mean loss `stop_loss` watches, (n,) of bool.
        updates: The moves of one step, in order.
        descent: How the direction of an update becomes a move.
        turns: Labels that single steps see turned.
        bound: β with which the terms of the forget set are damped, see `simulate.dynamics.step.damping`; 0 is not.
        partition: The split of the network the updates' parts refer to, or None.
        batches: Which samples each step sees.
        stop: Rules that end the phase early.
    """

    phase: Phase
    target: np.ndarray
    full_weight: np.ndarray
    learned: np.ndarray
    updates: tuple[Update, ...]
    descent: Descent
    turns: Turns
    bound: float
    partition: Partition | None
    batches: Batches
    stop: StopRules

    @property
    def is_plain(self) -> bool:
        """Whether every step is the same few moves W ← W - η ĝ, which depend on nothing but W and the batch."""
        optimizer = self.phase.optimizer
        steady = optimizer.schedule == "constant" and optimizer.warmup == self.turns.probability == self.bound == 0.0
        return steady and self.descent.is_plain and not any(u.gathers or not u.normalised for u in self.updates)

    def rates(self, first: int, last: int) -> np.ndarray:
        """Step sizes of the steps first, …, last - 1 over those of the updates; a single one where all are the same."""
        return self.phase.optimizer.rates(first, last, self.phase.steps)

    def stopping_at(self, forget_losses: Mapping[str, float]) -> Plan:
        """The plan with a rule that names a phase filled in.

        Args:
            forget_losses: Mean loss on the forget set at which each earlier phase ended.

        Raises:
            ValueError: if that phase is not among them.
        """
        named = self.phase.stop_forget_loss_above
        if not isinstance(named, str):
            return self
        if named not in forget_losses:
            raise ValueError(
                f'Argument `stop_forget_loss_above` of phase "{self.phase.name}" must name a phase that has ended, '
                f"but is {named!r}."
            )
        return replace(self, stop=replace(self.stop, forget_loss_above=_reached(forget_losses[named])))


def _reached(forget_loss: float) -> float:
    """The bound at and above which a loss is not below another, up to rounding."""
    return forget_loss * (1.0 - ties.ROUNDING)


def compile_phase(phase: Phase, instance: Instance) -> Plan:
    """Compile a phase for an instance.

    Args:
        phase: The phase.
        instance: The instance; its seed names the streams of batches and random labels.

    Returns:
        The plan every engine executes.

    Raises:
        ValueError: if the phase needs a retain or forget set that is empty, or a batch is too large.
    """
    return _compile(phase, instance.labels)


def compile_phases(phases: Sequence[Phase], instances: Sequence[Instance]) -> list[Plan]:
    """Compile a phase for each of many instances; equal phases of instances with the same labels share a plan.

    Raises:
        ValueError: as `compile_phase` does.
    """
    compiled: dict[Hashable, Plan] = {}
    plans = []
    for phase, instance in zip(phases, instances, strict=True):
        labels = instance.labels
        key = phase, labels.key
        if key not in compiled:
            compiled[key] = _compile(phase, labels)
        plans.append(compiled[key])
    return plans


def _compile(phase: Phase, labels: Labels) -> Plan:
    _check_sets(phase, labels)
    retain, forget = ~labels.forget, labels.forget
    objective, optimizer = phase.objective, phase.optimizer
    sets = objective.sets(retain, forget)
    pools = pools_of(tuple(np.flatnonzero(members) for members in sets), optimizer.batch)
    batches = Batches(labels.n, pools, seed=labels.seed, phase=phase.name)
    return Plan(
        phase=phase,
        target=objective.targets(labels, phase.name),
        full_weight=_weights(objective, sets, [int(members.sum()) for members in sets]),
        learned=sets[0],
        updates=optimizer.updates(_weights(objective, sets, [pool.batch for pool in pools]), retain, forget),
        descent=optimizer.descent,
        turns=Turns(objective.label_noise, labels.n, seed=labels.seed, phase=phase.name),
        bound=objective.bound,
        partition=optimizer.partition_of_network(),
        batches=batches,
        stop=_stop_rules(phase, int(forget.sum()), every=1 if batches.full else batches.steps_per_epoch),
    )


def _stop_rules(phase: Phase, n_forget: int, *, every: int) -> StopRules:
    """The rules of a phase, once for all engines: a loss or an accuracy that is tied with its bound has reached it.

    An accuracy is k/|F| and nothing else, so that its bounds become such fractions: 1 - 0.9 stops at one in ten.
    """
    loss, below, above = phase.stop_loss, phase.stop_forget_below, phase.stop_forget_above
    forget_loss = phase.stop_forget_loss_above
    return StopRules(
        loss=None if loss is None else loss * (1.0 + ties.ROUNDING),
        forget_below=None if below is None else ties.rounded_down(below * n_forget) / n_forget,
        forget_above=None if above is None else ties.rounded_up(above * n_forget) / n_forget,
        forget_loss_above=None if forget_loss is None or isinstance(forget_loss, str) else _reached(forget_loss),
        every=every,
    )


def _check_sets(phase: Phase, labels: Labels) -> None:
    n_forget = int(labels.forget.sum())
    if phase.needs_forget and n_forget == 0:
        raise ValueError(f'Argument `forget` must leave a forget set for phase "{phase.name}", but it is empty.')
    if phase.needs_retain and n_forget == labels.n:
        raise ValueError(f'Argument `forget` must leave a retain set for phase "{phase.name}", but it is empty.')


def _weights(objective: Objective, sets: tuple[np.ndarray, ...], sizes: list[int]) -> np.ndarray:
    """Signed weights of the samples' losses; they already hold 1/B."""
    weight = np.zeros(len(sets[0]))
    for members, value in zip(sets, objective.weights(sizes), strict=True):
        weight[members] = value
    return weight
