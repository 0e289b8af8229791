"""The one training loop: pretraining, retraining, unlearning and relearning all go through it."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from deepnet.data.streams import Batch
from deepnet.house.parallel import sum_across_ranks_
from deepnet.learning.journal import Journal
from deepnet.learning.masks import Mask, held_in_place
from deepnet.learning.sharpness import Sharpness, gradient
from deepnet.learning.stepping import hand_over, make_step
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass, Term, Update
from deepnet.learning.watching import Watcher, unnoticed
from deepnet.networks.frozen import to_training
from deepnet.networks.modes import draws, same_draws
from deepnet.networks.normalization import frozen_statistics
from deepnet.networks.precision import autocast, loss_scale, matrix_products

__all__ = ["DivergenceError", "Epoch", "History", "train"]


class DivergenceError(ArithmeticError):
    """A loss or a weight is no longer finite."""


@dataclass(frozen=True)
class Epoch:
    """What happened in an epoch."""

    number: int
    """From 0."""
    loss: float
    """Mean over the steps of the sum of all losses."""
    images: int
    """Images that went through the model, once for each draw; a second pass of SAM is not counted."""
    seconds: float
    """Wall time."""
    skipped: int = 0
    """Steps that were not made, since a gradient overflowed in float16."""


@dataclass
class History:
    """The epochs of a training, in order."""

    epochs: list[Epoch] = field(default_factory=list)
    """In order."""
    preparation: float = 0.0
    """Seconds spent before the first epoch, on masks and edits."""
    masks: dict[str, Mask] = field(default_factory=dict)
    """The weights that each optimizer may move, by its name; one that may move all of them is left out."""

    @property
    def seconds(self) -> float:
        """Time spent in all, preparation and epochs."""
        return self.preparation + sum(epoch.seconds for epoch in self.epochs)

    @property
    def images(self) -> int:
        """Images drawn in all epochs."""
        return sum(epoch.images for epoch in self.epochs)

    @property
    def skipped(self) -> int:
        """Steps of all epochs that were not made, since a gradient overflowed in float16."""
        return sum(epoch.skipped for epoch in self.epochs)


def train(
    task: Task,
    plan: Sequence[Sequence[Pass]],
    *,
    journal: Journal | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_step: Callable[[int], None] | None = None,
    on_epoch: Callable[[int, Epoch], None] | None = None,
    watcher: Watcher | None = None,
    holds_masked_weights: bool = True,
) -> History:
    """Train a model in place.

    Args:
        task: The model, the samples and the settings.
        plan: For each epoch the passes it consists of.
        journal: Where the state is kept after an epoch; what it holds already is taken up first.
        on_plan: Called before the first step with the number of steps there will have been at the end.
        on_step: Called after each step with the number of steps done.
        on_epoch: Called after each epoch, and first for those that the journal holds, with the number of steps done and
            what was seen of the epoch.
        watcher: Looks at the model before the first step and after each, and may end the training.
        holds_masked_weights: Whether the weights outside a mask are held in place; without it, weight decay moves them.
            Steps whose sharpness leaks through the mask (`Sharpness.leaks`) hold nothing.

    Returns:
        The history, earlier epochs from the journal included; the last epoch is a part of one if a watcher ended it.

    Raises:
        DivergenceError: if the loss is no longer finite, or every step of an epoch overflowed in float16; looked at
            after each epoch.
    """
    run = _Run(task, plan, on_step or (lambda step: None), holds_masked_weights, watcher)
    records = journal.restore(task.model, run.optimizers, run.drawn, watcher) if journal else []
    history = History([Epoch(**record) for record in records], masks=run.masks)
    if on_plan is not None:
        on_plan(sum(run.lengths))
    ends = list(itertools.accumulate(run.lengths))
    tell = on_epoch or (lambda step, epoch: None)
    for done in history.epochs:
        tell(ends[done.number], done)
    to_training(task.model)
    with matrix_products(task.training.precision):
        if not records:
            run.look(0, 0)
        for number in range(len(records), len(plan)):
            if run.ended:
                break
            history.epochs.append(run.epoch(number))
            tell(run.steps, history.epochs[-1])
            if journal and not run.ended:  # an ended one has no next epoch to go on with
                journal.save(task.model, run.optimizers, run.drawn, [vars(epoch) for epoch in history.epochs], watcher)
    return history


class _Run:
    """The moving parts of a training."""

    def __init__(
        self,
        task: Task,
        plan: Sequence[Sequence[Pass]],
        on_step: Callable[[int], None],
        holds: bool,
        watcher: Watcher | None,
    ) -> None:
        self.task, self.plan, self.on_step, self.holds, self.watcher = task, plan, on_step, holds, watcher
        self.ended = False
        """Whether the watcher has ended the training."""
        self.steps = 0
        """Steps that are done."""
        self.parameters = task.parameters
        self.may_overflow = loss_scale(task.training.precision) != 1
        every = [update for passes in plan for one in passes for update in one.updates]
        self.masks: dict[str, Mask] = {}
        """By the optimizer whose steps they confine."""
        for update in every:
            if (mask := update.mask) is not None:
                mask.check(task.model)
                self.masks.setdefault(update.optimizer, mask)
        names = dict.fromkeys(update.optimizer for update in every)
        self.optimizers = {name: task.training.descent.optimizer(self.parameters.values()) for name in names}
        parts = dict.fromkeys(part for update in every for term in update.terms for part in term.draws)
        self.streams = {part: task.stream(part) for part in [*parts, *(one.over for p in plan for one in p)]}
        self.drawn: Counter[str] = Counter()
        """Batches drawn of each set so far; with the seed, this is the whole random state."""
        self.skipped = torch.zeros(())
        """Steps of this epoch that were not made, a scalar on the device."""
        self.lengths = [sum(self.streams[one.over].steps_per_pass for one in passes) for passes in plan]

    def look(self, step: int, epochs: int) -> None:
        """Let the watcher look at the model after so many steps, which are so many whole epochs."""
        if self.watcher is not None:
            with unnoticed(self.task.model, self.task.device):
                self.ended = self.watcher.look(step, epochs)

    def epoch(self, number: int) -> Epoch:
        """Go through one epoch, to its end or to where the watcher ends it.

        Raises:
            DivergenceError: if the loss is no longer finite, or no step could be made.
        """
        began, images = time.perf_counter(), 0
        losses, self.skipped = (torch.zeros((), device=self.task.device) for _ in range(2))
        first = step = sum(self.lengths[:number])
        updates = 0
        for one, batches in self._steps(number):
            self._set_rate(step)
            for update in one.updates:
                losses += self._update(update, batches)
            step = self.steps = step + 1
            updates += len(one.updates)
            images += sum(batch.total for batch in batches.values())
            self.on_step(step)
            self.look(step, number + (step == first + self.lengths[number]))
            if self.ended:
                break
        sum_across_ranks_([losses])
        total, skipped = torch.stack([losses, self.skipped]).tolist()
        mean = total / max(step - first, 1)
        if not math.isfinite(mean):
            raise DivergenceError(
                f"The loss is {mean} after epoch {number + 1} of {len(self.plan)}; a smaller `lr` may help."
            )
        if 0 < updates == skipped:
            raise DivergenceError(
                f"Every gradient of epoch {number + 1} of {len(self.plan)} overflowed in float16; a smaller `lr` may "
                "help, or another `precision`."
            )
        return Epoch(number, mean, images, time.perf_counter() - began, int(skipped))

    def _steps(self, number: int) -> Iterator[tuple[Pass, dict[str, Batch]]]:
        """The steps of an epoch: the pass that each belongs to, and its batches."""
        return ((one, batches) for one in self.plan[number] for batches in self._draw(one))

    def _draw(self, one: Pass) -> Iterator[dict[str, Batch]]:
        """For each step of a pass, a batch of each set that its updates need."""
        parts = list(dict.fromkeys(part for update in one.updates for term in update.terms for part in term.draws))
        sources = {part: self._batches(part, one) for part in parts}
        for _ in range(self.streams[one.over].steps_per_pass):
            self.drawn.update(parts)
            yield {part: next(source) for part, source in sources.items()}

    def _batches(self, part: Part, one: Pass) -> Iterator[Batch]:
        """The batches of a set for a pass: the next of all, or those of one turn through it again and again."""
        stream, drawn = self.streams[part], self.drawn[part]
        if part != "forget" or one.over == part or not self.task.cycles_forget_batches:
            return stream.batches(start=drawn)
        turn = -(-drawn // stream.steps_per_pass) * stream.steps_per_pass  # the first that was not begun
        return (
            batch
            for _ in itertools.count()
            for batch, _ in zip(stream.batches(start=turn), range(stream.steps_per_pass), strict=False)
        )

    def _set_rate(self, step: int) -> None:
        rate = self.task.training.descent.rate(step, sum(self.lengths))
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def _update(self, update: Update, batches: dict[str, Batch]) -> Tensor:
        """One step of one optimizer; returns the sum of the losses."""
        directions, losses = zip(*(self._gradient(term, batches) for term in update.terms), strict=True)
        hand_over(self.parameters.values(), zip(*directions, strict=True))
        leaks = any(self._sharpness(term).leaks for term in update.terms)  # what it leaks to is moved, not held
        with held_in_place(self.parameters, update.mask if self.holds and not leaks else None):
            missed = make_step(
                self.optimizers[update.optimizer], self.parameters.values(), may_overflow=self.may_overflow
            )
        if missed is not None:
            self.skipped += missed
        return torch.stack(losses).sum()

    def _gradient(self, term: Term, batches: dict[str, Batch]) -> tuple[list[Tensor], Tensor]:
        """The direction of one term, and its loss."""
        training = self.task.training

        def loss() -> Tensor:
            with autocast(training.precision, self.task.device):
                return term.loss(*(batches[part] for part in term.draws))

        return gradient(
            loss,
            self.parameters,
            self._sharpness(term),
            None if term.mask is None else term.mask.values,
            second_pass=self._second_look(),
            loss_scale=loss_scale(training.precision),
        )

    def _second_look(self) -> Callable[[], AbstractContextManager[None]]:
        """How the loss at w + ε is computed: as that at w, but that no statistics move.

        What a model draws, such as dropout, is drawn again: else the difference of two gradients is that of two losses.
        """
        model, device = self.task.model, self.task.device
        again = same_draws(device) if draws(model) else nullcontext

        @contextmanager
        def look() -> Iterator[None]:
            with frozen_statistics(model), again():
                yield

        return look

    def _sharpness(self, term: Term) -> Sharpness:
        """What the optimizer does about the sharpness of a term."""
        usual = self.task.sharpness
        return replace(usual, rho=0.0) if term.goal == "none" else replace(usual, goal=term.goal)
