"""Gradient ascent, NegGrad and Retain SAM: what climbs, what descends, and whose sharpness counts."""

import pytest
import torch
from torch import Tensor

from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, sam, sgd
from deepnet.methods import GradientAscent, NegGrad, RetainSAM
from deepnet.methods import apply as apply_method
from tests.deepnet.methods.first_steps import assert_steps, each_descent, each_transform, neggrad, pairs
from tests.deepnet.oracles import batch_of, batches_of, naive_cross_entropy, network_direction, small_task, weights_of


@each_transform
def test_gradient_ascent_descends_minus_the_loss_of_the_forget_set(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness, epochs=2)
    batches = batches_of(task, "forget", 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(
            network, lambda at: -naive_cross_entropy(at.quiet(batches[t].x), batches[t].y), sharpness
        )

    assert_steps(GradientAscent(), task, direction)


def test_gradient_ascent_climbs() -> None:
    task = small_task(epochs=3, descent=Descent(lr=0.01, momentum=0.0, weight_decay=0.0), batch_size=60)
    batch = batch_of(task, "forget")

    def loss() -> float:
        with torch.no_grad():
            return naive_cross_entropy(task.model.eval()(batch.x), batch.y).item()

    before = loss()
    apply_method(GradientAscent(), task)
    assert loss() > before


@each_descent
@pytest.mark.parametrize("alpha", [0.0, 0.7, 0.95, 1.0])
@each_transform
def test_neggrad(sharpness: Sharpness, alpha: float, descent: Descent) -> None:
    """One joint step, whose sharpness is that of the whole loss."""
    task = small_task(sharpness=sharpness, descent=descent)
    both = pairs(task, 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: neggrad(at, both[t], alpha), sharpness)

    assert_steps(NegGrad(alpha=alpha), task, direction)


@each_transform
def test_retain_sam_perturbs_for_the_retain_set_alone(sharpness: Sharpness) -> None:
    """α SAM-gradient of CE(R), minus (1 - α) the plain gradient of CE(F) at w."""
    task = small_task(sharpness=sharpness)
    both = pairs(task, 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        retained, forgotten = both[t]
        keep = network_direction(network, lambda at: naive_cross_entropy(at(retained.x), retained.y), sharpness)
        climb = network_direction(network, lambda at: naive_cross_entropy(at.quiet(forgotten.x), forgotten.y), sgd())
        return {name: 0.8 * keep[name] - 0.2 * climb[name] for name in keep}

    assert_steps(RetainSAM(alpha=0.8), task, direction)


def test_retain_sam_and_neggrad_differ_only_with_sam() -> None:
    found = {}
    for method in (RetainSAM(alpha=0.8), NegGrad(alpha=0.8)):
        for sharpness in (sgd(), sam(0.2)):
            task = small_task(sharpness=sharpness)
            apply_method(method, task)
            found[method.name, sharpness.label] = torch.cat([v.flatten() for v in weights_of(task.model).values()])
    assert torch.allclose(found["retain-sam", "sgd"], found["neggrad", "sgd"], rtol=1e-9)
    assert float((found["retain-sam", "sam-0.2"] - found["neggrad", "sam-0.2"]).abs().max()) > 1e-4
