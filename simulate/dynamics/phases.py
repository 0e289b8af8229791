"""Objectives, and the named phases a run is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from simulate.dynamics.optimizers import SAM, SGD, Optimizer, SharpMinMax
from simulate.house import checks

__all__ = ["Loss", "NegGrad", "Objective", "Phase", "RandomLabel"]


@dataclass(frozen=True, kw_only=True)
class Loss:
    """The mean logistic loss log(1 + exp(-y f)) over all samples, or over the retain or forget set alone.

    `Loss(on="retain")` from fresh weights is retraining; `Loss(on="forget")` after unlearning is relearning.
    """

    on: Literal["all", "retain", "forget"] = "all"
    """The samples it covers."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.choice("on", self.on, ("all", "retain", "forget"))


@dataclass(frozen=True, kw_only=True)
class NegGrad:
    """Unlearning by ascent: α L(R) - (1 - α) L(F).

    Example:
        >>> NegGrad(alpha=1.3)
        Traceback (most recent call last):
        ...
        ValueError: Argument `alpha` must lie in [0, 1], but is 1.3.
    """

    alpha: float = 0.7
    """Weight α of the retain loss, in [0, 1]."""
    reduction: Literal["mean", "sum"] = "mean"
    """Whether L(R) and L(F) are means over their own (batch) samples, or sums."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.fraction("alpha", self.alpha)
        checks.choice("reduction", self.reduction, ("mean", "sum"))


@dataclass(frozen=True, kw_only=True)
class RandomLabel:
    """Unlearning by relabelling: the mean loss over all samples, forget labels flipped at random."""

    flip: float = 1.0
    """Probability that a forget sample's label is flipped, drawn once when the phase begins. 1 always flips;
    1/2 is the uniformly random label of the released code, which may be the true one."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.fraction("flip", self.flip)


Objective = Loss | NegGrad | RandomLabel
"""What is minimised, as weights of the samples."""


@dataclass(frozen=True)
class Phase:
    """One named stretch of training.

    Stopping rules are read before every step with full batches, and before every epoch with minibatches.

    Example:
        >>> phase = Phase("pretrain", Loss(), SGD(lr=0.01), steps=1000, stop_loss=1e-2)
        >>> phase.optimizer.lr
        0.01

        Unlearning that stops where the forget set is no better known than by a network that never saw it:

        >>> retrain = Phase("retrain", Loss(on="retain"), SGD(lr=0.01), steps=1000, stop_loss=1e-2, aside=True)
        >>> unlearn = Phase("unlearn", NegGrad(), SGD(lr=0.01), steps=1000, stop_forget_loss_above="retrain")
    """

    name: str
    """Name of the phase, unique in a run; sweeps address its fields by it ("unlearn.alpha")."""
    objective: Objective = field(default_factory=Loss)
    """What is descended: Loss, NegGrad or RandomLabel."""
    optimizer: Optimizer = field(default_factory=SGD)
    """How: SGD, SAM or SharpMinMax."""
    steps: int = 1000
    """Number of steps at most."""
    stop_loss: float | None = None
    """Stop once the mean loss over the samples the objective descends on is at most this (those Loss covers, the
    retain set for NegGrad, all samples with their random labels for RandomLabel)."""
    stop_forget_below: float | None = None
    """Stop once the accuracy on the forget set is at most this."""
    stop_forget_above: float | None = None
    """Stop once the accuracy on the forget set is at least this (for relearning)."""
    stop_forget_loss_above: float | str | None = None
    """Stop once the mean loss on the forget set, with the labels it was learned with, is at least this; or at least
    that at which the earlier phase of this name ended. At the loss of a network that was retrained without the set,
    it is forgotten as well as by one that never saw it."""
    aside: bool = False
    """Train from the initial weights, and put the network back where it was afterwards. That is for a network that is
    retrained without the forget set, at whose loss a later phase shall stop. Phases aside in a row are one training."""

    def __post_init__(self) -> None:
        """Validate every field and their combination."""
        checks.plain_fields(self)
        if not isinstance(self.name, str) or not self.name.isidentifier():
            checks.fail("name", "be a word of letters, digits and underscores", self.name)
        if not isinstance(self.objective, Objective):
            checks.fail("objective", "be a Loss, NegGrad or RandomLabel", self.objective)
        if not isinstance(self.optimizer, Optimizer):
            checks.fail("optimizer", "be an SGD, SAM or SharpMinMax", self.optimizer)
        checks.integer("steps", self.steps, least=0)
        for rule in ("stop_loss", "stop_forget_loss_above"):
            bound = getattr(self, rule)
            if bound is not None and not (isinstance(bound, str) and rule == "stop_forget_loss_above"):
                checks.real(rule, bound, nonnegative=True)
        checks.boolean("aside", self.aside)
        for rule in ("stop_forget_below", "stop_forget_above"):
            if getattr(self, rule) is not None:
                checks.fraction(rule, getattr(self, rule))
        if isinstance(self.optimizer, SharpMinMax) and not isinstance(self.objective, NegGrad):
            checks.fail("objective", "be NegGrad when the optimizer is SharpMinMax", self.objective)
        felt_by = self.optimizer.on if isinstance(self.optimizer, SAM) else "joint"
        covered = self.objective.on if isinstance(self.objective, Loss) else "all"
        if felt_by != "joint" and covered not in ("all", felt_by):
            checks.fail("on", f'be "joint" or "{covered}" for this objective', felt_by)

    @property
    def needs_retain(self) -> bool:
        """Whether the phase has no meaning when the retain set is empty."""
        covers = {"retain": True, "all": False, "forget": False}
        alone = isinstance(self.objective, Loss) and covers[self.objective.on]
        return alone or isinstance(self.objective, NegGrad) or _perturbs(self.optimizer, "retain")

    @property
    def needs_forget(self) -> bool:
        """Whether the phase has no meaning when the forget set is empty."""
        alone = isinstance(self.objective, Loss) and self.objective.on == "forget"
        rules = (self.stop_forget_below, self.stop_forget_above, self.stop_forget_loss_above)
        ruled = any(rule is not None for rule in rules)
        ascends = isinstance(self.objective, NegGrad | RandomLabel)
        return alone or ruled or ascends or _perturbs(self.optimizer, "forget")


def _perturbs(optimizer: Optimizer, part: str) -> bool:
    return isinstance(optimizer, SAM) and optimizer.on == part
