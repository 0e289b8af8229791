"""A ResNet of two blocks and two thousand weights, and small tasks for it: quick on a CPU, laid out as a large one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from deepnet.data.augment import Augment
from deepnet.data.images import DeviceImages
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness
from deepnet.learning.task import Task
from deepnet.networks.models import ModelConfig, Network
from deepnet.networks.normalization import BatchNorm
from deepnet.networks.precision import Precision
from tests.deepnet.oracles import N_CLASSES, small_dataset, small_split, small_task

__all__ = ["resnet_task", "small_body", "small_resnet"]


def small_body(config: ModelConfig, n_classes: int, channels: int, size: object = None) -> tuple[nn.Module, nn.Linear]:
    """Body and head, in the place of `deepnet.networks.architectures._resnet`."""
    from torchvision.models.resnet import BasicBlock, conv1x1  # seconds, which not every worker needs

    stem = [nn.Conv2d(channels, 4, 3, 1, 1, bias=False), BatchNorm(4), nn.ReLU(inplace=True)]
    shortcut = nn.Sequential(conv1x1(4, 8, 2), BatchNorm(8))
    blocks = [BasicBlock(4, 4, norm_layer=BatchNorm), BasicBlock(4, 8, 2, shortcut, norm_layer=BatchNorm)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(8, n_classes)


def small_resnet(device: torch.device, *, channels: int = 1, channels_last: bool = False) -> Network:
    """The network for pictures of three classes, such as those of `oracles.small_dataset`, as a study places it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = Network(*small_body(ModelConfig(), N_CLASSES, channels), mean=(0.35,) * channels, std=(0.2,) * channels)
    if channels_last:
        model.memory_format = torch.channels_last
        model = model.to(memory_format=torch.channels_last)
    return model.to(device)


def resnet_task(
    device: torch.device, *, sharpness: Sharpness, channels_last: bool = False, precision: Precision = "float32",
    rule: str = "sgd", epochs: int = 1,
) -> Task:  # fmt: skip
    """36 of 60 pictures to retain in three batches, augmented on the device."""
    dataset, descent = small_dataset(), Descent(rule=rule, lr=0.01)  # type: ignore[arg-type]
    images = DeviceImages(dataset.train.pixels.to(device), dataset.train.labels, Augment(pad=1))
    model = small_resnet(device, channels_last=channels_last)
    task = small_task(model=model, sharpness=sharpness, epochs=epochs, descent=descent)
    training = replace(task.training, precision=precision)
    return replace(task, dataset=replace(dataset, train=images, test=images), split=small_split(), training=training)
