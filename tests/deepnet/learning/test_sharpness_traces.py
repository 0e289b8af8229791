"""What two passes at different weights leave behind: the weights to the bit, and nothing else."""

from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from deepnet.learning.sharpness import Sharpness, asam, gradient, sam, sgd
from tests.deepnet.two_layers import Weights, half_mask, network_loss, some_weights


def awkward_weights(dtype: torch.dtype) -> Weights:
    """Values of all sizes, of which w + ε - ε would not give many back."""
    weights = some_weights(9, dtype)
    with torch.no_grad():
        for value in weights.values():
            value *= 10.0 ** torch.linspace(-9, 3, value.numel()).reshape(value.shape).to(dtype)
    return weights


def bits(weights: Weights) -> list[bytes]:
    return [value.detach().numpy().tobytes() for value in weights.values()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("transform", [sam(0.7), asam(2.0), Sharpness(rho=0.3, goal="max", adaptive="weights")])
def test_weights_are_restored_to_the_bit(transform: Sharpness, dtype: torch.dtype) -> None:
    weights = awkward_weights(dtype)
    before, addresses = bits(weights), [value.data_ptr() for value in weights.values()]
    for mask in (None, half_mask(weights)):
        gradient(lambda: network_loss(weights), weights, transform, mask)
        assert bits(weights) == before
    assert [value.data_ptr() for value in weights.values()] == addresses
    assert all(value.grad is None and value.requires_grad for value in weights.values())


class PassFailedError(Exception):
    pass


@pytest.mark.parametrize("transform", [sam(0.7), asam(2.0)])
@pytest.mark.parametrize("failing", [1, 2])
def test_weights_are_restored_if_a_pass_raises(transform: Sharpness, failing: int) -> None:
    weights, calls = awkward_weights(torch.float32), []
    before = bits(weights)

    def loss() -> Tensor:
        calls.append(bits(weights) == before)
        if len(calls) == failing:
            raise PassFailedError
        return network_loss(weights)

    with pytest.raises(PassFailedError):
        gradient(loss, weights, transform)
    assert calls == [True, False][:failing]
    assert bits(weights) == before


def test_the_second_pass_runs_in_its_context() -> None:
    weights, order = some_weights(), []

    class Held:
        def __enter__(self) -> None:
            order.append("in")

        def __exit__(self, *exception: object) -> None:
            order.append("out")

    def loss() -> Tensor:
        order.append("loss")
        return network_loss(weights)

    gradient(loss, weights, sam(0.1), second_pass=Held)
    assert order == ["loss", "in", "loss", "out"]


@pytest.mark.parametrize("make", [sgd, sam, asam])
def test_a_loss_scale_leaves_single_precision_alone(make: Callable[[], Sharpness]) -> None:
    weights = some_weights(4, torch.float32)
    plain, loss = gradient(lambda: network_loss(weights), weights, make())
    scaled, same = gradient(lambda: network_loss(weights), weights, make(), loss_scale=1024.0)
    assert float(loss) == float(same)
    assert all(torch.equal(one, other) for one, other in zip(plain, scaled, strict=True))
