"""Selection by curvature: which weights it takes, and NegGrad's steps for these."""

from functools import cache

import torch
from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.masks import Mask
from deepnet.learning.sharpness import Sharpness
from deepnet.learning.task import Task
from deepnet.methods import CurvatureSelection
from tests.deepnet.methods.first_steps import assert_steps, each_transform, neggrad, pairs
from tests.deepnet.oracles import (
    batch_of,
    naive_cross_entropy,
    naive_selection,
    network_direction,
    places,
    small_task,
    with_torch_layers,
)


def hessian_diagonal(task: Task, batch: Batch) -> dict[str, Tensor]:
    """|∂²L/∂w²| one weight at a time, in the mode for testing."""
    network = with_torch_layers(task.model).eval()
    parameters = dict(network.named_parameters())
    loss = naive_cross_entropy(network(batch.x), batch.y)
    slopes = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    found = {}
    for (name, value), slope in zip(parameters.items(), slopes, strict=True):
        entries = [
            torch.autograd.grad(slope.flatten()[i], value, retain_graph=True)[0].flatten()[i]
            for i in range(value.numel())
        ]
        found[name] = torch.stack(entries).reshape(value.shape).abs()
    return found


@cache
def exact_diagonal() -> dict[str, Tensor]:
    """On all pretraining images of the small task, in one batch."""
    task = small_task(batch_size=60)
    return hessian_diagonal(task, batch_of(task, "pretrain"))


def inside_and_outside(values: dict[str, Tensor], mask: Mask) -> tuple[float, float]:
    """Means of values where a mask holds, and elsewhere."""
    flat = torch.cat([value.flatten() for value in values.values()])
    held = torch.cat([mask.values[name].flatten() for name in values])
    return float(flat[held].mean()), float(flat[~held].mean())


def test_selection_takes_the_largest_diagonal_entries() -> None:
    """Against the exact diagonal on all pretraining images."""
    exact = exact_diagonal()
    mask = CurvatureSelection(fraction=0.02, probes=60, samples=50).mask(small_task(batch_size=60))
    expected = naive_selection(exact, 0.02, largest=True)
    assert len(places(mask.values)) == len(expected) == 8
    assert len(places(mask.values) & expected) >= 6
    inside, outside = inside_and_outside(exact, mask)
    assert inside > 50 * outside


def test_selection_takes_the_smallest_diagonal_entries() -> None:
    """At least, entries smaller than the average of the others."""
    exact = exact_diagonal()
    mask = CurvatureSelection(fraction=0.02, order="smallest", samples=50).mask(small_task(batch_size=60))
    inside, outside = inside_and_outside(exact, mask)
    assert inside < outside


@each_transform
def test_selection_is_neggrad_for_the_chosen_weights(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness)
    method = CurvatureSelection(alpha=0.7, fraction=0.3, probes=3)
    both, held = pairs(task, 3), method.mask(task).values

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: neggrad(at, both[t], 0.7), sharpness, held)

    assert_steps(method, task, direction, mask=held)
