"""Convolutions of one output pixel as matrix products: what they give is what torch's convolution gives."""

from __future__ import annotations

from copy import deepcopy
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from deepnet.house.single_output import SingleOutputConv2d, multiply_single_outputs_

SHAPES = [
    (size, kernel, stride, padding)
    for size, kernel, stride, padding in product((1, 2, 3, 5), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2))
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


@pytest.mark.parametrize("count", [1, 16, 37])
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


def test_single_outputs_are_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or else nothing would be gained: the filter that a pixel meets is one tap of nine."""
    met = []
    convolve = torch.nn.functional.conv2d

    def noted(images: Tensor, weight: Tensor, *others: object) -> Tensor:
        met.append((tuple(images.shape[2:]), tuple(weight.shape[2:])))
        return convolve(images, weight, *others)  # type: ignore[arg-type]

    _, fast = _both(nn.Conv2d(8, 8, 3, padding=1))
    monkeypatch.setattr("torch.nn.functional.conv2d", noted)
    fast(torch.randn(32, 8, 1, 1))
    assert met == [((4, 4), (1, 1))]


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
