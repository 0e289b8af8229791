"""All numbers that a model holds, and which of them differ between two models."""

import torch
from torch import Tensor

from deepnet.learning.task import Task


def state_of(task: Task) -> dict[str, Tensor]:
    """A copy of the weights, running statistics and counters of the model of a task."""
    return {name: value.clone() for name, value in task.model.state_dict().items()}


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    """Names of the tensors that are not equal to the bit."""
    return [name for name, value in one.items() if not torch.equal(value, other[name])]
