"""What a model of a study costs before it is made, roughly: by it time left and the number of processes are guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from deepnet.data.images import DeviceImages
from deepnet.house.crew import Need
from deepnet.learning.training import Training
from deepnet.networks.models import build
from deepnet.networks.normalization import BatchNorm
from deepnet.studies.planning.precision import precisions_of
from deepnet.studies.runs import Run, Vote
from deepnet.studies.stages import Stages

__all__ = ["Appraisal", "need_of"]

_RATE = 1e10
"""Products a second of one core."""
_STEP = 4e-3
"""Seconds of a step beside its products."""
_PROCESS = 5e8
"""Bytes of a process that has done nothing yet."""


@dataclass(frozen=True)
class Appraisal:
    """What decides the cost of the models of a study."""

    products: float
    """Products of a forward pass of one image."""
    activations: float
    """Numbers that it leaves for the backward pass."""
    parameters: int
    """Weights of the network."""
    images: int
    """Training images."""
    tested: int
    """Test images."""
    pixels: int
    """Bytes of all images on the device."""
    narrowest: int
    """Pixels of the smallest map that is normalised over a batch; 0 if none is."""

    @classmethod
    def of(cls, stages: Stages) -> Appraisal:
        """Weigh the network of a study on one of its images, without computing anything."""
        data = stages.dataset
        channels, height, width = data.train.shape
        with torch.device("meta"):
            model = build(
                stages.study.model, n_classes=data.n_classes, channels=channels, mean=data.mean, std=data.std, seed=0,
                image_size=(height, width),
            ).eval()  # fmt: skip
            found = [0.0, 0.0]
            normalised: list[int] = []

            def weigh(layer: nn.Module, given: Any, made: Any) -> None:
                if isinstance(layer, nn.MultiheadAttention):  # whose inner layers are never called
                    made, tokens = made[0], made[0].shape[1]
                    found[0] += made.numel() * (4 * layer.embed_dim + 2 * tokens)
                    found[1] += made.numel() * 4 + tokens**2 * layer.num_heads
                    return
                weight = getattr(layer, "weight", None)
                found[1] += made.numel()
                if weight is not None and weight.ndim > 1:
                    found[0] += made.numel() * weight[0].numel()
                if isinstance(layer, BatchNorm):
                    normalised.append(made[0, 0].numel())

            for layer in model.modules():
                if isinstance(layer, nn.MultiheadAttention) or not list(layer.children()):
                    layer.register_forward_hook(weigh)
            model(torch.empty(1, *data.train.shape))
        held = [images.pixels.nbytes for images in (data.train, data.test) if isinstance(images, DeviceImages)]
        parameters = sum(weight.numel() for weight in model.parameters())
        sizes = parameters, len(data.train), len(data.test), sum(held), min(normalised, default=0)
        return cls(found[0], found[1], *sizes)

    def seconds(self, stages: Stages, made: Run | Vote) -> float:
        """Time of one core that a model and what is measured of it take."""
        study = stages.study
        if isinstance(made, Vote):
            how = study.memorization
            return self._training(how.training or study.pretrain, how.fraction, 1) + self._look(1.0)
        training = study.pretrain if made.unlearner is None else made.unlearner.training
        passes = 1 if (made.sharpness or made.pretrain).rho == 0 else 2
        relearning = study.evaluation.relearning
        attack = self._training(relearning, 0.05, 1) if relearning else 0.0
        given = study.checkpoint and made.unlearner is None  # read from a file, not trained
        return (0.0 if given else self._training(training, 1.0, passes)) + attack + self._look(1.2)

    def memory(self, training: Training) -> float:
        """Bytes of a process that trains: weights with gradients, momentum and copies; activations with slopes."""
        return _PROCESS + self.pixels + 4.0 * (8 * self.parameters + 2 * self.activations * training.batch_size)

    def _training(self, training: Training, part: float, passes: int) -> float:
        images = part * self.images * training.epochs
        return passes * (images / training.batch_size * _STEP + 3 * images * self.products / _RATE)

    def _look(self, times: float) -> float:
        return 0.1 + times * (self.images + self.tested) * self.products / _RATE


def need_of(stages: Stages, seconds: float, items: int) -> Need:
    """What so many models of a study, which take so long in all, ask of the machine."""
    return Need(
        items=items,
        seconds=seconds,
        memory=Appraisal.of(stages).memory(stages.study.pretrain),
        threads_pay=stages.study.model.name != "convnet",
        formats=tuple(dict.fromkeys(precisions_of(stages.study))),
    )
