"""Selection by curvature: unlearn with the weights whose diagonal Hessian entries stand out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from deepnet.house.packages import CURVLINOPS
from deepnet.learning.masks import Mask, Order, select
from deepnet.learning.task import Task
from deepnet.methods.partial import ChosenShare
from deepnet.metrics.curvature import hessian_diagonal
from simulate.house import checks

__all__ = ["CurvatureSelection"]

_BATCH = 128
"""Samples in a product with the Hessian, which needs about four times the memory of a gradient."""


@dataclass(frozen=True, kw_only=True)
class CurvatureSelection(ChosenShare):
    """NegGrad by a small part of the weights, chosen by the diagonal of the Hessian of the learned loss.

    What is to be forgotten may be samples, wrong labels or a feature (see `deepnet.data.requests`); in the latter two
    cases the retain set contains the corrected samples.

    Source: Malekmohammadi et al., "Sharpness-Aware Parameter Selection for Machine Unlearning". Its abstract selects
    the largest entries, a published summary the smallest.
    """

    name: ClassVar[str] = "selection"
    title: ClassVar[str] = "Curvature selection"
    packages: ClassVar[tuple[str, ...]] = (CURVLINOPS,)

    order: Order = "largest"
    """Which of them, by the size of their diagonal Hessian entry at the pretrained model. By the size, since it is
    estimated: the most negative estimates are the noisiest ones, of entries that may well be large."""
    probes: int = 16
    """Random vectors behind the estimate of the diagonal."""
    samples: int = 512
    """About how many pretraining samples are behind it."""

    def __post_init__(self) -> None:
        """Validate every field."""
        super().__post_init__()
        checks.choice("order", self.order, ("largest", "smallest"))
        checks.integer("probes", self.probes, least=1)
        checks.integer("samples", self.samples, least=1)

    def mask(self, task: Task) -> Mask:
        """The weights that may move."""
        stream = task.stream("pretrain", augment=False, batch_size=min(self.samples, _BATCH), whole=True)
        count = min(-(-self.samples // _BATCH), stream.steps_per_pass)
        batches = [(batch.x, batch.y) for batch, _ in zip(stream.batches(start=0), range(count), strict=False)]
        diagonal = hessian_diagonal(task.model, batches, probes=self.probes, seed=task.seed[0])
        return select({name: entry.abs() for name, entry in diagonal.items()}, self.fraction, self.order)
