"""A vision transformer of one layer and some six hundred weights, for the pictures of `oracles.small_dataset`."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import VisionTransformer

from deepnet.networks.models import Network
from tests.deepnet.oracles import N_CLASSES

__all__ = ["small_transformer", "transformer_body"]


def transformer_body(
    config: object, n_classes: int, channels: int, size: tuple[int, int] | None
) -> tuple[nn.Module, nn.Linear]:
    """Body and head, in the place of `deepnet.networks.architectures._vit_mini`."""
    side = size[0] if size else 6
    net = VisionTransformer(
        image_size=side, patch_size=side // 2, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=12,
        num_classes=n_classes,
    )  # fmt: skip
    net.conv_proj = nn.Conv2d(channels, 8, side // 2, side // 2)
    head, net.heads = net.heads.head, nn.Identity()
    return net, head


def small_transformer(seed: int = 0, dtype: torch.dtype = torch.float64, channels: int = 1) -> Network:
    """The network, with weights that are nowhere 0."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = Network(*transformer_body(None, N_CLASSES, channels, None), (0.35,) * channels, (0.2,) * channels)
        with torch.no_grad():
            for weight in network.parameters():
                weight += 0.2 * torch.randn(weight.shape)
    return network.to(dtype)
