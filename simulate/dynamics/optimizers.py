"""Optimizers as data: how the gradient of an objective becomes a step.

The engines know one operation, `simulate.dynamics.plan.Update`; each optimizer here is a short list of updates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulate.house import checks

__all__ = ["SAM", "SGD", "Optimizer", "SharpMinMax"]


@dataclass(frozen=True, kw_only=True)
class SGD:
    """(Stochastic) gradient descent, W ← W - η ∇L(W).

    Example:
        >>> SGD(lr=0.01)
        SGD(lr=0.01, batch=None)
    """

    lr: float = 0.01
    """Step size η."""
    batch: int | None = None
    """Samples a step sees; None takes all of them. Batches of an epoch are disjoint; a remainder smaller than
    a batch sits the epoch out, so that every step sees exactly this many. NegGrad takes a batch of this size
    from the retain set and one from the forget set (at most all of it)."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.real("lr", self.lr, positive=True)
        if self.batch is not None:
            checks.integer("batch", self.batch, least=1)


@dataclass(frozen=True, kw_only=True)
class SAM:
    """Sharpness-aware step: the gradient is taken at W + ε̂, ε̂ = τ ∇L/‖∇L‖ over all filters and the same batch.

    The step direction is g + s λ (g_ε - g) with s = +1 to minimise sharpness and s = -1 to maximise it, where g
    is the gradient at W and g_ε at W + ε̂; λ = 1 and s = +1 is plain SAM.

    Source: Foret et al. 2021 (arXiv 2010.01412); the maximising form is that of the paper's released code.
    """

    lr: float = 0.01
    """Step size η."""
    tau: float = 0.03
    """Perturbation radius τ, the Frobenius norm of ε̂; 0 is SGD."""
    batch: int | None = None
    """Samples a step sees; see SGD."""
    on: Literal["joint", "retain", "forget"] = "joint"
    """Which part of the objective is made sharpness-aware: its whole, or only its terms on the retain or forget
    set; ε̂ then follows the gradient of these terms alone, and the other terms keep their gradient at W."""
    sharpness: Literal["min", "max"] = "min"
    """Whether sharpness is minimised or maximised."""
    mixing: float = 1.0
    """Mixing weight λ of the sharpness term."""
    adaptive: bool = False
    """ASAM: ε̂ = τ w² g / ‖w g‖ per coordinate. Not rotation invariant: engine "dense" only."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.real("lr", self.lr, positive=True)
        checks.real("tau", self.tau, nonnegative=True)
        checks.real("mixing", self.mixing, nonnegative=True)
        checks.choice("on", self.on, ("joint", "retain", "forget"))
        checks.choice("sharpness", self.sharpness, ("min", "max"))
        checks.boolean("adaptive", self.adaptive)
        if self.batch is not None:
            checks.integer("batch", self.batch, least=1)


@dataclass(frozen=True, kw_only=True)
class SharpMinMax:
    """Sharp MinMax: a retain part of the network is trained with SAM, a forget part with sharpness maximisation.

    When the phase begins the network is split by the size of the gradient of the forget loss. A step first
    descends α L(R) with sharpness minimised and moves the retain part only, then descends -(1 - α) L(F) with
    sharpness maximised and moves the forget part only. It needs the NegGrad objective. Filters of equal gradient are
    common (they have the same active neurons) and are ranked in their order, j = +1 first.

    Source: the paper's abstract and summaries; the order of the two steps is that of the released code.
    """

    lr: float = 0.01
    """Step size η of both steps."""
    tau: float = 0.03
    """Perturbation radius τ of the retain step."""
    tau_forget: float | None = None
    """Perturbation radius of the forget step; None takes `tau`."""
    batch: int | None = None
    """Samples a step sees; see SGD."""
    fraction: float = 0.5
    """Fraction of the network in the forget part, rounded to whole filters (or coordinates)."""
    polarity: Literal["top", "bottom"] = "top"
    """Whether the forget part holds the largest or the smallest forget gradients."""
    mixing: float = 1.0
    """Mixing weight λ of the sharpness terms; see SAM."""
    partition: Literal["filter", "coordinate"] = "filter"
    """What is ranked: the gradient norms of whole filters, which is rotation invariant, or the gradient of
    single coordinates (engine "dense" only)."""
    adaptive: bool = False
    """Use ASAM's perturbation in both steps (engine "dense" only)."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.plain_fields(self)
        checks.real("lr", self.lr, positive=True)
        checks.real("tau", self.tau, nonnegative=True)
        if self.tau_forget is not None:
            checks.real("tau_forget", self.tau_forget, nonnegative=True)
        checks.fraction("fraction", self.fraction)
        checks.choice("polarity", self.polarity, ("top", "bottom"))
        checks.real("mixing", self.mixing, nonnegative=True)
        checks.choice("partition", self.partition, ("filter", "coordinate"))
        checks.boolean("adaptive", self.adaptive)
        if self.batch is not None:
            checks.integer("batch", self.batch, least=1)


Optimizer = SGD | SAM | SharpMinMax
"""How a gradient becomes a step."""
