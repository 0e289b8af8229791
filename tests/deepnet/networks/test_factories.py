"""Networks of other makers: torchvision's, timm's, and functions of one's own."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from deepnet.house.identity import key_of
from deepnet.house.packages import TIMM, is_installed
from deepnet.networks.factories import parted
from deepnet.networks.models import ModelConfig, Network, build

HERE = __name__


def perceptron(*, n_classes: int, channels: int) -> nn.Module:
    """A function of one's own, for images of four pixels a side."""
    return nn.Sequential(nn.Flatten(), nn.Linear(16 * channels, 5), nn.ReLU(), nn.Linear(5, n_classes))


def without_end(*, n_classes: int, channels: int) -> nn.Module:
    """Ends in no linear layer."""
    return nn.Sequential(nn.Conv2d(channels, n_classes, 4), nn.Flatten())


def no_network(*, n_classes: int, channels: int) -> int:
    """Is none."""
    return n_classes + channels


def made(factory: str, *, channels: int = 3, n_classes: int = 7, seed: int = 0, side: int = 32) -> Network:
    return build(
        ModelConfig(factory=factory), n_classes=n_classes, channels=channels, mean=(0.5,) * channels,
        std=(0.2,) * channels, seed=seed, image_size=(side, side),
    )  # fmt: skip


def images(channels: int = 3, side: int = 32, count: int = 3) -> torch.Tensor:
    drawn = torch.randint(0, 256, (count, channels, side, side), generator=torch.Generator().manual_seed(0))
    return drawn.to(torch.uint8)


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "mobilenet_v3_small", "resnet18"])
def test_torchvision_by_name_is_its_network(name: str) -> None:
    from torchvision import models

    network = made(f"torchvision:{name}").eval()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        twin = models.get_model(name, weights=None, num_classes=7).eval()
    x = images(side=64)
    normalised = (x.float() / 255 - 0.5) / 0.2
    with torch.no_grad():
        assert torch.allclose(network(x), twin(normalised), atol=1e-4)
        assert network.features(x).shape == (3, network.head.in_features)


@pytest.mark.skipif(not is_installed(TIMM), reason="timm is not installed")
def test_timm_by_name_takes_gray_images() -> None:
    network = made("timm:resnet10t", channels=1).eval()
    assert network(images(1)).shape == (3, 7)


def test_a_function_of_ones_own_is_called_with_what_is_known() -> None:
    network = made(f"{HERE}:perceptron", channels=2, side=4)
    assert network(images(2, 4)).shape == (3, 7)
    assert network.head.in_features == 5
    again, other = made(f"{HERE}:perceptron", channels=2, side=4), made(f"{HERE}:perceptron", channels=2, seed=1)
    assert torch.equal(network.head.weight, again.head.weight)
    assert not torch.equal(network.head.weight, other.head.weight)


def test_the_factory_names_the_network_and_its_results() -> None:
    config = ModelConfig(factory=f"{HERE}:perceptron")
    assert config.name == f"{HERE}:perceptron"
    assert ModelConfig(architecture="resnet50").name == "resnet50"
    assert key_of(config) != key_of(ModelConfig())
    assert key_of(ModelConfig()) == "75ef4b74ed0241f0"  # that of before there were factories


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("resnet18", '"torchvision:NAME"'),
        ("a:b:c", '"torchvision:NAME"'),
        ("torchvision:resnet19", "no 'resnet19'; the most similar ones are resnet18"),
        ("torchvision:squeezenet1_0", "ends in a linear layer"),
        (f"{HERE}:without_end", "ends in a linear layer"),
        (f"{HERE}:no_network", "returns a int"),
        (f"{HERE}:absent", "is none"),
        ("no_such_package:make", "is none"),
    ],
)
def test_what_is_no_factory_is_refused_in_one_sentence(factory: str, message: str) -> None:
    with pytest.raises(ValueError, match="Argument `factory`") as refused:
        made(factory)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_torchvisions_networks_are_for_three_channels() -> None:
    with pytest.raises(ValueError, match="images of 1 channel"):
        made("torchvision:resnet18", channels=1)


def test_a_head_makes_as_many_logits_as_there_are_classes() -> None:
    with pytest.raises(ValueError, match="7 logits, but the last linear layer of x makes 5"):
        parted(nn.Sequential(nn.Linear(3, 5)), "x", 7)


class HeadFirst(nn.Module):
    """Registers the layer that makes the logits before the one that is called first."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(n_classes, n_classes)
        self.body = nn.Linear(48, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x.flatten(1)).relu())


def head_first(*, n_classes: int, channels: int) -> nn.Module:
    return HeadFirst(n_classes)


def with_words_after_its_head(*, n_classes: int, channels: int) -> nn.Module:
    """Says logarithms of probabilities."""
    return nn.Sequential(perceptron(n_classes=n_classes, channels=channels), nn.LogSoftmax(1))


def test_the_head_is_the_layer_that_is_called_last() -> None:
    network, x = made(f"{HERE}:head_first", side=4), images(side=4)
    twin = HeadFirst(7)
    twin.head, twin.body = network.head, network.body.body
    assert network.head.in_features == 7
    with torch.no_grad():
        assert torch.allclose(network(x), twin((x.float() / 255 - 0.5) / 0.2), atol=1e-6)
        assert torch.equal(network.head(network.features(x)), network(x))


def test_what_comes_after_the_head_is_not_left_out_in_silence() -> None:
    with pytest.raises(ValueError, match=r"ends in a linear layer, but .* does something after it"):
        made(f"{HERE}:with_words_after_its_head", side=4)
