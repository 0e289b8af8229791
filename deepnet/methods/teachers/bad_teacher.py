"""Bad teacher: learn from the pretrained model on what is kept, and from one that knows nothing on what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.house.seeding import generator
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods.base import Method
from deepnet.methods.losses import check_temperature, distillation
from deepnet.networks.fresh import redrawn
from deepnet.networks.normalization import frozen_statistics
from simulate.house import checks

__all__ = ["BadTeacher"]


@dataclass(frozen=True, kw_only=True)
class BadTeacher(Method):
    """Follow the pretrained model on the retain set and a network with random weights on the forget set.

    Both divergences are weighted as if a batch were drawn from the forget set and a part of the retain set together.

    Source: Chundawat et al. 2023 (arXiv 2205.08096).
    """

    name: ClassVar[str] = "bad-teacher"
    title: ClassVar[str] = "Bad teacher"

    part: float = 0.3
    """Part of the retain set that is weighed against the forget set."""
    temperature: float = 1.0
    """Temperature of the softened predictions."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.fraction("part", self.part)
        check_temperature(self.temperature)

    def plan(self, task: Task) -> list[Sequence[Pass]]:
        """In each epoch one pass over the retain set; each step also sees a batch of the forget set."""
        model, competent = task.model, task.teacher
        seed = int(generator(task.seed, "bad teacher").integers(2**62))
        ignorant = redrawn(model, seed)
        forgotten, kept = len(task.rows("forget")), self.part * len(task.rows("retain"))
        weight = forgotten / (forgotten + kept)

        def loss(retain: Batch, forget: Batch) -> Tensor:
            followed = distillation(model(retain.x), competent(retain.x), retain, self.temperature)
            with frozen_statistics(model, frozen=not task.forget_statistics):
                unlearned = distillation(model(forget.x), ignorant(forget.x), forget, self.temperature)
            return (1 - weight) * followed + weight * unlearned

        return [[Pass("retain", (Update((Term(loss, ("retain", "forget")),)),))]] * task.training.epochs
