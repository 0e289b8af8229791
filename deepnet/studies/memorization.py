"""Memorization scores from models that are trained on random parts of the training images.

mem_i = P(model predicts y_i | i was in its part) - P(model predicts y_i | i was not): what a sample's own presence
does for its prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from deepnet.data.datasets import Dataset
from deepnet.data.splits import Split
from deepnet.house.fields import of_type
from deepnet.house.seeding import generator
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.methods import Pretrain, apply
from deepnet.metrics.outputs import collect, correctness
from deepnet.networks.models import Network
from simulate.house import checks

__all__ = ["Memorization", "Vote", "cast_vote", "memorization_scores", "part_of"]


@dataclass(frozen=True, kw_only=True)
class Memorization:
    """How memorization scores are estimated.

    Source: Feldman & Zhang 2020 (arXiv 2008.03703), who used parts of 70 % and thousands of models.
    """

    models: int = 40
    """Number of models; the standard error of a score is about 1/√models."""
    fraction: float = 0.7
    """Part of the training images that a model sees."""
    training: Training | None = None
    """How they are trained; None is as models are pretrained."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.integer("models", self.models, least=2)
        checks.fraction("fraction", self.fraction, below=1)
        checks.real("fraction", self.fraction, positive=True)
        of_type("training", self.training, Training, optional=True)


@dataclass(frozen=True, eq=False)
class Vote:
    """What one model says."""

    seen: np.ndarray
    """Which training images it was trained on, (n,) of bool."""
    right: np.ndarray
    """Which it predicts rightly, (n,) of bool."""


def part_of(n: int, fraction: float, number: int) -> np.ndarray:
    """Which of n training images a model sees, by its number: their rows, in ascending order."""
    return np.sort(generator(number, "memorization").permutation(n)[: round(fraction * n)])


def cast_vote(model: Network, dataset: Dataset, training: Training, fraction: float, number: int, **how: Any) -> Vote:
    """Train a model on a random part of the training images, and see which of all of them it predicts rightly.

    Args:
        model: A fresh model, on its device; trained in place.
        dataset: The images.
        training: How it is trained.
        fraction: Size of the part.
        number: Number of the model; decides the part and the batches.
        how: `on_plan` and `on_step` of `deepnet.methods.apply`.

    Raises:
        DivergenceError: if the loss does not stay finite.
    """
    n = len(dataset.train)
    part = part_of(n, fraction, number)
    rows, none = torch.from_numpy(part), torch.empty(0, dtype=torch.int64)
    split = Split(pretrain=rows, retain=rows, forget=none, val=none, seed=number)
    apply(Pretrain(), Task(model, dataset, split, training, (number, 0)), **how)
    right = correctness(collect(model, dataset.train, torch.arange(n))) > 0
    return Vote(np.isin(np.arange(n), part), right)


def memorization_scores(seen: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The scores that votes amount to.

    Args:
        seen: (models, n) of bool.
        right: (models, n) of bool.

    Returns:
        Scores in [-1, 1], (n,); NaN for an image that every model has seen, or none.

    Raises:
        ValueError: if an argument is not of bool, or of another shape; the message names it.

    Example:
        >>> memorization_scores(np.array([[True], [False]]), np.array([[True], [False]]))
        array([1.])
    """
    for name, values in (("seen", seen), ("right", right)):
        of_type(name, values, np.ndarray)
        if values.dtype != bool:
            raise ValueError(f"Argument `{name}` must hold True or False, but has type {values.dtype}.")
    checks.shape("seen", seen, ("models", "n"))
    checks.shape("right", right, seen.shape)
    inside, outside = seen.sum(0), (~seen).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (seen & right).sum(0) / inside - (~seen & right).sum(0) / outside
