"""Fisher forgetting: noise on each weight, the larger the less the weight matters to what shall be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from deepnet.house.seeding import generator
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass
from deepnet.methods.base import Method
from deepnet.methods.importances.squares import mean_squares
from deepnet.methods.last_layer import last_layer
from deepnet.methods.losses import cross_entropy
from simulate.house import checks

__all__ = ["FisherForgetting"]


@dataclass(frozen=True, kw_only=True)
class FisherForgetting(Method):
    """w ← w + N(0, α / max(F_R, c)), F_R the diagonal Fisher matrix of the retain set; nothing is trained.

    F_R is the empirical one, of the samples' own labels. The linear layer that is called last gets ten times the
    variance.

    Source: Golatkar et al. 2020 (arXiv 1911.04933), in the form of their code.
    """

    name: ClassVar[str] = "fisher"
    title: ClassVar[str] = "Fisher forgetting"
    normalises: ClassVar[tuple[Part, ...]] = ()

    alpha: float = 1e-6
    """α, the strength of the noise."""
    least: float = 1e-3
    """c, the least importance that counts, which bounds the noise."""
    batch_size: int = 16
    """Samples behind each gradient; 1 is the diagonal itself."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.real("alpha", self.alpha, nonnegative=True)
        checks.real("least", self.least, positive=True)
        checks.integer("batch_size", self.batch_size, least=1)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """Nothing: the noise is added at once."""
        return []

    @torch.no_grad()
    def edit(self, task: Task) -> None:
        """Add the noise, which the seed of the task decides."""
        known = mean_squares(task, "retain", self.batch_size, lambda batch: cross_entropy(task.model, batch))
        rng = generator(task.seed, "noise")
        last = last_layer(task)
        for name, weight in task.parameters.items():
            variance = self.alpha / known[name].clamp(min=self.least)
            variance = 10.0 * variance if name in last else variance
            drawn = torch.from_numpy(np.asarray(rng.standard_normal(tuple(weight.shape))))
            weight.add_(variance.sqrt() * drawn.to(weight))
