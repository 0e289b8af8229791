"""What every method has: where it starts, and what it asks of the training loop, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass

__all__ = ["Method"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to forget. Its fields are its hyper-parameters.

    A method that trains overrides `passes`; one that computes new weights at once overrides `edit`.
    """

    name: ClassVar[str]
    """Short name for tables, files and the command line."""
    title: ClassVar[str]
    """Name for readers."""
    start: ClassVar[Literal["pretrained", "fresh"]] = "pretrained"
    """Which model it starts from."""
    normalises: ClassVar[tuple[Part, ...]] = ("retain", "forget")
    """Sets whose batches go through the network in training mode, so that batch normalisation takes their statistics;
    a study says beforehand which of them are too small for that."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Packages of `deepnet.house.packages` that it needs; a study says beforehand if one is missing."""

    def plan(self, task: Task) -> list[Sequence[Pass]]:
        """The passes of each epoch of the training; without `passes`, no epochs."""
        return [self.passes(task, epoch) for epoch in range(task.training.epochs)]

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """The passes of one epoch, counted from 0."""
        raise NotImplementedError

    def edit(self, task: Task) -> None:
        """Change the model before the training; nothing, for methods that train."""
