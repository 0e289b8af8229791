"""The first steps of a method beside those of torch's optimizer along a direction that a test writes down."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import asam, sam, sgd
from deepnet.learning.task import Task
from deepnet.methods import apply as apply_method
from deepnet.methods.base import Method
from tests.deepnet.oracles import At, batches_of, naive_cross_entropy, optimizer_of, step, weights_of, with_torch_layers

SGD = Descent(lr=0.05, momentum=0.9, weight_decay=0.01)
ADAMW = Descent(rule="adamw", lr=0.01, weight_decay=0.1)
TRANSFORMS = [sgd(), sam(0.2), asam(0.4)]
each_transform = pytest.mark.parametrize("sharpness", TRANSFORMS, ids=lambda s: s.label)
each_descent = pytest.mark.parametrize("descent", [SGD, ADAMW], ids=lambda d: d.rule)

Direction = Callable[[torch.nn.Module, int], dict[str, Tensor]]
"""What a step goes along, by the name of the weights, from a network and the number of the step."""


class EnoughError(Exception):
    """Ends a training that has made the steps that are looked at."""


def stop_after(method: Method, task: Task, steps: int) -> None:
    """Let a method make its first steps."""

    def on_step(number: int) -> None:
        if number == steps:
            raise EnoughError

    with pytest.raises(EnoughError):
        apply_method(method, task, on_step=on_step)


def assert_equal(task: Task, twin: torch.nn.Module, statistics: bool = True) -> None:
    """Weights, running statistics and the number of batches behind them."""
    expected = dict(twin.state_dict())
    found = task.model.state_dict() if statistics else weights_of(task.model)
    for name, value in found.items():
        assert torch.allclose(value.double(), expected[name].double(), rtol=1e-11, atol=1e-11), name


def assert_steps(
    method: Method, task: Task, direction: Direction, *, steps: int = 3, mask=None, statistics: bool = True
) -> None:
    """The method's first steps are those of torch's optimizer along `direction(network, t)`."""
    twin = with_torch_layers(task.model)
    optimizer = optimizer_of(twin, task.training.descent)
    start = weights_of(twin)
    for t in range(steps):
        step(twin, optimizer, direction(twin, t))
        if mask is not None:
            with torch.no_grad():
                for name, value in twin.named_parameters():
                    value.copy_(torch.where(mask[name], value, start[name]))
    before = weights_of(task.model)
    stop_after(method, task, steps)
    assert_equal(task, twin, statistics)
    assert any(not torch.equal(value, before[name]) for name, value in weights_of(task.model).items())


def pairs(task: Task, count: int) -> list[tuple[Batch, Batch]]:
    """The first batches of the retain set, each with the batch of the forget set that goes with it."""
    return list(zip(batches_of(task, "retain", count), batches_of(task, "forget", count), strict=True))


def neggrad(at: At, pair: tuple[Batch, Batch], alpha: float) -> Tensor:
    """α CE(R) - (1 - α) CE(F); only the retained images leave a trace in running statistics."""
    retained, forgotten = pair
    keep = naive_cross_entropy(at(retained.x), retained.y)
    return alpha * keep - (1 - alpha) * naive_cross_entropy(at.quiet(forgotten.x), forgotten.y)
