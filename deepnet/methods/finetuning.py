"""Methods that only ever look at what may be remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import torch

from deepnet.data.streams import Batch
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass, Term, Update
from deepnet.methods.base import Method
from deepnet.methods.losses import cross_entropy
from simulate.house import checks

__all__ = ["FineTune", "L1Sparse", "Pretrain", "Retrain"]


@dataclass(frozen=True, kw_only=True)
class Pretrain(Method):
    """Train a fresh model on everything, the samples to be forgotten included."""

    name: ClassVar[str] = "pretrain"
    title: ClassVar[str] = "Pretraining"
    start: ClassVar[Literal["pretrained", "fresh"]] = "fresh"
    normalises: ClassVar[tuple[Part, ...]] = ("pretrain",)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the pretraining set."""
        return [Pass("pretrain", (Update((Term(partial(cross_entropy, task.model), ("pretrain",)),)),))]


@dataclass(frozen=True, kw_only=True)
class FineTune(Method):
    """Go on training on the retain set, and hope that the rest is forgotten."""

    name: ClassVar[str] = "finetune"
    title: ClassVar[str] = "Fine-tuning"
    normalises: ClassVar[tuple[Part, ...]] = ("retain",)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the retain set."""
        return [Pass("retain", (Update((Term(partial(cross_entropy, task.model), ("retain",)),)),))]


@dataclass(frozen=True, kw_only=True)
class Retrain(FineTune):
    """Train a fresh model on the retain set alone: what every other method is measured against."""

    name: ClassVar[str] = "retrain"
    title: ClassVar[str] = "Retraining"
    start: ClassVar[Literal["pretrained", "fresh"]] = "fresh"


@dataclass(frozen=True, kw_only=True)
class L1Sparse(Method):
    """Fine-tuning with a penalty γ (1 - e/(E - E₀)) ‖w‖₁ that fades out over the epochs e < E - E₀.

    Source: Jia et al. 2023 (arXiv 2304.04934).
    """

    name: ClassVar[str] = "l1-sparse"
    title: ClassVar[str] = "L1-sparse"
    normalises: ClassVar[tuple[Part, ...]] = ("retain",)

    gamma: float = 5e-4
    """γ, the weight of the penalty in the first epoch."""
    free_epochs: int = 0
    """E₀, the number of last epochs without a penalty."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.real("gamma", self.gamma, nonnegative=True)
        checks.integer("free_epochs", self.free_epochs, least=0)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the retain set."""
        fading = max(task.training.epochs - self.free_epochs, 1)
        weight = self.gamma * max(1 - epoch / fading, 0)

        def loss(batch: Batch) -> torch.Tensor:
            norms = torch.stack([value.abs().sum() for value in task.parameters.values()])
            return cross_entropy(task.model, batch) + batch.share(weight * norms.sum())

        return [Pass("retain", (Update((Term(loss, ("retain",)),)),))]
