"""NegGrad by a part of the weights: which part, and NegGrad's steps for it."""

from functools import cache

import pytest
import torch
from torch import Tensor

from deepnet.learning.sharpness import sgd
from deepnet.methods import GradientSelection, LastLayer, NegGrad, RandomSelection
from deepnet.methods.partial import PartialNegGrad
from tests.deepnet.methods.first_steps import assert_steps, neggrad, pairs
from tests.deepnet.oracles import (
    batch_of,
    naive_cross_entropy,
    naive_selection,
    network_direction,
    places,
    small_task,
    with_torch_layers,
)

EACH = [GradientSelection(alpha=0.7, fraction=0.3), RandomSelection(alpha=0.7, fraction=0.3), LastLayer(alpha=0.7)]


@cache
def forget_gradient() -> dict[str, Tensor]:
    """|∂L/∂w| on the forget set, in the mode for testing."""
    task = small_task(batch_size=60)
    network, batch = with_torch_layers(task.model).eval(), batch_of(task, "forget")
    naive_cross_entropy(network(batch.x), batch.y).backward()
    return {name: weight.grad.abs() for name, weight in network.named_parameters()}


def test_gradient_selection_takes_the_largest_gradients_on_the_forget_set() -> None:
    mask = GradientSelection(fraction=0.05).mask(small_task(batch_size=60))
    assert places(mask.values) == naive_selection(forget_gradient(), 0.05, largest=True)


def test_random_weights_are_as_many_as_asked_for_and_hang_on_the_seed_alone() -> None:
    method = RandomSelection(fraction=0.1)
    masks = [method.mask(small_task(seed=seed)) for seed in ((1, 2), (1, 2), (1, 3))]
    chosen = [places(mask.values) for mask in masks]
    total = sum(value.numel() for value in masks[0].values.values())
    assert {len(each) for each in chosen} == {total // 10}
    assert chosen[0] == chosen[1] != chosen[2]
    shared = len(chosen[0] & chosen[2]) / len(chosen[0])
    assert shared < 0.25  # a tenth of them by chance


def test_random_weights_lie_everywhere() -> None:
    """In each tensor as large a part of it as in all, give or take five standard deviations."""
    mask = RandomSelection(fraction=0.5).mask(small_task())
    for name, value in mask.values.items():
        assert abs(float(value.double().mean()) - 0.5) < 2.5 / value.numel() ** 0.5, name


def test_the_last_layer_is_weight_and_bias_of_the_head() -> None:
    task = small_task()
    values = LastLayer().mask(task).values
    head = [name for name, value in values.items() if bool(value.all())]
    assert head == list(task.parameters)[-2:]
    assert all(name.endswith(("head.weight", "head.bias")) for name in head)
    assert not any(bool(value.any()) for name, value in values.items() if name not in head)


@pytest.mark.parametrize("method", EACH, ids=lambda method: method.name)
def test_the_steps_are_those_of_neggrad_for_the_chosen_weights(method: PartialNegGrad) -> None:
    task = small_task()
    both, held = pairs(task, 3), method.mask(task).values

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: neggrad(at, both[t], 0.7), sgd(), held)

    assert_steps(method, task, direction, mask=held)


def test_all_weights_are_neggrad() -> None:
    task = small_task()
    both = pairs(task, 2)
    assert_steps(
        RandomSelection(alpha=0.7, fraction=1.0),
        task,
        lambda network, t: network_direction(network, lambda at: neggrad(at, both[t], 0.7), sgd()),
        steps=2,
    )
    assert isinstance(RandomSelection(), NegGrad)


@pytest.mark.parametrize("kind", [GradientSelection, RandomSelection])
def test_bad_fractions_are_named(kind: type[PartialNegGrad]) -> None:
    with pytest.raises(ValueError, match="`fraction`"):
        kind(fraction=1.5)  # type: ignore[call-arg]
