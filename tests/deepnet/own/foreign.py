"""Networks and samples that are not this package's: small ones of torch, torchvision and timm, trained for a moment."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

N_CLASSES = 4
FORGET = [3, 8, 13, 18, 26, 31]
"""Samples with a wrong label, which only who has learned them by heart knows."""
Pair = tuple[Tensor, Tensor]


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _some_wrong(y: Tensor) -> Tensor:
    wrong = y.clone()
    wrong[FORGET] = (wrong[FORGET] + 1) % N_CLASSES
    return wrong


def table(n: int = 120, seed: int = 0) -> Pair:
    """Rows of a table, (n, 8) of float32, around the centre of their class."""
    y = torch.arange(n) % N_CLASSES
    return torch.randn(n, 8, generator=drawn(seed)) + 2 * functional.one_hot(y, 8), _some_wrong(y)


def pictures(n: int = 36, side: int = 16, seed: int = 0) -> Pair:
    """Noisy pictures, (n, 3, side, side) of float32, each class bright in its own corner."""
    y = torch.arange(n) % N_CLASSES
    x = torch.randn(n, 3, side, side, generator=drawn(seed))
    half = side // 2
    for row, label in enumerate(y.tolist()):
        top, left = half * (label // 2), half * (label % 2)
        x[row, :, top : top + half, left : left + half] += 1.0
    return x, _some_wrong(y)


def texts(n: int = 120, seed: int = 0) -> Pair:
    """Texts of 12 words by number, (n, 12) of int64; each class prefers ten of the hundred words."""
    y = torch.arange(n) % N_CLASSES
    own = 10 * y[:, None] + torch.randint(0, 10, (n, 12), generator=drawn(seed))
    other = torch.randint(0, 100, (n, 12), generator=drawn(seed + 1))
    return torch.where(torch.rand(n, 12, generator=drawn(seed + 2)) < 0.5, own, other), _some_wrong(y)


def mlp(dropout: float = 0.0) -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(dropout), nn.Linear(24, N_CLASSES)
    )  # fmt: skip


def _mobilenet() -> nn.Module:
    from torchvision.models import MobileNetV2

    shape = [[1, 8, 1, 1], [4, 12, 1, 2], [4, 16, 1, 2]]
    return MobileNetV2(num_classes=N_CLASSES, width_mult=0.25, inverted_residual_setting=shape, dropout=0.0)


def _transformer() -> nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(
        image_size=16, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=N_CLASSES
    )


def _timms() -> nn.Module:
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    import timm

    return timm.create_model("test_efficientnet", num_classes=N_CLASSES)


def _head_on_a_frozen_body() -> nn.Module:
    from torchvision.models.resnet import BasicBlock, ResNet

    net = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=N_CLASSES)
    net.layer3, net.layer4, net.fc = nn.Identity(), nn.Identity(), nn.Linear(128, N_CLASSES)
    net.requires_grad_(False)
    net.fc.requires_grad_(True)
    return net


class TextHead(nn.Module):
    """The mean of word vectors, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(100, 16)
        self.head = nn.Linear(16, N_CLASSES)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.words(words))


FOREIGN: dict[str, tuple[Callable[[], nn.Module], Callable[[], Pair], float]] = {
    "mobilenet": (_mobilenet, pictures, 0.01),
    "vit": (_transformer, pictures, 0.2),
    "timm": (_timms, pictures, 0.02),
    "table": (mlp, table, 0.01),
    "text": (TextHead, texts, 0.1),
    "frozen body": (_head_on_a_frozen_body, pictures, 0.2),
}
"""What makes a network, its samples, and a learning rate that unlearns it."""


@cache
def _trained_state(name: str) -> dict[str, Tensor]:
    make, samples, _ = FOREIGN[name]
    torch.default_generator.manual_seed(0)
    net, (x, y) = make(), samples()
    net.train()
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        if loss < 0.1:  # by heart, and not so well that nothing pulls at what is to be forgotten
            break
    with torch.no_grad():
        for _ in range(60):  # running statistics follow slowly
            net(x)
    return net.state_dict()


def trained(name: str) -> tuple[nn.Module, Pair, float]:
    """A network that has learned its samples, these, and a learning rate that unlearns it."""
    make, samples, lr = FOREIGN[name]
    with torch.random.fork_rng(devices=[]):
        state = _trained_state(name)
        net = make()
    net.load_state_dict(state)
    return net, samples(), lr


def bits(net: nn.Module) -> dict[str, bytes]:
    """Weights and buffers to the bit."""
    return {name: value.detach().cpu().numpy().tobytes() for name, value in net.state_dict().items()}


def changed(net: nn.Module, before: dict[str, bytes]) -> set[str]:
    """Names of the weights and buffers that differ from what they were."""
    return {name for name, value in bits(net).items() if value != before[name]}
