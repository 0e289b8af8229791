"""SCRUB: obey the pretrained model on the retain set, disobey it on the forget set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods.base import Method
from deepnet.methods.losses import check_temperature, cross_entropy_of, distillation
from deepnet.networks.normalization import frozen_statistics
from simulate.house import checks

__all__ = ["Scrub"]


@dataclass(frozen=True, kw_only=True)
class Scrub(Method):
    """Alternate passes that leave the teacher on the forget set with passes that follow it on the retain set.

    The first epochs begin with a pass over the forget set that maximises the divergence from the teacher (the
    pretrained model); every epoch passes over the retain set with γ CE + β KL.

    Source: Kurmanji et al. 2023 (arXiv 2302.09880).
    """

    name: ClassVar[str] = "scrub"
    title: ClassVar[str] = "SCRUB"

    ascent_epochs: int = 2
    """Number of first epochs that maximise the divergence on the forget set."""
    beta: float = 0.1
    """β, the weight of the divergence from the teacher on the retain set."""
    gamma: float = 0.9
    """γ, the weight of the cross-entropy on the retain set."""
    temperature: float = 4.0
    """Temperature of the softened predictions."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.integer("ascent_epochs", self.ascent_epochs, least=0)
        checks.real("beta", self.beta, nonnegative=True)
        checks.real("gamma", self.gamma, nonnegative=True)
        check_temperature(self.temperature)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """A pass over the forget set in the first epochs, then one over the retain set."""
        model, teacher = task.model, task.teacher

        def disobey(batch: Batch) -> Tensor:
            with frozen_statistics(model, frozen=not task.forget_statistics):
                return -distillation(model(batch.x), teacher(batch.x), batch, self.temperature)

        def obey(batch: Batch) -> Tensor:
            logits = model(batch.x)
            divergence = distillation(logits, teacher(batch.x), batch, self.temperature)
            return self.gamma * cross_entropy_of(logits, batch) + self.beta * divergence

        climbing = [Pass("forget", (Update((Term(disobey, ("forget",)),)),))] if epoch < self.ascent_epochs else []
        return [*climbing, Pass("retain", (Update((Term(obey, ("retain",)),)),))]
