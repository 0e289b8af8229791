"""Networks: a body that makes features, and a linear head.

Each takes images as they are stored (uint8) and normalises them itself, so that no caller can normalise twice or
forget to. Features are a method, not a hook.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepnet.house.fields import of_type
from deepnet.networks.architectures import BODIES, Architecture, ImageSize, ModelConfig
from deepnet.networks.factories import made_by
from simulate.house import checks

__all__ = ["Architecture", "ModelConfig", "Network", "Origin", "build"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What `build` made a network of: enough to make it again."""

    config: ModelConfig
    """Which network."""
    n_classes: int
    """Number of logits."""
    channels: int
    """Channels of its images."""
    image_size: ImageSize | None
    """Height and width of its images in pixels, if they were told."""
    mean: tuple[float, ...]
    """Mean of each channel by which it normalises, on the scale of [0, 1]."""
    std: tuple[float, ...]
    """Standard deviation of each channel, likewise."""


class Network(nn.Module):
    """A body that makes features, and a linear head that makes logits of them.

    Attributes:
        body: Maps normalised images (b, C, H, W) to features (b, p).
        head: Maps features to logits (b, K).
        origin: What `build` made it of; None if it was made by hand.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, head: nn.Linear, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.memory_format = torch.contiguous_format
        self.origin: Origin | None = None
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
    config: ModelConfig,
    *,
    n_classes: int,
    channels: int,
    mean: Sequence[float],
    std: Sequence[float],
    seed: int,
    image_size: ImageSize | None = None,
) -> Network:
    """A network with freshly drawn weights, on the CPU.

    Args:
        config: Which network.
        n_classes: Number of logits K.
        channels: Channels C of the images.
        mean: Mean of each channel on the scale of [0, 1].
        std: Standard deviation of each channel on that scale.
        seed: Seed of the weights; the global random state is left as it was.
        image_size: Height and width of the images in pixels, which vision transformers must know.

    Raises:
        ValueError: if an argument is out of range, or the network is not for images of this size; the message names
            it.
        ModuleNotFoundError: if a package that the network comes from is not installed.
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
    if image_size is not None:
        if len(checks.listed("image_size", "be a height and a width", image_size)) != 2:
            checks.fail("image_size", "be a height and a width", image_size)
        for side in image_size:
            checks.integer("image_size", side, least=1)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(seed))  # of the CPU alone
        if config.factory:
            body, head = made_by(config.factory, n_classes=n_classes, channels=channels, image_size=image_size)
        else:
            body, head = BODIES[config.architecture](config, n_classes, channels, image_size)
    network = Network(body, head, mean, std)
    network.origin = Origin(
        config=config, n_classes=int(n_classes), channels=int(channels),
        image_size=None if image_size is None else (int(image_size[0]), int(image_size[1])),
        mean=tuple(map(float, mean)), std=tuple(map(float, std)),
    )  # fmt: skip
    return network
