"""A training loop as most people write it in PyTorch: eager, a DataLoader, transforms on the CPU, SAM in two passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from deepnet.networks.precision import matrix_products
from tests.benchmarks.deepnet_options import SHARPNESS, Options, Variant, autotuning
from tests.benchmarks.deepnet_timing import Stopwatch

__all__ = ["PlainLoop", "plain_network"]

_MEAN, _DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class _Pictures(Dataset[tuple[Tensor, int]]):
    """Images in memory, as torchvision's CIFAR10 hands them out."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        from torchvision.transforms import v2  # seconds, which tests of the table need not wait

        self.images, self.labels = images, labels
        crop = v2.RandomCrop(images.shape[1], padding=4)
        to_float = v2.ToDtype(torch.float32, scale=True)
        normalize = v2.Normalize(_MEAN, _DEVIATION)
        self.transform = v2.Compose([crop, v2.RandomHorizontalFlip(), v2.ToImage(), to_float, normalize])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def plain_network(architecture: str, n_classes: int = 10) -> nn.Module:
    """torchvision's ResNet with the stem of CIFAR, or the same small network of convolutions as ours."""
    if architecture == "convnet":
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((3, 32, 1), (32, 64, 2), (64, 128, 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, n_classes))
    import torchvision

    model: Any = getattr(torchvision.models, architecture)(num_classes=n_classes)
    model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    model.maxpool = nn.Identity()
    return model


class PlainLoop:
    """The loop; on CUDA devices with TF32, as is usual."""

    def __init__(self, variant: Variant, options: Options, images: np.ndarray, labels: np.ndarray) -> None:
        self.variant, self.options, self.device = variant, options, options.on
        self.loader = DataLoader(
            _Pictures(images, labels),
            batch_size=options.batch_size,
            shuffle=True,
            num_workers=options.workers or 0,
            pin_memory=self.device.type == "cuda",
            persistent_workers=bool(options.workers),
        )
        self.model = plain_network(options.architecture or "resnet50").to(self.device).train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
        self.criterion = nn.CrossEntropyLoss()

    def block(self, number: int) -> float:
        """One epoch."""
        watch, total = Stopwatch(self.device), 0.0
        ends = (self.options.warm, (self.options.warm or 0) + (self.options.steps or 0))
        if not self.options.warm:
            watch.mark()
        with autotuning(self.variant), matrix_products(self.variant.precision):
            for step, (x, y) in enumerate(self.loader, start=1):
                total += self._step(x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True))
                if step in ends:
                    watch.mark()
        return watch.seconds

    def _step(self, x: Tensor, y: Tensor) -> float:
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        if self.variant.optimizer == "SAM":
            self._second_pass(x, y)
        self.optimizer.step()
        return float(loss.item())

    def _second_pass(self, x: Tensor, y: Tensor) -> None:
        """Gradients at w + ε, then back to w."""
        weights = [weight for weight in self.model.parameters() if weight.grad is not None]
        before = [weight.detach().clone() for weight in weights]
        norm = torch.norm(torch.stack([weight.grad.norm(p=2) for weight in weights if weight.grad is not None]), p=2)
        with torch.no_grad():
            for weight in weights:
                weight.add_(weight.grad * (SHARPNESS["SAM"].rho / (norm + 1e-12)))  # type: ignore[operator]
        self.optimizer.zero_grad()
        self.criterion(self.model(x), y).backward()
        with torch.no_grad():
            for weight, value in zip(weights, before, strict=True):
                weight.copy_(value)
