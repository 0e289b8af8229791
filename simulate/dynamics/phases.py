"""The named phases a run is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulate.dynamics.objectives import Loss, Objective
from simulate.dynamics.optimizers import SGD, Optimizer
from simulate.house import checks

__all__ = ["Phase"]


@dataclass(frozen=True)
class Phase:
    """One named stretch of training.

    Stopping rules are read before every step with full batches, and before every epoch with minibatches.

    Example:
        >>> phase = Phase("pretrain", Loss(), SGD(lr=0.01), steps=1000, stop_loss=1e-2)
        >>> phase.optimizer.lr
        0.01

        Unlearning that stops where the forget set is no better known than by a network that never saw it:

        >>> from simulate import NegGrad
        >>> retrain = Phase("retrain", Loss(on="retain"), SGD(lr=0.01), steps=1000, stop_loss=1e-2, aside=True)
        >>> unlearn = Phase("unlearn", NegGrad(), SGD(lr=0.01), steps=1000, stop_forget_loss_above="retrain")
    """

    name: str
    """Name of the phase, unique in a run; sweeps address its fields by it ("unlearn.alpha")."""
    objective: Objective = field(default_factory=Loss)
    """What is descended; see `simulate.dynamics.objectives`."""
    optimizer: Optimizer = field(default_factory=SGD)
    """How; see `simulate.dynamics.optimizers`."""
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
            checks.fail("objective", "be an objective such as Loss()", self.objective)
        if not isinstance(self.optimizer, Optimizer):
            checks.fail("optimizer", "be an optimizer such as SGD()", self.optimizer)
        checks.integer("steps", self.steps, least=0)
        for rule in ("stop_loss", "stop_forget_loss_above"):
            bound = getattr(self, rule)
            if bound is not None and not (isinstance(bound, str) and rule == "stop_forget_loss_above"):
                checks.real(rule, bound, nonnegative=True)
        checks.boolean("aside", self.aside)
        for rule in ("stop_forget_below", "stop_forget_above"):
            if getattr(self, rule) is not None:
                checks.fraction(rule, getattr(self, rule))
        self.optimizer.check(self.objective)

    @property
    def needs_retain(self) -> bool:
        """Whether the phase has no meaning when the retain set is empty."""
        return "retain" in self.objective.needs | self.optimizer.needs

    @property
    def needs_forget(self) -> bool:
        """Whether the phase has no meaning when the forget set is empty."""
        rules = (self.stop_forget_below, self.stop_forget_above, self.stop_forget_loss_above)
        return "forget" in self.objective.needs | self.optimizer.needs or any(rule is not None for rule in rules)
