"""The relearning attack: how fast do forgotten samples come back when the model is trained on them again?

A retrained model, which never saw them, is the control: an unlearned model that learns them faster than the control
had kept something of them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from deepnet.learning.sharpness import sgd
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods.application import apply
from deepnet.methods.base import Method
from deepnet.methods.losses import cross_entropy
from deepnet.metrics.accuracy import score
from deepnet.metrics.outputs import collect
from deepnet.networks.precision import half_type
from simulate.house import checks, ties

__all__ = ["Curve", "Relearn", "relearning_curve"]


@dataclass(frozen=True, kw_only=True)
class Relearn(Method):
    """Train on the forget set alone."""

    name: ClassVar[str] = "relearn"
    title: ClassVar[str] = "Relearning"

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """One pass over the forget set."""
        return [Pass("forget", (Update((Term(partial(cross_entropy, task.model), ("forget",)),)),))]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Accuracy on the forget set while it is learned again."""

    steps: tuple[int, ...]
    """Steps done, from 0."""
    accuracy: tuple[float, ...]
    """Accuracy after so many steps."""

    def steps_to(self, accuracy: float) -> int | None:
        """The first recorded step with at least this accuracy, tied ones included; None if there is none.

        Example:
            >>> Curve(steps=(0, 1, 2), accuracy=(0.1, 0.5, 0.9)).steps_to(0.5)
            1
        """
        reached = ties.at_least(np.array(self.accuracy), accuracy)
        return next((step for step, enough in zip(self.steps, reached, strict=True) if enough), None)

    def advantage(self, control: Curve) -> float:
        """Mean over the recorded steps of the accuracy minus that of a control; positive is faster than the control.

        Raises:
            ValueError: if the control was recorded at other steps.
        """
        if control.steps != self.steps:
            checks.fail("control", f"be recorded at the steps {self.steps}", control.steps)
        return float(np.mean(np.subtract(self.accuracy, control.accuracy)))


def relearning_curve(task: Task, training: Training, *, points: int = 20) -> Curve:
    """Train a copy of a task's model on the forget set, with plain gradients, and watch.

    Args:
        task: The unlearned model and the samples; the model is left as it is.
        training: How it is trained; an epoch is one pass over the forget set.
        points: About how many times the accuracy is measured.

    Returns:
        The accuracy on the forget set over the steps, without augmentation.

    Raises:
        DivergenceError: if the loss does not stay finite.
    """
    checks.integer("points", points, least=1)
    attack = replace(task, model=copy.deepcopy(task.model), training=training, sharpness=sgd())
    total = training.epochs * attack.stream("forget").steps_per_pass
    every = max(total // points, 1)
    steps, accuracies = [0], [_accuracy(attack)]

    def watch(step: int) -> None:
        if step % every == 0 or step == total:
            steps.append(step)
            accuracies.append(_accuracy(attack))

    apply(Relearn(), attack, on_step=watch)
    return Curve(steps=tuple(steps), accuracy=tuple(accuracies))


def _accuracy(task: Task) -> float:
    half = half_type(task.training.precision)
    return score(collect(task.model, task.dataset.train, task.rows("forget"), autocast=half)).accuracy
