"""Networks: torchvision's ResNets with the stem of CIFAR or of ImageNet, and a small one for digits.

Each takes images as they are stored (uint8) and normalises them itself, so that no caller can normalise twice or
forget to. Features are a method, not a hook.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from deepnet.house.fields import of_type
from deepnet.networks.normalization import BatchNorm
from simulate.house import checks

__all__ = ["Architecture", "ModelConfig", "Network", "build"]

Architecture = Literal["convnet", "resnet18", "resnet50"]
"""Name of a network."""
Stem = Literal["cifar", "imagenet"]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which network."""

    architecture: Architecture = "resnet18"
    """torchvision's resnet18 or resnet50, or "convnet", three small convolutions."""
    stem: Stem = "cifar"
    """First layers of a ResNet: "cifar" is a 3x3 convolution of stride 1 without pooling, "imagenet" torchvision's."""
    width: int = 16
    """Channels of the convnet's first layer; the later ones have two and four times as many."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.choice("architecture", self.architecture, ("convnet", "resnet18", "resnet50"))
        checks.choice("stem", self.stem, ("cifar", "imagenet"))
        checks.integer("width", self.width, least=1, most=4096)


class Network(nn.Module):
    """A body that makes features, and a linear head that makes logits of them.

    Attributes:
        body: Maps normalised images (b, C, H, W) to features (b, p).
        head: Maps features to logits (b, K).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, head: nn.Linear, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.memory_format = torch.contiguous_format
        for name, values in (("mean", mean), ("std", std)):
            channels = torch.tensor([float(value) for value in values])  # of NumPy's floats it would be float64
            self.register_buffer(name, 255 * channels.view(-1, 1, 1), persistent=False)

    def features(self, images: Tensor) -> Tensor:
        """Features (b, p) of images (b, C, H, W), uint8."""
        pixels = images.to(self.mean.dtype, memory_format=self.memory_format)
        return self.body((pixels - self.mean) / self.std)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (b, K) of images (b, C, H, W), uint8."""
        return self.head(self.features(images))

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile the forward pass in place, with what `torch.compile` takes, once for batches of all sizes.

        Batches of a pass differ by an image, and torch would compile anew for the second size it meets.
        """
        super().compile(*args, **kwargs)
        compiled: Any = self._compiled_call_impl

        def for_any_size(images: Tensor) -> Tensor:
            torch._dynamo.maybe_mark_dynamic(images, 0)
            found: Tensor = compiled(images)
            return found

        self._compiled_call_impl = for_any_size


def build(
    config: ModelConfig, *, n_classes: int, channels: int, mean: Sequence[float], std: Sequence[float], seed: int
) -> Network:
    """A network with freshly drawn weights, on the CPU.

    Args:
        config: Which network.
        n_classes: Number of logits K.
        channels: Channels C of the images.
        mean: Mean of each channel on the scale of [0, 1].
        std: Standard deviation of each channel on that scale.
        seed: Seed of the weights; the global random state is left as it was.

    Raises:
        ValueError: if an argument is out of range; the message names it.
    """
    of_type("config", config, ModelConfig)
    checks.integer("n_classes", n_classes, least=2, most=1_000_000)
    checks.integer("channels", channels, least=1, most=4096)
    checks.integer("seed", seed, least=0, most=2**64 - 1)  # what torch takes
    for name, values in (("mean", mean), ("std", std)):
        found = checks.listed(name, "have one entry a channel", values)
        if len(found) != channels:
            raise ValueError(f"Argument `{name}` must have one entry a channel ({channels}), but has {len(found)}.")
        for value in found:
            checks.real(name, value, positive=name == "std")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(seed))  # of the CPU alone
        body, head = _BODIES[config.architecture](config, n_classes, channels)
    return Network(body, head, mean, std)


def _resnet(config: ModelConfig, n_classes: int, channels: int) -> tuple[nn.Module, nn.Linear]:
    """torchvision's ResNet (v1.5, Kaiming initialisation), beheaded, and its head."""
    from torchvision import models  # which takes a second that small networks need not wait

    constructor = getattr(models, config.architecture)
    net = constructor(weights=None, num_classes=n_classes, norm_layer=BatchNorm)
    if config.stem == "cifar" or channels != 3:
        geometry = (3, 1, 1) if config.stem == "cifar" else (7, 2, 3)
        kernel_size, stride, padding = geometry
        net.conv1 = nn.Conv2d(channels, 64, kernel_size, stride, padding, bias=False)
        nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    if config.stem == "cifar":
        net.maxpool = nn.Identity()
    head, net.fc = net.fc, nn.Identity()
    return net, head


def _convnet(config: ModelConfig, n_classes: int, channels: int) -> tuple[nn.Module, nn.Linear]:
    """Three 3x3 convolutions with batch normalisation; the second halves the resolution."""
    widths = [config.width, 2 * config.width, 4 * config.width]
    layers: list[nn.Module] = []
    for inputs, outputs, stride in zip([channels, *widths], widths, (1, 2, 1), strict=False):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), BatchNorm(outputs), nn.ReLU()]
    body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return body, nn.Linear(widths[-1], n_classes)


_BODIES: dict[str, Callable[[ModelConfig, int, int], tuple[nn.Module, nn.Linear]]] = {
    "convnet": _convnet,
    "resnet18": _resnet,
    "resnet50": _resnet,
}
