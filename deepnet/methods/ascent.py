"""Methods that climb the loss of what is to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.masks import Mask
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass, Term, Update
from deepnet.methods.base import Method
from deepnet.methods.losses import ascent, cross_entropy
from simulate.house import checks

__all__ = ["GradientAscent", "NegGrad", "RetainSAM", "negative_gradient"]


@dataclass(frozen=True, kw_only=True)
class GradientAscent(Method):
    """Climb the loss of the forget set, and nothing else."""

    name: ClassVar[str] = "ascent"
    title: ClassVar[str] = "Gradient ascent"
    normalises: ClassVar[tuple[Part, ...]] = ("forget",)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the forget set."""
        climb = partial(ascent, task.model, statistics=task.forget_statistics)
        return [Pass("forget", (Update((Term(climb, ("forget",)),)),))]


def negative_gradient(task: Task, alpha: float, mask: Mask | None = None) -> Term:
    """The loss α L(R) - (1 - α) L(F) as one term, whose sharpness is that of the whole."""

    def loss(retain: Batch, forget: Batch) -> Tensor:
        climbed = ascent(task.model, forget, task.forget_statistics)
        return alpha * cross_entropy(task.model, retain) + (1 - alpha) * climbed

    return Term(loss, ("retain", "forget"), mask=mask)


@dataclass(frozen=True, kw_only=True)
class NegGrad(Method):
    """Descend the loss of the retain set and climb that of the forget set, α L(R) - (1 - α) L(F), in one step.

    Source: the paper's NegGrad objective; Kurmanji et al. 2023 (arXiv 2302.09880).
    """

    name: ClassVar[str] = "neggrad"
    title: ClassVar[str] = "NegGrad"

    alpha: float = 0.95
    """α, the weight of the retain set."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.fraction("alpha", self.alpha)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the retain set; each step also sees a batch of the forget set."""
        return [Pass("retain", (Update((negative_gradient(task, self.alpha),)),))]


@dataclass(frozen=True, kw_only=True)
class RetainSAM(NegGrad):
    """NegGrad whose sharpness-aware optimizer looks at the retain set alone.

    The perturbation follows the gradient of L(R) and acts on it; the gradient of L(F) is the plain one.
    """

    name: ClassVar[str] = "retain-sam"
    title: ClassVar[str] = "NegGrad, retain-only SAM"

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the retain set; the gradients of two terms are added."""
        kept = Term(lambda batch: self.alpha * cross_entropy(task.model, batch), ("retain",))

        def climb(batch: Batch) -> Tensor:
            return (1 - self.alpha) * ascent(task.model, batch, task.forget_statistics)

        climbed = Term(climb, ("forget",), goal="none")
        return [Pass("retain", (Update((kept, climbed)),))]
