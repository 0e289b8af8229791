"""How much each weight matters to a set: the mean square of its gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.learning.sharpness import gradient
from deepnet.learning.task import Task
from deepnet.learning.updates import Part
from deepnet.networks.modes import evaluating
from deepnet.networks.normalization import frozen_statistics

__all__ = ["mean_squares"]


def mean_squares(task: Task, part: Part, batch_size: int, loss: Callable[[Batch], Tensor]) -> dict[str, Tensor]:
    """The mean over batches of the squared gradient of a loss, times the size of the batch, entry by entry.

    With batches of one sample it is the diagonal of the empirical Fisher matrix. A larger batch estimates it: at a
    minimum gradients of samples have no mean, so that the square of their mean over b of them is a b-th of their mean
    square.

    Args:
        task: The model, in the mode for testing meanwhile, and its samples, which are not augmented. The gradients are
            those of its optimizer: SAM and ASAM change them.
        part: The set.
        batch_size: Samples in a batch, at most.
        loss: The loss of a batch, a mean over its samples.

    Returns:
        By name of the parameter, of those that are not frozen.
    """
    stream = task.stream(part, augment=False, batch_size=batch_size, whole=True)
    count = stream.steps_per_pass
    total = {name: torch.zeros_like(weight) for name, weight in task.parameters.items()}
    with evaluating(task.model), torch.enable_grad():
        for batch, _ in zip(stream.batches(start=0), range(count), strict=False):
            found, _ = gradient(
                partial(loss, batch),
                task.parameters,
                task.sharpness,
                second_pass=partial(frozen_statistics, task.model),
            )
            for square, grad in zip(total.values(), found, strict=True):
                square.addcmul_(grad, grad, value=batch.total / count)
    return total
