"""The loops that are compared: ours, one written as most people would, and one without any data."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from deepnet.data.augment import Augment
from deepnet.data.datasets import Dataset
from deepnet.data.images import DeviceImages
from deepnet.data.splits import Split
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import gradient
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.methods import Pretrain, apply
from deepnet.networks.models import ModelConfig, Network, build
from deepnet.networks.normalization import frozen_statistics
from deepnet.networks.precision import autocast, loss_scale, matrix_products
from tests.benchmarks.deepnet_options import SHARPNESS, Options, Variant, autotuning
from tests.benchmarks.deepnet_plain import PlainLoop
from tests.benchmarks.deepnet_timing import Loop, Stopwatch

__all__ = ["make_loop", "network", "random_images"]

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
N_CLASSES = 10
_DESCENT = Descent(lr=1e-3)


def random_images(options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, H, W, 3) of uint8 and labels (n,) for one block: noise, which no device finds easier than others."""
    rng = np.random.default_rng(0)
    count = (options.warm + options.steps) * options.batch_size  # type: ignore[operator]
    size = (count, options.image_size, options.image_size, 3)
    return rng.integers(0, 256, size=size, dtype=np.uint8), rng.integers(0, N_CLASSES, size=count)


def network(variant: Variant, options: Options, *, seed: int = 0, channels: int = 3) -> Network:
    """Our network, laid out and compiled as the variant says."""
    config = ModelConfig(architecture=options.architecture or "resnet50", stem="cifar", width=32)
    model = build(config, n_classes=N_CLASSES, channels=channels, mean=MEAN, std=STD, seed=seed)
    if variant.channels_last:
        model.memory_format = torch.channels_last
        model = model.to(memory_format=torch.channels_last)
    model = model.to(options.on)
    if variant.compile:
        model.compile()
    return model


def make_loop(variant: Variant, options: Options, images: np.ndarray, labels: np.ndarray) -> Loop:
    """The loop of a variant, with its network on the device."""
    if variant.loop == "plain":
        return PlainLoop(variant, options, images, labels)
    kind = {"ours": _Ours, "bare": _Bare}[variant.loop]
    return kind(variant, options, images, labels)


class _Ours:
    """`deepnet.learning.loop`, as pretraining calls it."""

    def __init__(self, variant: Variant, options: Options, images: np.ndarray, labels: np.ndarray) -> None:
        self.variant, self.options = variant, options
        self.model = network(variant, options)
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(options.on)
        data = DeviceImages(pixels, torch.from_numpy(labels), Augment())
        self.dataset = Dataset("noise", data, data, tuple("0123456789"), MEAN, STD)
        rows, none = torch.arange(len(images)), torch.empty(0, dtype=torch.int64)
        self.split = Split(pretrain=rows, retain=rows, forget=none, val=none, seed=0)

    def block(self, number: int) -> float:
        """One epoch."""
        options, watch = self.options, Stopwatch(self.options.on)
        training = Training(
            epochs=1, batch_size=options.batch_size or 0, descent=_DESCENT, precision=self.variant.precision
        )
        task = Task(self.model, self.dataset, self.split, training, (number,), SHARPNESS[self.variant.optimizer])
        ends = (options.warm, (options.warm or 0) + (options.steps or 0))
        if not options.warm:
            watch.mark()
        with autotuning(self.variant):
            apply(Pretrain(), task, on_step=lambda step: watch.mark() if step in ends else None)
        return watch.seconds


class _Bare:
    """Forward and backward passes, SAM's perturbation, and torch's optimizer, on one batch that never changes."""

    def __init__(self, variant: Variant, options: Options, images: np.ndarray, labels: np.ndarray) -> None:
        self.variant, self.options = variant, options
        self.model = network(variant, options).train()
        self.x = torch.from_numpy(images[: options.batch_size]).permute(0, 3, 1, 2).contiguous().to(options.on)
        self.y = torch.from_numpy(labels[: options.batch_size]).to(options.on)
        self.parameters = dict(self.model.named_parameters())
        self.optimizer = _DESCENT.optimizer(self.parameters.values())

    def block(self, number: int) -> float:
        """So many steps."""
        watch = Stopwatch(self.options.on)
        with autotuning(self.variant), matrix_products(self.variant.precision):
            for _ in range(self.options.warm or 0):
                self._step()
            watch.mark()
            for _ in range(self.options.steps or 0):
                self._step()
            watch.mark()
        return watch.seconds

    def _step(self) -> None:
        found, _ = gradient(
            self._loss, self.parameters, SHARPNESS[self.variant.optimizer],
            second_pass=partial(frozen_statistics, self.model), loss_scale=loss_scale(self.variant.precision),
        )  # fmt: skip
        for weight, grad in zip(self.parameters.values(), found, strict=True):
            weight.grad = grad
        self.optimizer.step()

    def _loss(self) -> Tensor:
        with autocast(self.variant.precision, self.options.on):
            return nn.functional.cross_entropy(self.model(self.x), self.y)
