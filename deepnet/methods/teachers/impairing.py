"""UNSIR: unlearn classes by noise that is as unlike them as can be, then repair the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet.data.streams import Batch
from deepnet.house.seeding import generator
from deepnet.learning.descent import Descent
from deepnet.learning.stepping import hand_over, make_step
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass, Term, Update
from deepnet.methods.base import Method
from deepnet.methods.losses import cross_entropy
from deepnet.methods.teachers.inputs import differentiable, slope, white
from deepnet.networks.normalization import frozen_statistics
from simulate.house import checks

__all__ = ["Unsir", "maximal_noise"]

_ADAM = Descent(rule="adamw", lr=0.1, weight_decay=0.0)
"""How the noise is trained, on the scale of images in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Unsir(Method):
    """First epochs on noise with the labels of the forgotten classes, beside the retain set; then on that alone.

    The noise of a class is trained to have the largest loss the pretrained model gives for that class.

    Source: Tarun et al. 2023 (arXiv 2111.08947).
    """

    name: ClassVar[str] = "unsir"
    title: ClassVar[str] = "UNSIR"
    normalises: ClassVar[tuple[Part, ...]] = ("retain",)

    impair_epochs: int = 1
    """Number of first epochs with noise; the others repair."""
    noise_steps: int = 40
    """Steps in which the noise is trained."""
    penalty: float = 0.1
    """Weight of the mean square of the noise, on the scale of images in [0, 1], against the loss."""
    samples: int = 32
    """Samples of noise of each class."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.integer("impair_epochs", self.impair_epochs, least=0)
        checks.integer("noise_steps", self.noise_steps, least=0)
        checks.real("penalty", self.penalty, nonnegative=True)
        checks.integer("samples", self.samples, least=1)

    def plan(self, task: Task) -> list[Sequence[Pass]]:
        """In each epoch one pass over the retain set, in the first ones with the noise in each step."""
        model = task.model
        noise, labels = self._noise(task)

        def impair(batch: Batch) -> Tensor:
            with frozen_statistics(model):
                taught = functional.cross_entropy(model(noise), labels)
            return cross_entropy(model, batch) + batch.share(taught)

        def repair(batch: Batch) -> Tensor:
            return cross_entropy(model, batch)

        passes = [[Pass("retain", (Update((Term(loss, ("retain",)),)),))] for loss in (impair, repair)]
        return [passes[epoch >= self.impair_epochs] for epoch in range(task.training.epochs)]

    def _noise(self, task: Task) -> tuple[Tensor, Tensor]:
        """Noise of every forgotten class, and the labels."""
        images = task.dataset.train
        (sample,) = images.batches([(task.split.forget[:1], None)])
        classes = images.labels[task.split.forget].unique()
        labels = classes.repeat_interleave(self.samples).to(task.device)
        rng = generator(task.seed, "noise")
        drawn = rng.standard_normal((len(labels), *sample.shape[1:]))
        start = torch.from_numpy(drawn).to(differentiable(sample))
        scale = white(sample)
        noise = maximal_noise(task.teacher, scale * start, labels, self.noise_steps, self.penalty, scale)
        return noise, labels


def maximal_noise(
    model: nn.Module, start: Tensor, labels: Tensor, steps: int, penalty: float, scale: float = 1.0
) -> Tensor:
    """Noise with a large loss: Adam's steps down -L(noise) + penalty · mean (noise / scale)².

    Args:
        model: The model, in the mode for testing.
        start: Where the noise begins, (b, ...).
        labels: Labels whose loss shall be large, (b,).
        steps: Number of steps.
        penalty: Weight of the mean square.
        scale: What the noise is measured in.

    Returns:
        The noise, (b, ...).
    """

    def value(noise: Tensor) -> Tensor:
        loss = functional.cross_entropy(model(scale * noise).float(), labels)
        return penalty * noise.square().mean() - loss

    noise = start / scale
    optimizer = _ADAM.optimizer([noise])
    for _ in range(steps):
        hand_over([noise], [[slope(value, noise)]])
        make_step(optimizer, [noise], may_overflow=False)
    return scale * noise
