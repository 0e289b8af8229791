"""Training on what may be remembered, with and without the L1 penalty."""

import pytest
import torch
from torch import Tensor

from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness
from deepnet.methods import FineTune, L1Sparse, Pretrain, Retrain
from deepnet.methods import apply as apply_method
from deepnet.methods.base import Method
from tests.deepnet.methods.first_steps import assert_steps, each_descent, each_transform
from tests.deepnet.oracles import At, batches_of, naive_cross_entropy, network_direction, small_task, weights_of


@each_transform
@pytest.mark.parametrize(("method", "part"), [(FineTune(), "retain"), (Retrain(), "retain"), (Pretrain(), "pretrain")])
@each_descent
def test_training_descends_the_cross_entropy(method: Method, part: str, sharpness: Sharpness, descent: Descent) -> None:
    task = small_task(sharpness=sharpness, descent=descent)
    batches = batches_of(task, part, 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: naive_cross_entropy(at(batches[t].x), batches[t].y), sharpness)

    assert_steps(method, task, direction)


@each_transform
@pytest.mark.parametrize(("free_epochs", "factors"), [(0, [1, 3 / 4, 1 / 2, 1 / 4]), (2, [1, 1 / 2, 0, 0])])
def test_the_l1_penalty_fades_out(free_epochs: int, factors: list[float], sharpness: Sharpness) -> None:
    """γ (1 - e/(E - E₀)) ‖w‖₁ over all parameters, in each of the E = 4 epochs of 3 steps."""
    task = small_task(sharpness=sharpness, epochs=4)
    batches = batches_of(task, "retain", 12)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        def loss(at: At) -> Tensor:
            size = sum(value.abs().sum() for value in at.weights.values())
            return naive_cross_entropy(at(batches[t].x), batches[t].y) + 0.02 * factors[t // 3] * size

        return network_direction(network, loss, sharpness)

    assert_steps(L1Sparse(gamma=0.02, free_epochs=free_epochs), task, direction, steps=12)


def test_the_l1_penalty_makes_weights_small() -> None:
    sizes = []
    for gamma in (0.0, 0.05):
        task = small_task(epochs=6)
        apply_method(L1Sparse(gamma=gamma), task)
        sizes.append(sum(float(value.abs().sum()) for value in weights_of(task.model).values()))
    assert sizes[1] < 0.9 * sizes[0]
