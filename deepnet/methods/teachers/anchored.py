"""NegGrad that is held to what the pretrained model says of the retain set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods.ascent import NegGrad
from deepnet.methods.losses import ascent, cross_entropy_of, distillation
from simulate.house import checks

__all__ = ["AnchoredNegGrad"]


@dataclass(frozen=True, kw_only=True)
class AnchoredNegGrad(NegGrad):
    """Descend α L(R) - (1 - α) L(F) + β KL(pretrained ‖ model) on the retain set, in one step.

    Source: gradient difference with a KL term, as in the code of Maini et al. 2024 (TOFU, arXiv 2401.06121).
    """

    name: ClassVar[str] = "neggrad-kl"
    title: ClassVar[str] = "NegGrad with KL"

    beta: float = 1.0
    """β, the weight of the divergence."""

    def __post_init__(self) -> None:
        """Validate every field."""
        super().__post_init__()
        checks.real("beta", self.beta, nonnegative=True)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the retain set; each step also sees a batch of the forget set."""
        model, teacher = task.model, task.teacher

        def loss(retain: Batch, forget: Batch) -> Tensor:
            logits = model(retain.x)
            kept = self.alpha * cross_entropy_of(logits, retain)
            held = self.beta * distillation(logits, teacher(retain.x), retain, 1.0)
            return kept + held + (1 - self.alpha) * ascent(model, forget, task.forget_statistics)

        return [Pass("retain", (Update((Term(loss, ("retain", "forget")),)),))]
