"""Boundary shrink: teach each forgotten sample the label of the nearest other class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet.data.streams import Batch
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass, Term, Update
from deepnet.methods.base import Method
from deepnet.methods.teachers.inputs import differentiable, slope, white
from deepnet.networks.normalization import frozen_statistics
from simulate.house import checks

__all__ = ["BoundaryShrink", "nearest_others"]


@dataclass(frozen=True, kw_only=True)
class BoundaryShrink(Method):
    """Train on the forget set alone, with the labels that a step across the pretrained model's boundary leads to.

    Source: Chen et al. 2023 (arXiv 2303.11570).
    """

    name: ClassVar[str] = "boundary"
    title: ClassVar[str] = "Boundary shrink"
    normalises: ClassVar[tuple[Part, ...]] = ("forget",)

    step: float = 0.1
    """Length of the step in each input, as a part of the range of images (1 for inputs that are no images)."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.real("step", self.step, positive=True)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the forget set."""
        model, teacher = task.model, task.teacher

        def shrink(batch: Batch) -> Tensor:
            labels = nearest_others(teacher, batch.x, batch.y, self.step)
            with frozen_statistics(model, frozen=not task.forget_statistics):
                return batch.mean(functional.cross_entropy(model(batch.x), labels, reduction="none"))

        return [Pass("forget", (Update((Term(shrink, ("forget",)),)),))]


def nearest_others(model: nn.Module, x: Tensor, y: Tensor, step: float) -> Tensor:
    """The class other than its own that the model sees in each sample after one step of the fast gradient sign.

    Args:
        model: The pretrained model, in the mode for testing.
        x: Samples (b, ...), of uint8 or floating numbers.
        y: Their labels, (b,).
        step: Length of the step, as a part of the range of images.

    Returns:
        Labels, (b,).

    Source: the attack of Goodfellow et al. 2015 (arXiv 1412.6572).
    """
    start = differentiable(x)
    uphill = slope(lambda at: functional.cross_entropy(model(at).float(), y, reduction="sum"), start)
    with torch.no_grad():
        attacked = start + step * white(x) * uphill.sign()
        attacked = attacked.clamp(0.0, 255.0) if x.dtype == torch.uint8 else attacked
        return model(attacked).scatter(1, y[:, None], -torch.inf).argmax(1)
