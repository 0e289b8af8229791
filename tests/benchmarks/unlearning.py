"""`deepnet.unlearn` beside the loop of torch that one writes oneself, on networks and samples of six kinds.

Both do NegGrad with SGD, momentum and weight decay, on one thread, for as many steps with as many samples. The plain
loop takes forget batches in training mode, too, so that they leave their trace in running statistics, and looks at
nothing. Times are of the processor, since a busy machine would tell more of its other work.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from deepnet import unlearn
from deepnet.methods import NegGrad
from tests.benchmarks.measurement import Figure, paired_ratio

__all__ = ["KINDS", "Kind", "plain_loop", "unlearning"]

ALPHA, LR, MOMENTUM, DECAY = 0.9, 1e-3, 0.9, 5e-4
EPOCHS, BATCH, N_CLASSES = 3, 64, 10


@dataclass(frozen=True)
class Kind:
    """A network, and what it reads."""

    name: str
    """In words."""
    make: Callable[[], nn.Module]
    """Makes the network."""
    samples: Callable[[int], Tensor]
    """So many samples."""
    n: int
    """How many there are; every eighth is to be forgotten."""
    package: str = "torch"
    """What has to be installed."""


def _drawn() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _pictures(n: int) -> Tensor:
    return torch.randn(n, 3, 32, 32, generator=_drawn())


def _mobilenet() -> nn.Module:
    from torchvision.models import mobilenet_v2

    return mobilenet_v2(num_classes=N_CLASSES)


def _transformer() -> nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(
        image_size=32, patch_size=4, num_layers=4, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=N_CLASSES
    )


def _timms() -> nn.Module:
    import timm

    return timm.create_model("test_resnet", num_classes=N_CLASSES)


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, N_CLASSES))


def _text_head() -> nn.Module:
    return nn.Sequential(nn.EmbeddingBag(5000, 64), nn.Linear(64, N_CLASSES))


def _frozen_body() -> nn.Module:
    from torchvision.models import resnet18

    net = resnet18(num_classes=N_CLASSES).requires_grad_(False)
    net.fc.requires_grad_(True)
    return net


KINDS = (
    Kind("MobileNetV2 of torchvision", _mobilenet, _pictures, 192, "torchvision"),
    Kind("vision transformer of torchvision", _transformer, _pictures, 384, "torchvision"),
    Kind("test_resnet of timm", _timms, _pictures, 384, "timm"),
    Kind("MLP on a table", _mlp, lambda n: torch.randn(n, 20, generator=_drawn()), 6000),
    Kind("text head", _text_head, lambda n: torch.randint(0, 5000, (n, 32), generator=_drawn()), 6000),
    Kind("ResNet-18, its body frozen", _frozen_body, _pictures, 192, "torchvision"),
)


def unlearning(kinds: tuple[Kind, ...] = KINDS, repeats: int = 3) -> Iterator[Figure]:
    """What `unlearn` takes, over what the plain loop takes: with the usual history, and with next to none."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for kind in kinds:
            if importlib.util.find_spec(kind.package) is None:
                yield Figure(f"unlearn / plain loop, {kind.name}", f"not measured, for want of {kind.package}")
                continue
            for words, probe in (("", 2000), (", without a history", 1)):
                yield Figure(f"unlearn{words} / plain loop, {kind.name}", f"{_ratio(kind, probe, repeats):.2f}×")
    finally:
        torch.set_num_threads(threads)


def _ratio(kind: Kind, probe: int, repeats: int) -> float:
    x, y, forget = kind.samples(kind.n), torch.arange(kind.n) % N_CLASSES, torch.arange(0, kind.n, 8)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = kind.make()
    settings = {"epochs": EPOCHS, "lr": LR, "batch_size": BATCH, "device": "cpu", "progress": False, "probe": probe}
    return paired_ratio(
        lambda: unlearn(model, (x, y), forget, NegGrad(alpha=ALPHA), **settings),
        lambda: plain_loop(deepcopy(model), x, y, forget),
        repeats,
        time.process_time,
    )


def plain_loop(net: nn.Module, x: Tensor, y: Tensor, forget: Tensor) -> nn.Module:
    """NegGrad, written as one does: each retain batch with the next forget batch, which come round again."""
    kept = torch.ones(len(y), dtype=torch.bool)
    kept[forget] = False
    retain, weights = kept.nonzero().flatten(), [weight for weight in net.parameters() if weight.requires_grad]
    net.train(all(weight.requires_grad for weight in net.parameters()))  # a body that is frozen is as in testing
    optimizer = torch.optim.SGD(weights, lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    for _ in range(EPOCHS):
        lost = forget[torch.randperm(len(forget))].split(BATCH)
        for step, rows in enumerate(retain[torch.randperm(len(retain))].split(BATCH)):
            gone = lost[step % len(lost)]
            optimizer.zero_grad()
            loss = ALPHA * cross_entropy(net(x[rows]), y[rows]) - (1 - ALPHA) * cross_entropy(net(x[gone]), y[gone])
            loss.backward()
            optimizer.step()
    return net
