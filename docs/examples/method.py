"""Ascent that stops where guessing begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from deepnet.data.streams import Batch
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods.ascent import NegGrad
from deepnet.methods.losses import cross_entropy
from deepnet.networks.normalization import frozen_statistics

__all__ = ["CappedNegGrad"]


@dataclass(frozen=True, kw_only=True)
class CappedNegGrad(NegGrad):
    """NegGrad that leaves a sample alone once it is no better than guessed: α L(R) - (1 - α) mean_F min(ℓ, log K)."""

    name: ClassVar[str] = "capped-neggrad"
    title: ClassVar[str] = "Capped NegGrad"

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the retain set; each step also sees a batch of the forget set."""

        def loss(retain: Batch, forget: Batch) -> Tensor:
            with frozen_statistics(task.model, not task.forget_statistics):
                each = functional.cross_entropy(task.model(forget.x), forget.y, reduction="none")
            climbed = forget.mean(each.clamp(max=math.log(task.dataset.n_classes)))
            return self.alpha * cross_entropy(task.model, retain) - (1 - self.alpha) * climbed

        return [Pass("retain", (Update((Term(loss, ("retain", "forget")),)),))]
