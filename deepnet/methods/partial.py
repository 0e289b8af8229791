"""NegGrad by a part of the weights: at random, those with the largest gradients, or the last layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from deepnet.house.seeding import generator
from deepnet.learning.masks import Mask, select
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Update
from deepnet.methods.ascent import NegGrad, negative_gradient
from deepnet.methods.last_layer import last_layer
from deepnet.methods.relabelling import forget_saliency
from simulate.house import checks

__all__ = ["GradientSelection", "LastLayer", "RandomSelection"]


@dataclass(frozen=True, kw_only=True)
class PartialNegGrad(NegGrad):
    """NegGrad by the weights of a mask, which is fixed before the first step."""

    @abstractmethod
    def mask(self, task: Task) -> Mask:
        """The weights that may move."""

    def plan(self, task: Task) -> list[Sequence[Pass]]:
        """As NegGrad, with the mask."""
        update = Update((negative_gradient(task, self.alpha, self.mask(task)),))
        return [[Pass("retain", (update,))]] * task.training.epochs


@dataclass(frozen=True, kw_only=True)
class ChosenShare(PartialNegGrad):
    """NegGrad by a share of the weights."""

    fraction: float = 0.1
    """Fraction of the weights that may move."""

    def __post_init__(self) -> None:
        """Validate every field."""
        super().__post_init__()
        checks.fraction("fraction", self.fraction)


@dataclass(frozen=True, kw_only=True)
class GradientSelection(ChosenShare):
    """NegGrad by the weights whose gradient on the forget set is largest.

    Source: the mask of Fan et al. 2024 (SalUn, arXiv 2310.12508), with NegGrad in the place of random labels.
    """

    name: ClassVar[str] = "gradient-selection"
    title: ClassVar[str] = "Gradient selection"

    def mask(self, task: Task) -> Mask:
        """The weights that may move."""
        return forget_saliency(task, self.fraction, "largest")


@dataclass(frozen=True, kw_only=True)
class RandomSelection(ChosenShare):
    """NegGrad by weights drawn at random, which any reason to choose some has to be better than.

    The seed of the task decides them.
    """

    name: ClassVar[str] = "random-selection"
    title: ClassVar[str] = "Random selection"

    def mask(self, task: Task) -> Mask:
        """The weights that may move."""
        rng = generator(*task.seed, "random selection")
        drawn = {name: torch.from_numpy(rng.random(tuple(weight.shape))) for name, weight in task.parameters.items()}
        return select({name: scores.to(task.device) for name, scores in drawn.items()}, self.fraction, "largest")


@dataclass(frozen=True, kw_only=True)
class LastLayer(PartialNegGrad):
    """NegGrad by the last layer alone: the linear one that the network calls last."""

    name: ClassVar[str] = "last-layer"
    title: ClassVar[str] = "Last layer"

    def mask(self, task: Task) -> Mask:
        """The weights that may move."""
        last = last_layer(task)
        return Mask(
            {name: torch.full_like(weight, name in last, dtype=torch.bool) for name, weight in task.parameters.items()}
        )
