"""A training that diverges is an error, wherever the first number that is not finite appears."""

import math
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from deepnet.learning.descent import Descent
from deepnet.learning.journal import Journal
from deepnet.learning.loop import DivergenceError, train
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods import FineTune, Influence
from deepnet.methods import apply as apply_method
from deepnet.methods.base import Method
from deepnet.methods.losses import cross_entropy
from tests.deepnet.oracles import small_network, small_task


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    task = small_task(descent=Descent(lr=1e18, momentum=0.0), epochs=2)
    with pytest.raises(DivergenceError):
        apply_method(FineTune(), task)


def test_one_bad_loss_among_good_ones_is_an_error() -> None:
    task, calls = small_task(epochs=3), []

    def loss(batch: object) -> Tensor:
        calls.append(1)
        value = cross_entropy(task.model, batch)
        return value + float("inf") if len(calls) == 5 else value

    with pytest.raises(DivergenceError):
        train(task, [[Pass("retain", (Update((Term(loss=loss, draws=("retain",)),)),))]] * 3)
    assert len(calls) == 6  # looked at after each epoch of three steps


def test_a_diverged_last_step_is_an_error() -> None:
    """The loss of the last batch is still finite, the weights after it are not."""
    task, losses = small_task(epochs=1, batch_size=20), []

    def loss(batch: object) -> Tensor:
        zero = task.model.head.bias - task.model.head.bias.detach()
        losses.append(cross_entropy(task.model, batch) + 0.0 * zero.abs().sqrt().sum())  # 0 with the slope NaN
        return losses[-1]

    class Once(Method):
        def passes(self, task: Task, epoch: int) -> list[Pass]:
            return [Pass("forget", (Update((Term(loss=loss, draws=("forget",)),)),))]

    with pytest.raises(DivergenceError):
        apply_method(Once(), task)
    assert len(losses) == 1
    assert math.isfinite(losses[0].item())


def test_a_diverged_edit_is_an_error() -> None:
    task = small_task(model=small_network(dtype=torch.float32), epochs=0)
    with torch.no_grad():
        task.model.head.weight.mul_(1e30)
    with pytest.raises(DivergenceError):
        apply_method(Influence(alpha=1e38, damping=1e-30), task)


def test_a_diverged_training_is_not_journalled(tmp_path: Path) -> None:
    """Otherwise running again would take up NaN."""
    task = small_task(descent=Descent(lr=1e18, momentum=0.0), epochs=2)
    with pytest.raises(DivergenceError):
        apply_method(FineTune(), task, journal=Journal(tmp_path / "journal", every=0.0))
    assert not any(tmp_path.iterdir())
