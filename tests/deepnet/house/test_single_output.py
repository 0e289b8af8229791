"""Convolutions of one output pixel as matrix products: what they give is what torch's convolution gives."""

from __future__ import annotations

from copy import deepcopy
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet50

from deepnet.house.single_output import SingleOutputConv2d, multiply_single_outputs_
from tests.benchmarks.measurement import paired_ratio

SHAPES = [
    (size, kernel, stride, padding)
    for size, kernel, stride, padding in product((1, 2, 3, 5), (1, 2, 3, 5), (1, 2, 3, 8), (0, 1, 2))
    if size + 2 * padding >= kernel
]


def _both(layer: nn.Conv2d) -> tuple[nn.Conv2d, nn.Conv2d]:
    fast = deepcopy(layer)
    multiply_single_outputs_(fast)
    assert type(fast) is SingleOutputConv2d
    return layer, fast


def _with_gradients(layer: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    images = images.clone().requires_grad_()
    made = layer(images)
    weights = torch.arange(1.0, 1 + made.numel(), dtype=made.dtype).view_as(made).sin()
    return made, *torch.autograd.grad((weights * made).sum(), [images, *layer.parameters()])


@pytest.mark.parametrize("count", [1, 16])
@pytest.mark.parametrize("bias", [False, True])
def test_values_and_gradients_are_those_of_the_convolution(count: int, bias: bool) -> None:
    seen = set()
    for size, kernel, stride, padding in SHAPES:
        layer, fast = _both(nn.Conv2d(3, 5, kernel, stride, padding, bias=bias).double())
        images = torch.randn(count, 3, size, size, dtype=torch.float64)
        for one, other in zip(_with_gradients(layer, images), _with_gradients(fast, images), strict=True):
            assert one.shape == other.shape
            torch.testing.assert_close(other, one)
        seen.add(tuple(layer(images).shape[2:]) == (1, 1))
    assert seen == {True, False}


def test_sides_of_other_lengths_are_told_apart() -> None:
    layer, fast = _both(nn.Conv2d(2, 3, (3, 5), (2, 1), (1, 0)).double())
    for height, width in ((1, 5), (2, 5), (2, 6), (3, 5), (4, 7)):
        images = torch.randn(16, 2, height, width, dtype=torch.float64)
        torch.testing.assert_close(fast(images), layer(images))
        torch.testing.assert_close(fast(images[0]), layer(images[0]))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "taps"),
    [(1, 1, 1, 0, 1), (1, 3, 1, 1, 1), (2, 1, 2, 0, 1), (2, 3, 2, 1, 4)],
)
def test_single_outputs_are_products(
    size: int, kernel: int, stride: int, padding: int, taps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the last stage of a ResNet; or else nothing would be gained."""
    met = []
    multiply = torch.nn.functional.linear

    def noted(rows: Tensor, weight: Tensor, *others: object) -> Tensor:
        met.append((tuple(rows.shape), tuple(weight.shape)))
        return multiply(rows, weight, *others)  # type: ignore[arg-type]

    _, fast = _both(nn.Conv2d(8, 8, kernel, stride, padding))
    monkeypatch.setattr("torch.nn.functional.linear", noted)
    fast(torch.randn(32, 8, size, size))
    assert met == [((32, 8 * taps), (8, 8 * taps))]


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(4, 4, 3, padding="same"),
    ],
    ids=["groups", "dilation", "circular", "same"],
)
def test_others_stay_as_they_are(layer: nn.Conv2d) -> None:
    multiply_single_outputs_(layer)
    assert type(layer) is nn.Conv2d


def test_a_network_keeps_its_weights_and_its_function() -> None:
    network = resnet18(num_classes=10).eval()
    fast = deepcopy(network)
    multiply_single_outputs_(fast)
    assert [*fast.state_dict()] == [*network.state_dict()]
    images = torch.randn(3, 3, 32, 32)
    torch.testing.assert_close(fast(images), network(images), rtol=1e-4, atol=1e-5)
    assert fast.layer4[1].conv1(torch.randn(2, 512, 1, 1)).shape == (2, 512, 1, 1)


@pytest.mark.bench
def test_the_last_stage_of_a_resnet_is_faster() -> None:
    """Forward and backward on one thread, of what it sees of a batch of images of 32×32."""
    stage = resnet50(num_classes=10).layer4.to(memory_format=torch.channels_last)
    fast = deepcopy(stage)
    multiply_single_outputs_(fast)
    images = torch.randn(128, 1024, 2, 2).to(memory_format=torch.channels_last)

    def step(layers: nn.Module) -> None:
        layers.zero_grad()
        layers(images).square().mean().backward()

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ratio = paired_ratio(lambda: step(stage), lambda: step(fast), repeats=15)
    finally:
        torch.set_num_threads(threads)
    print(f"{ratio:.2f} times as fast")
    assert ratio > 1.2
