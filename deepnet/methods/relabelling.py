"""Methods that teach random labels for what is to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from deepnet.learning.masks import Mask, Order, saliency, select
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass, Term, Update
from deepnet.methods.base import Method
from deepnet.methods.losses import cross_entropy
from simulate.house import checks

__all__ = ["RandomLabel", "SalUn", "forget_saliency"]


@dataclass(frozen=True, kw_only=True)
class RandomLabel(Method):
    """Train on everything, with labels of the forget set that are drawn anew at each visit (the true one included).

    Source: Golatkar et al. 2020 (arXiv 1911.04933).
    """

    name: ClassVar[str] = "random-label"
    title: ClassVar[str] = "Random label"
    normalises: ClassVar[tuple[Part, ...]] = ("relabelled",)

    def mask(self, task: Task) -> Mask | None:
        """Weights it may move; None is all of them."""
        return None

    def plan(self, task: Task) -> list[Sequence[Pass]]:
        """In each epoch one pass over everything; the mask is fixed before the first."""
        update = Update((Term(partial(cross_entropy, task.model), ("relabelled",), mask=self.mask(task)),))
        return [[Pass("relabelled", (update,))]] * task.training.epochs


def forget_saliency(task: Task, fraction: float, order: Order) -> Mask:
    """The mask of the weights whose gradient on the forget set is largest, or smallest."""
    stream = task.stream("forget", augment=False)
    batches = (batch for batch, _ in zip(stream.batches(start=0), range(stream.steps_per_pass), strict=False))
    return select(saliency(task.model, batches), fraction, order)


@dataclass(frozen=True, kw_only=True)
class SalUn(RandomLabel):
    """Random labels, learned only by the weights that matter most to the forget set.

    Source: Fan et al. 2024 (arXiv 2310.12508).
    """

    name: ClassVar[str] = "salun"
    title: ClassVar[str] = "SalUn"

    fraction: float = 0.5
    """Fraction of the weights that may move."""
    order: Order = "largest"
    """Which of them, by the size of their gradient on the forget set."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.fraction("fraction", self.fraction)
        checks.choice("order", self.order, ("largest", "smallest"))

    def mask(self, task: Task) -> Mask:
        """The most salient weights."""
        return forget_saliency(task, self.fraction, self.order)
