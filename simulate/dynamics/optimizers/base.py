"""What every optimizer has: a step size, batches, and what becomes of a direction before it is a step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import numpy as np

from simulate.dynamics.objectives import Objective
from simulate.dynamics.updates import Descent, Partition, Update
from simulate.house import checks

__all__ = ["Optimizer"]

_LOWERED = (0.5, 0.75)
"""Where the schedule "steps" lowers the step size, each time tenfold, as fractions of a phase."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Optimizer(ABC):
    """How a gradient becomes a step.

    A new one is a frozen dataclass that says its step as a list of updates; no engine has to be touched.
    """

    lr: float = 0.01
    """Step size η."""
    batch: int | None = None
    """Samples a step sees; None takes all of them."""
    momentum: float = 0.0
    """Momentum μ, in [0, 1)."""
    nesterov: bool = False
    """Whether the momentum is Nesterov's instead of the heavy ball."""
    weight_decay: float = 0.0
    """Weight decay λ, added to the gradient as λ W (so that initial weights are forgotten, too)."""
    clip: float | None = None
    """Largest norm of the gradient over all filters that move; None does not clip."""
    schedule: Literal["constant", "cosine", "steps"] = "constant"
    """Step size over the steps of the phase: the same; half a cosine down to 0; or a tenth from the half on, and a
    hundredth from three quarters on."""
    warmup: float = 0.0
    """Fraction of the steps of the phase over which the step size first grows linearly from 0."""

    rarer: ClassVar[frozenset[str]] = frozenset({"momentum", "nesterov", "weight_decay", "clip", "schedule", "warmup"})
    """Options that texts leave out where they have their defaults: what was kept before they came reads the same."""

    def __post_init__(self) -> None:
        """Validate the fields that all have."""
        checks.plain_fields(self)
        checks.real("lr", self.lr, positive=True)
        if self.batch is not None:
            checks.integer("batch", self.batch, least=1)
        checks.fraction("momentum", self.momentum, below=1)
        checks.boolean("nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0.0:
            checks.fail("nesterov", "be False without momentum", self.nesterov)
        checks.real("weight_decay", self.weight_decay, nonnegative=True)
        if self.clip is not None:
            checks.real("clip", self.clip, positive=True)
        checks.choice("schedule", self.schedule, ("constant", "cosine", "steps"))
        checks.fraction("warmup", self.warmup, below=1)

    def __repr__(self) -> str:
        """As it would be written; rarer options are left out where they are not used."""
        defaults = {field.name: field.default for field in fields(self)}
        told = [name for name in self.options() if name not in self.rarer or getattr(self, name) != defaults[name]]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in told)})"

    @classmethod
    def options(cls) -> list[str]:
        """Names of the options: its own first, as they are written, and then those that all have."""
        known = {field.name for field in fields(cls)}
        written = [name for kind in cls.__mro__ for name in getattr(kind, "__annotations__", {}) if name in known]
        return list(dict.fromkeys(written))

    @property
    def moves(self) -> int:
        """Number of updates in a step."""
        return 1

    @abstractmethod
    def updates(self, weight: np.ndarray, retain: np.ndarray, forget: np.ndarray) -> tuple[Update, ...]:
        """The moves of one step, in order.

        Args:
            weight: Signed weights of the samples' losses, (n,), as the objective has them.
            retain: Samples of the retain set, (n,) of bool.
            forget: Samples of the forget set, (n,) of bool.
        """

    def partition_of_network(self) -> Partition | None:
        """How the network is split when a phase begins, if the updates name its parts."""
        return None

    def check(self, objective: Objective) -> None:  # noqa: B027 (most optimizers suit every objective)
        """Refuse an objective that does not suit.

        Raises:
            ValueError: naming the argument.
        """

    @property
    def needs(self) -> frozenset[str]:
        """Which of the sets "retain" and "forget" must not be empty for a step to mean anything."""
        return frozenset()

    @property
    def descent(self) -> Descent:
        """How a direction becomes a move."""
        clip = np.inf if self.clip is None else self.clip
        return Descent(self.momentum, self.nesterov, self.weight_decay, clip)

    def rates(self, first: int, last: int, steps: int) -> np.ndarray:
        """Step sizes of the steps first, …, last - 1 of a phase, over `lr`; a single one where all are the same.

        Example:
            >>> from simulate import SGD
            >>> SGD(schedule="cosine").rates(0, 3, 4).round(3).tolist()
            [1.0, 0.854, 0.5]
        """
        if self.schedule == "constant" and self.warmup == 0.0:
            return np.ones(1)
        return np.array([self._rate(step, steps) for step in range(first, max(last, first + 1))])

    def _rate(self, step: int, steps: int) -> float:
        warm = self.warmup * steps
        if step < warm:
            return (step + 1) / (warm + 1)
        if self.schedule == "cosine":
            return (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2 if steps > warm else 1.0
        if self.schedule == "steps":
            return float(0.1 ** sum(step >= share * steps for share in _LOWERED))
        return 1.0
