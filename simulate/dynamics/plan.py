"""A phase compiled for one instance: what every engine executes.

Objectives and optimizers meet here and leave as signed sample weights and a list of updates; the engines know
nothing of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulate.dynamics.batches import Batches, pools_of
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.dynamics.phases import Loss, NegGrad, Phase, RandomLabel
from simulate.house import ties
from simulate.problems.instance import Instance
from simulate.problems.streams import stream

__all__ = ["Partition", "Plan", "StopRules", "Update", "compile_phase"]


@dataclass(frozen=True, eq=False)
class Update:
    """One move of the weights: W ← W - η ĝ on the chosen filters.

    ĝ = g + mixing (g_ε - g), where g = Σ_i ω_i ∇ℓ_i(W) over the batch and g_ε differs from g in the perturbed
    samples, whose gradients are taken at W + ε̂; ε̂ = τ g'/‖g'‖ with g' the perturbed samples' part of g.

    Attributes:
        weight: Signed weights ω_i of the samples' losses, (n,).
        perturbed: Samples that define ε̂ and feel it, (n,) of bool.
        lr: Step size η.
        tau: Radius τ; 0 leaves ĝ = g.
        mixing: s λ of `simulate.dynamics.optimizers.SAM`: 1 for SAM, negative to maximise sharpness.
        adaptive: Whether ε̂ is ASAM's.
        part: Which part of a partitioned network moves: "all", "retain" or "forget".
    """

    weight: np.ndarray
    perturbed: np.ndarray
    lr: float
    tau: float = 0.0
    mixing: float = 0.0
    adaptive: bool = False
    part: str = "all"

    @property
    def is_plain(self) -> bool:
        """Whether the perturbation plays no role, as in SGD."""
        return self.tau == 0.0 or self.mixing == 0.0


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


@dataclass(frozen=True)
class Partition:
    """How the network is split when a phase begins."""

    fraction: float
    """Fraction in the forget part."""
    largest: bool
    """Whether the forget part holds the largest forget gradients."""
    by_coordinate: bool
    """Whether single coordinates are ranked instead of filters."""


@dataclass(frozen=True, eq=False)
class Plan:
    """One phase of one trajectory.

    Attributes:
        phase: The phase it was compiled from.
        target: Label ±1 that each sample's loss uses, (n,).
        full_weight: Signed weights of the samples' losses when every step sees all of them, (n,).
        learned: Samples whose mean loss `stop_loss` watches, (n,) of bool.
        updates: The moves of one step, in order.
        partition: The split of the network the updates' parts refer to, or None.
        batches: Which samples each step sees.
        stop: Rules that end the phase early.
    """

    phase: Phase
    target: np.ndarray
    full_weight: np.ndarray
    learned: np.ndarray
    updates: tuple[Update, ...]
    partition: Partition | None
    batches: Batches
    stop: StopRules

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
    _check_sets(phase, instance)
    retain, forget = ~instance.forget, instance.forget
    parts = _parts(phase, retain, forget)
    pools = pools_of(tuple(np.flatnonzero(part) for part in parts), phase.optimizer.batch)
    batches = Batches(instance.n, pools, seed=instance.seed, phase=phase.name)
    return Plan(
        phase=phase,
        target=_targets(phase, instance),
        full_weight=_weights(phase, parts, [int(part.sum()) for part in parts]),
        learned=retain if isinstance(phase.objective, NegGrad) else parts[0],
        updates=_updates(phase.optimizer, _weights(phase, parts, [pool.batch for pool in pools]), retain, forget),
        partition=_partition(phase.optimizer),
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


def _check_sets(phase: Phase, instance: Instance) -> None:
    n_forget = int(instance.forget.sum())
    if phase.needs_forget and n_forget == 0:
        raise ValueError(f'Argument `forget` must leave a forget set for phase "{phase.name}", but it is empty.')
    if phase.needs_retain and n_forget == instance.n:
        raise ValueError(f'Argument `forget` must leave a retain set for phase "{phase.name}", but it is empty.')


def _parts(phase: Phase, retain: np.ndarray, forget: np.ndarray) -> tuple[np.ndarray, ...]:
    """The sets that each give a batch to every step."""
    if isinstance(phase.objective, NegGrad):
        return retain, forget
    if isinstance(phase.objective, Loss) and phase.objective.on != "all":
        return (retain if phase.objective.on == "retain" else forget,)
    return (retain | forget,)


def _weights(phase: Phase, parts: tuple[np.ndarray, ...], sizes: list[int]) -> np.ndarray:
    """Signed weights of the samples' losses; they already hold 1/B."""
    weight = np.zeros(len(parts[0]))
    if not isinstance(phase.objective, NegGrad):
        weight[parts[0]] = 1.0 / sizes[0]
        return weight
    alpha = phase.objective.alpha
    for part, factor, size in zip(parts, (alpha, alpha - 1.0), sizes, strict=True):
        weight[part] = factor / size if phase.objective.reduction == "mean" else factor
    return weight


def _targets(phase: Phase, instance: Instance) -> np.ndarray:
    if not isinstance(phase.objective, RandomLabel):
        return instance.y
    draws = stream(instance.seed, "targets", phase.name).random(instance.n)
    return np.where(instance.forget & (draws < phase.objective.flip), -instance.y, instance.y)


def _updates(
    optimizer: SGD | SAM | SharpMinMax, weight: np.ndarray, retain: np.ndarray, forget: np.ndarray
) -> tuple[Update, ...]:
    everyone = retain | forget
    if isinstance(optimizer, SGD):
        return (Update(weight, everyone, optimizer.lr),)
    if isinstance(optimizer, SAM):
        felt_by = {"joint": everyone, "retain": retain, "forget": forget}[optimizer.on]
        sign = 1.0 if optimizer.sharpness == "min" else -1.0
        mixing = sign * optimizer.mixing
        return (Update(weight, felt_by, optimizer.lr, optimizer.tau, mixing, optimizer.adaptive),)
    tau_forget = optimizer.tau if optimizer.tau_forget is None else optimizer.tau_forget
    common = Update(weight, everyone, optimizer.lr, adaptive=optimizer.adaptive)
    return (
        replace(common, weight=weight * retain, tau=optimizer.tau, mixing=optimizer.mixing, part="retain"),
        replace(common, weight=weight * forget, tau=tau_forget, mixing=-optimizer.mixing, part="forget"),
    )


def _partition(optimizer: SGD | SAM | SharpMinMax) -> Partition | None:
    if not isinstance(optimizer, SharpMinMax):
        return None
    return Partition(optimizer.fraction, optimizer.polarity == "top", optimizer.partition == "coordinate")
