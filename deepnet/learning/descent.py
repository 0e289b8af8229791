"""How a direction becomes a step: torch's optimizers, and the learning rate over a run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from simulate.house import checks

__all__ = ["Descent"]

_LARGEST = {"lr": 1e30, "weight_decay": 1e6}
"""Largest rates: they and their product are still numbers in single precision, as torch's optimizers ask."""


@dataclass(frozen=True, kw_only=True)
class Descent:
    """An optimizer of torch and its learning rate.

    Example:
        >>> Descent(lr=0.1, schedule="cosine").rate(step=5, steps=10)
        0.05
    """

    rule: Literal["sgd", "adamw"] = "sgd"
    """torch's SGD or AdamW."""
    lr: float = 0.1
    """Learning rate; the largest one, if it is scheduled."""
    momentum: float = 0.9
    """Momentum of SGD."""
    weight_decay: float = 5e-4
    """Weight decay; decoupled for AdamW."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate over the steps: the same, or half a cosine down to 0."""
    warmup: float = 0.0
    """Fraction of the steps over which the learning rate first grows linearly from 0."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.choice("rule", self.rule, ("sgd", "adamw"))
        checks.real("lr", self.lr, positive=True)
        checks.fraction("momentum", self.momentum, below=1)
        checks.real("weight_decay", self.weight_decay, nonnegative=True)
        for name, largest in _LARGEST.items():
            if getattr(self, name) > largest:
                checks.fail(name, f"be at most {largest:g}", getattr(self, name))
        checks.choice("schedule", self.schedule, ("constant", "cosine"))
        checks.fraction("warmup", self.warmup, below=1)

    def optimizer(self, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
        """The optimizer, fused where the parameters live on a CUDA device."""
        weights = list(parameters)
        fused = all(weight.is_cuda for weight in weights) or None
        if self.rule == "adamw":
            return torch.optim.AdamW(weights, lr=self.lr, weight_decay=self.weight_decay, fused=fused)
        return torch.optim.SGD(weights, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay, fused=fused)

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step, counted from 0, of a run of so many steps."""
        warm = self.warmup * steps
        if step < warm:
            return self.lr * (step + 1) / (warm + 1)
        if self.schedule == "constant":
            return self.lr
        return self.lr * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2
