"""The last layer is the linear one that a network calls last, in whatever order its layers are registered."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from deepnet.house.packages import TIMM, is_installed
from deepnet.learning.task import Task
from deepnet.methods import FisherForgetting, LastLayer
from deepnet.methods import apply as apply_method
from deepnet.methods.last_layer import last_layer
from deepnet.networks.architectures import BODIES
from deepnet.networks.features import last_linear
from deepnet.networks.models import ModelConfig, build
from tests.deepnet.oracles import small_dataset, small_network, small_task, weights_of, with_torch_layers


class HeadFirst(nn.Module):
    """Registers its head before its body; a layer that is never called comes last."""

    def __init__(self) -> None:
        super().__init__()
        shape, n_classes = small_dataset().train.shape, small_dataset().n_classes
        self.head = nn.Linear(6, n_classes)
        self.body = nn.Linear(shape[0] * shape[1] * shape[2], 6)
        self.spare = nn.Linear(3, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(torch.tanh(self.body(images.float().flatten(1) / 255)))


def task_of(model: nn.Module) -> Task:
    return small_task(model=model, epochs=0)  # type: ignore[arg-type]


def test_the_order_of_registration_makes_no_difference() -> None:
    task = task_of(HeadFirst())
    assert last_layer(task) == {"head.weight", "head.bias"}
    held = {name for name, value in LastLayer().mask(task).values.items() if bool(value.any())}
    assert held == {"head.weight", "head.bias"}


def test_fisher_noise_is_stronger_in_the_layer_that_is_called_last() -> None:
    """Where no importance counts, all weights have one variance, and those of the head ten times that."""
    moves = {}
    for name in ("head.weight", "body.weight"):
        task = task_of(HeadFirst())
        before = weights_of(task.model)
        apply_method(FisherForgetting(alpha=1e-2, least=1e9), task)
        moves[name] = weights_of(task.model)[name] - before[name]
    ratio = float(moves["head.weight"].square().mean() / moves["body.weight"].square().mean())
    assert 4 < ratio < 25


def test_of_a_frozen_head_it_is_the_layer_before() -> None:
    model = HeadFirst()
    model.head.requires_grad_(False)
    assert last_layer(task_of(model)) == {"body.weight", "body.bias"}
    network = small_network()
    network.head.requires_grad_(False)
    task = task_of(network)
    last = next(reversed(task.parameters)).rpartition(".")[0]
    assert {name.rpartition(".")[0] for name in last_layer(task)} == {last}


def test_tied_weights_are_found_under_their_first_name() -> None:
    class Tied(HeadFirst):
        def __init__(self) -> None:
            super().__init__()
            self.answer = nn.Linear(6, self.head.out_features)
            self.answer.weight = self.head.weight
            self.answer.bias, self.head.bias = self.head.bias, None

        def forward(self, images: Tensor) -> Tensor:
            return self.answer(torch.tanh(self.body(images.float().flatten(1) / 255)))

    assert last_layer(task_of(Tied())) == {"head.weight", "answer.bias"}


def test_of_our_networks_it_is_the_head_with_torchs_layers_too() -> None:
    for model in (small_network(), with_torch_layers(small_network())):
        assert last_layer(task_of(model)) == {"head.weight", "head.bias"}


@pytest.mark.parametrize("architecture", sorted(BODIES))
def test_every_network_of_the_house_registers_last_what_it_calls_last(architecture: str) -> None:
    """So that rows of `last-layer` and `fisher` are what they were when the order of registration decided."""
    if architecture == "vit_small" and not is_installed(TIMM):
        pytest.skip("timm is not installed")
    with torch.device("meta"):
        config = ModelConfig(architecture=architecture)  # type: ignore[arg-type]
        options = {"n_classes": 7, "channels": 3, "mean": (0.5,) * 3, "std": (0.2,) * 3, "seed": 0}
        model = build(config, image_size=(32, 32), **options)  # type: ignore[arg-type]
        assert last_linear(model, torch.empty(1, 3, 32, 32, dtype=torch.uint8)) == "head"
    assert [name for name, _ in model.named_parameters()][-2:] == ["head.weight", "head.bias"]
