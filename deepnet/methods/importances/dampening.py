"""Selective synaptic dampening: shrink the weights that matter much more to the forget set than to all samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass
from deepnet.methods.base import Method
from deepnet.methods.importances.squares import mean_squares
from deepnet.methods.losses import cross_entropy
from simulate.house import checks

__all__ = ["LossFreeDampening", "SelectiveDampening"]


@dataclass(frozen=True, kw_only=True)
class SelectiveDampening(Method):
    """w ← min(λ I_D / I_F, 1) w where I_F > α I_D; nothing is trained.

    I_D and I_F are the mean squared gradients of the loss on all that was learned and on the forget set.

    Source: Foster et al. 2024 (arXiv 2308.07707), with their α and λ.
    """

    name: ClassVar[str] = "ssd"
    title: ClassVar[str] = "Selective dampening"
    normalises: ClassVar[tuple[Part, ...]] = ()

    selection: float = 10.0
    """α: how many times as important to the forget set as to all samples a weight must be to be dampened."""
    dampening: float = 1.0
    """λ: the factor of the ratio by which it is."""
    batch_size: int = 16
    """Samples behind each gradient; 1 is the diagonal Fisher matrix itself."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.real("selection", self.selection, positive=True)
        checks.real("dampening", self.dampening, positive=True)
        checks.integer("batch_size", self.batch_size, least=1)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """Nothing: the weights are dampened at once."""
        return []

    def loss(self, task: Task, batch: Batch) -> Tensor:
        """What importances are squared gradients of."""
        return cross_entropy(task.model, batch)

    @torch.no_grad()
    def edit(self, task: Task) -> None:
        """Dampen."""
        everything, forgotten = (
            mean_squares(task, part, self.batch_size, lambda batch: self.loss(task, batch))
            for part in ("pretrain", "forget")
        )
        for name, weight in task.parameters.items():
            chosen = forgotten[name] > self.selection * everything[name]
            factor = (self.dampening * everything[name] / forgotten[name]).clamp(max=1.0)
            weight.copy_(torch.where(chosen, factor * weight, weight))


@dataclass(frozen=True, kw_only=True)
class LossFreeDampening(SelectiveDampening):
    """The same with the squared length of the logits in the place of the loss, which needs no labels.

    Source: Foster et al. 2024, "Loss-Free Machine Unlearning" (arXiv 2402.19308).
    """

    name: ClassVar[str] = "ssd-loss-free"
    title: ClassVar[str] = "Loss-free dampening"

    def loss(self, task: Task, batch: Batch) -> Tensor:
        """Mean over samples of ‖logits‖²."""
        return batch.mean(task.model(batch.x).square().sum(1))
