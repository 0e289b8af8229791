"""Sharp MinMax: sharpness is minimised on a part of the network that retains, and maximised on one that forgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers.base import Optimizer
from simulate.dynamics.updates import Partition, Update
from simulate.house import checks

__all__ = ["SharpMinMax"]


@dataclass(frozen=True, kw_only=True, repr=False)
class SharpMinMax(Optimizer):
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
        super().__post_init__()
        checks.real("tau", self.tau, nonnegative=True)
        if self.tau_forget is not None:
            checks.real("tau_forget", self.tau_forget, nonnegative=True)
        checks.fraction("fraction", self.fraction)
        checks.choice("polarity", self.polarity, ("top", "bottom"))
        checks.real("mixing", self.mixing, nonnegative=True)
        checks.choice("partition", self.partition, ("filter", "coordinate"))
        checks.boolean("adaptive", self.adaptive)

    @property
    def moves(self) -> int:
        """One of the retain part, and one of the forget part."""
        return 2

    def updates(self, weight: np.ndarray, retain: np.ndarray, forget: np.ndarray) -> tuple[Update, ...]:
        """The retain part moves, and then the forget part."""
        tau_forget = self.tau if self.tau_forget is None else self.tau_forget
        common = Update(weight, retain | forget, self.lr, adaptive=self.adaptive)
        return (
            replace(common, weight=weight * retain, tau=self.tau, mixing=self.mixing, part="retain"),
            replace(common, weight=weight * forget, tau=tau_forget, mixing=-self.mixing, part="forget"),
        )

    def partition_of_network(self) -> Partition:
        """By the size of the gradient of the forget loss."""
        return Partition(self.fraction, self.polarity == "top", self.partition == "coordinate")

    def check(self, objective: Objective) -> None:
        """It needs a term on the retain set, and one on the forget set."""
        if not objective.separates:
            checks.fail("objective", "be NegGrad when the optimizer is SharpMinMax", objective)
