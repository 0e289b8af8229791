"""Sharp MinMax: two models in one, one that remembers flatly and one that forgets sharply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.masks import Order
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods.ascent import NegGrad
from deepnet.methods.losses import ascent, cross_entropy
from deepnet.methods.relabelling import forget_saliency
from simulate.house import checks

__all__ = ["SharpMinMax"]

ForgetGoal = Literal["max", "min", "none"]
"""What may be done about the sharpness of the forget term."""


@dataclass(frozen=True, kw_only=True)
class SharpMinMax(NegGrad):
    """Minimise sharpness on the retain set with one part of the weights, maximise it on the forget set with the rest.

    The forget part is the given fraction of the weights whose gradient on the forget set is largest. In each step
    the retain part descends α L(R), then the forget part descends -(1 - α) L(F); each part has its own optimizer.
    With plain SGD it is NegGrad on a partitioned model.

    Source: the paper's Sharp MinMax.
    """

    name: ClassVar[str] = "sharp-minmax"
    title: ClassVar[str] = "Sharp MinMax"

    fraction: float = 0.3
    """Fraction of the weights in the forget part."""
    order: Order = "largest"
    """Which weights these are, by the size of their gradient on the forget set. The paper's text assigns the largest;
    its released code takes the smallest."""
    forget_goal: ForgetGoal = "max"
    """What the forget part does about the sharpness of its own term: maximise or minimise it, or nothing."""

    def __post_init__(self) -> None:
        """Validate every field."""
        super().__post_init__()
        checks.fraction("fraction", self.fraction)
        checks.choice("order", self.order, ("largest", "smallest"))
        checks.choice("forget_goal", self.forget_goal, get_args(ForgetGoal))

    def plan(self, task: Task) -> list[Sequence[Pass]]:
        """In each epoch one pass over the retain set with two updates a step; the parts are fixed before the first."""
        forgetting = forget_saliency(task, self.fraction, self.order)

        def climb(batch: Batch) -> Tensor:
            return (1 - self.alpha) * ascent(task.model, batch, task.forget_statistics)

        kept = Term(lambda batch: self.alpha * cross_entropy(task.model, batch), ("retain",), mask=~forgetting)
        climbed = Term(climb, ("forget",), goal=self.forget_goal, mask=forgetting)
        updates = (Update((kept,), optimizer="retain"), Update((climbed,), optimizer="forget"))
        return [[Pass("retain", updates)]] * task.training.epochs
