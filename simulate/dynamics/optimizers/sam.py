"""Sharpness-aware minimisation, and maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers.base import Optimizer
from simulate.dynamics.updates import Update
from simulate.house import checks

__all__ = ["SAM"]


@dataclass(frozen=True, kw_only=True, repr=False)
class SAM(Optimizer):
    """Sharpness-aware step: the gradient is taken at W + ε̂, ε̂ = τ ∇L/‖∇L‖ over all filters and the same batch.

    The step direction is g + s λ (g_ε - g) with s = +1 to minimise sharpness and s = -1 to maximise it, where g
    is the gradient at W and g_ε at W + ε̂; λ = 1 and s = +1 is plain SAM.

    Source: Foret et al. 2021 (arXiv 2010.01412), whose m-SAM is `micro_batches`; the maximising form is that of the
    paper's released code, the one without a normalised ε̂ that of Andriushchenko & Flammarion 2022 (arXiv 2206.06232).
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
    normalised: bool = True
    """Whether ε̂ has the length τ; otherwise it is τ ∇L, which vanishes as the loss does."""
    micro_batches: int = 1
    """m-SAM: samples are dealt out in their order into so many groups, and the part of a step's batch that is in a
    group has an ε̂ of its own; the step is the sum of their gradients."""

    rarer: ClassVar[frozenset[str]] = Optimizer.rarer | {"normalised", "micro_batches"}

    def __post_init__(self) -> None:
        """Validate every field."""
        super().__post_init__()
        checks.real("tau", self.tau, nonnegative=True)
        checks.real("mixing", self.mixing, nonnegative=True)
        checks.choice("on", self.on, ("joint", "retain", "forget"))
        checks.choice("sharpness", self.sharpness, ("min", "max"))
        checks.boolean("adaptive", self.adaptive)
        checks.boolean("normalised", self.normalised)
        if self.adaptive and not self.normalised:
            checks.fail("normalised", "be True for ASAM", self.normalised)
        checks.integer("micro_batches", self.micro_batches, least=1)

    @property
    def moves(self) -> int:
        """One for each micro-batch."""
        return self.micro_batches

    def updates(self, weight: np.ndarray, retain: np.ndarray, forget: np.ndarray) -> tuple[Update, ...]:
        """The gradients of the micro-batches, each with its own ε̂, and one move along their sum."""
        felt_by = {"joint": retain | forget, "retain": retain, "forget": forget}[self.on]
        mixing = self.mixing if self.sharpness == "min" else -self.mixing
        group = np.arange(len(weight)) % self.micro_batches
        return tuple(
            Update(
                weight * (group == number), felt_by, self.lr, self.tau, mixing, self.adaptive,
                normalised=self.normalised, gathers=number < self.micro_batches - 1,
            )
            for number in range(self.micro_batches)
        )  # fmt: skip

    def check(self, objective: Objective) -> None:
        """What is made sharpness-aware must be in the objective."""
        if self.on != "joint" and objective.covers not in ("all", self.on):
            checks.fail("on", f'be "joint" or "{objective.covers}" for this objective', self.on)

    @property
    def needs(self) -> frozenset[str]:
        """The set whose terms are made sharpness-aware."""
        return frozenset() if self.on == "joint" else frozenset({self.on})
