"""Let a method change a model."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from deepnet.house.fields import of_type
from deepnet.learning.journal import Journal
from deepnet.learning.loop import DivergenceError, Epoch, History, train
from deepnet.learning.task import Task
from deepnet.learning.watching import Watcher
from deepnet.methods.base import Method
from deepnet.networks.precision import matrix_products

__all__ = ["apply"]


def apply(
    method: Method,
    task: Task,
    *,
    journal: Journal | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_step: Callable[[int], None] | None = None,
    on_epoch: Callable[[int, Epoch], None] | None = None,
    watcher: Watcher | None = None,
    holds_masked_weights: bool = True,
) -> History:
    """Change the model of a task in place.

    Args:
        method: The method.
        task: The model, the samples and the settings.
        journal: Where the state of an unfinished training is kept, and taken up from.
        on_plan: Called before the first step with the number of steps there will have been at the end.
        on_step: Called after each step with the number of steps done.
        on_epoch: Called after each epoch, and first for those that the journal holds, with the number of steps done and
            what was seen of the epoch.
        watcher: Looks at the model before the first step and after each, and may end the training.
        holds_masked_weights: Whether weights outside a mask are held in place to the bit.

    Returns:
        The history of the training. The time of what comes before it (masks, edits) is its `preparation`.

    Raises:
        DivergenceError: if the loss or a weight is no longer finite.
    """
    of_type("method", method, Method)
    of_type("task", task, Task)
    began = time.perf_counter()
    with matrix_products(task.training.precision):
        method.edit(task)
        _check_finite(task, "the edit; a larger `damping` may help")
        plan = method.plan(task)
    preparation = time.perf_counter() - began
    history = train(
        task,
        plan,
        journal=journal,
        on_plan=on_plan,
        on_step=on_step,
        on_epoch=on_epoch,
        watcher=watcher,
        holds_masked_weights=holds_masked_weights,
    )
    history.preparation = preparation
    _check_finite(task, "the last step; a smaller `lr` may help")
    return history


def _check_finite(task: Task, moment: str) -> None:
    found = torch.stack([weight.isfinite().all() for weight in task.parameters.values()])  # the host waits but once
    if not bool(found.all()):
        raise DivergenceError(f"A weight is no longer finite after {moment}.")
