"""Architectures by name: convolutional networks and vision transformers of torchvision and timm, and one of our own.

Each is a body, from normalised images (b, C, H, W) to features (b, p), and a linear head. Nothing in them is drawn at
random in training (no dropout, no dropped paths), since a training that goes on must meet the same numbers again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn, get_args

from torch import nn

from deepnet.house.identity import came_later
from deepnet.house.packages import TIMM, need
from deepnet.networks.factories import HeadPlace, check_factory
from deepnet.networks.normalization import BatchNorm
from simulate.house import checks

__all__ = ["BODIES", "PACKAGES", "Architecture", "ImageSize", "ModelConfig"]

Architecture = Literal[
    "convnet", "resnet18", "resnet50", "wide_resnet14_2", "wide_resnet50_2", "vgg16_bn", "vit_mini", "vit_small"
]
"""Name of a network."""
Stem = Literal["cifar", "imagenet"]
ImageSize = tuple[int, int]
"""Height and width of images in pixels."""
BodyAndHead = tuple[nn.Module, nn.Linear]

PACKAGES = {"vit_small": TIMM, "timm": TIMM}
"""Packages that architectures, and makers of others, need beyond torchvision."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which network."""

    architecture: Architecture = "resnet18"
    """The network. Torchvision's are resnet18, resnet50, wide_resnet50_2, vgg16_bn and vit_mini, a small vision
    transformer; vit_small is timm's. The wide_resnet14_2 has one block a stage, the convnet three small convolutions.
    """
    stem: Stem = "cifar"
    """First layers: "cifar" is for small images, a 3x3 convolution of stride 1 without pooling in a ResNet, the smaller
    head of the released code in VGG, and in a vision transformer patches with an eighth of the side of an image, at
    least 2 pixels; "imagenet" is torchvision's, with patches of 16 x 16 pixels."""
    width: int = 16
    """Channels of the convnet's first layer; the later ones have two and four times as many."""
    factory: str = came_later("")
    """Another maker of the network, which the architecture then says nothing of: torchvision:NAME, timm:NAME, or
    package.module:function, called with n_classes and channels."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.choice("architecture", self.architecture, get_args(Architecture))
        checks.choice("stem", self.stem, get_args(Stem))
        checks.integer("width", self.width, least=1, most=4096)
        check_factory(self.factory)

    @property
    def name(self) -> str:
        """What the network is called."""
        return self.factory or self.architecture


# --- convolutions --------------------------------------------------------------------------------------


def _convnet(config: ModelConfig, n_classes: int, channels: int, size: ImageSize | None) -> BodyAndHead:
    """Three 3x3 convolutions with batch normalisation; the second halves the resolution."""
    widths = [config.width, 2 * config.width, 4 * config.width]
    layers: list[nn.Module] = []
    for inputs, outputs, stride in zip([channels, *widths], widths, (1, 2, 1), strict=False):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), BatchNorm(outputs), nn.ReLU()]
    body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return body, nn.Linear(widths[-1], n_classes)


def _resnet(config: ModelConfig, n_classes: int, channels: int, size: ImageSize | None) -> BodyAndHead:
    """torchvision's ResNet (v1.5, Kaiming initialisation), beheaded, and its head."""
    from torchvision import models  # which takes a second that small networks need not wait

    if config.architecture == "wide_resnet14_2":  # as torchvision's wide ones, but for the number of blocks
        net = models.ResNet(
            models.resnet.Bottleneck, [1, 1, 1, 1], num_classes=n_classes, width_per_group=128, norm_layer=BatchNorm
        )
    else:
        constructor = getattr(models, config.architecture)
        net = constructor(weights=None, num_classes=n_classes, norm_layer=BatchNorm)
    if config.stem == "cifar" or channels != 3:
        geometry = (3, 1, 1) if config.stem == "cifar" else (7, 2, 3)
        kernel_size, stride, padding = geometry
        net.conv1 = nn.Conv2d(channels, 64, kernel_size, stride, padding, bias=False)
        nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    if config.stem == "cifar":
        net.maxpool = nn.Identity()
    head, net.fc = net.fc, HeadPlace()
    return net, head


_CIFAR_VGG_SIDE = 16
"""Pixels that four halvings leave one of."""


def _vgg(config: ModelConfig, n_classes: int, channels: int, size: ImageSize | None) -> BodyAndHead:
    """torchvision's VGG-16 with batch normalisation.

    With the stem "cifar" its convolutions have no biases, which normalisation takes away, its last pooling is left out,
    and its hidden layers have 256 units, as in the released code.
    """
    from torchvision.models import vgg

    least = _CIFAR_VGG_SIDE if config.stem == "cifar" else 2 * _CIFAR_VGG_SIDE
    if size is not None and min(size) < least:
        _refuse(config, size, f"which must have at least {least} pixels a side")
    layers = vgg.cfgs["D"] if config.stem == "imagenet" else vgg.cfgs["D"][:-1]
    features = _normalised_by_ours(vgg.make_layers(layers, batch_norm=True))
    features[0] = nn.Conv2d(channels, 64, 3, padding=1)
    side, width = (7, 4096) if config.stem == "imagenet" else (2, 256)
    hidden = [nn.Linear(512 * side**2, width), nn.ReLU(inplace=True), nn.Linear(width, width), nn.ReLU(inplace=True)]
    body = nn.Sequential(features, nn.AdaptiveAvgPool2d(side), nn.Flatten(), *hidden)
    head = nn.Linear(width, n_classes)
    for layer in [*body.modules(), head]:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            layer.bias = None if config.stem == "cifar" else layer.bias
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return body, head


def _normalised_by_ours(layers: nn.Sequential) -> nn.Sequential:
    """New layers, in which batch normalisation is that of this package."""
    found = [BatchNorm(layer.num_features) if isinstance(layer, nn.BatchNorm2d) else layer for layer in layers]
    return nn.Sequential(*found)


# --- vision transformers -------------------------------------------------------------------------------

_PATCHES, _LEAST_PATCH = 8, 2
"""Patches along a side of a small image, and the side that a patch has at least: with 32 pixels each has 4, as in the
released code."""
_PATCH = 16
"""Side in pixels of a patch of a large one."""


def _vit_mini(config: ModelConfig, n_classes: int, channels: int, size: ImageSize | None) -> BodyAndHead:
    """torchvision's vision transformer, six layers of 128 features and four heads: a size that a CPU can train."""
    from torchvision.models import VisionTransformer

    side, patch = _patches(config, size)
    net = VisionTransformer(
        image_size=side, patch_size=patch, num_layers=6, num_heads=4, hidden_dim=128, mlp_dim=256, num_classes=n_classes
    )
    if channels != 3:
        net.conv_proj = nn.Conv2d(channels, 128, patch, patch)
        nn.init.trunc_normal_(net.conv_proj.weight, std=math.sqrt(1 / (channels * patch**2)))
        nn.init.zeros_(net.conv_proj.bias)
    head, net.heads.head = net.heads.head, HeadPlace()
    return net, head


def _vit_small(config: ModelConfig, n_classes: int, channels: int, size: ImageSize | None) -> BodyAndHead:
    """timm's small vision transformer: twelve layers of 384 features and six heads."""
    need(TIMM, "The architecture vit_small")
    import timm

    side, patch = _patches(config, size)
    net = timm.create_model(
        "vit_small_patch16_224", pretrained=False, img_size=side, patch_size=patch, in_chans=channels,
        num_classes=n_classes,
    )  # fmt: skip
    head, net.head = net.head, HeadPlace()
    return net, head


def _patches(config: ModelConfig, size: ImageSize | None) -> tuple[int, int]:
    """Sides in pixels of an image and of its patches.

    Raises:
        ValueError: if the size of images is not known, or patches do not fill them.
    """
    if size is None:
        checks.fail("image_size", f'be given for "{config.architecture}", which learns a vector for each patch', size)
    height, width = size
    patch = max(height // _PATCHES, _LEAST_PATCH) if config.stem == "cifar" else _PATCH
    if height != width or height % patch:
        _refuse(config, size, f"which must be squares made up of patches of {patch} x {patch} pixels")
    return height, patch


def _refuse(config: ModelConfig, size: ImageSize, why: str) -> NoReturn:
    """Say that an architecture does not go with images of a size.

    Raises:
        ValueError: always.
    """
    height, width = size
    raise ValueError(
        f'Argument `architecture` must be another than "{config.architecture}" with the stem "{config.stem}" for '
        f"images of {width} x {height} pixels, {why}."
    )


BODIES: dict[str, Callable[[ModelConfig, int, int, ImageSize | None], BodyAndHead]] = {
    "convnet": _convnet,
    "resnet18": _resnet,
    "resnet50": _resnet,
    "wide_resnet14_2": _resnet,
    "wide_resnet50_2": _resnet,
    "vgg16_bn": _vgg,
    "vit_mini": _vit_mini,
    "vit_small": _vit_small,
}
"""What makes body and head of a configuration, by classes, channels, and the size of images where it is known."""
