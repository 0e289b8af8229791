"""A watched training is an unwatched one, to the bit, until its watcher ends it; it goes through the journal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from deepnet.learning.descent import Descent
from deepnet.learning.journal import Journal
from deepnet.learning.sharpness import asam, sgd
from deepnet.learning.task import Task
from deepnet.methods import FineTune, NegGrad, Scrub, SharpMinMax
from deepnet.methods import apply as apply_method
from deepnet.methods.base import Method
from tests.deepnet.learning.test_journal import KilledError, die_after
from tests.deepnet.model_states import differing, state_of
from tests.deepnet.oracles import batch_of, small_network, small_task

METHODS: list[tuple[Method, object]] = [
    (NegGrad(alpha=0.8), sgd()),
    (SharpMinMax(alpha=0.8), asam(0.5)),
    (Scrub(), sgd()),
]


class Nosy:
    """Looks, and does whatever could leave a trace: forward passes, other modes, random numbers, gradients."""

    def __init__(self, task: Task, ends: Callable[[int], bool] = lambda step: False) -> None:
        self.model, self.batch, self.ends = task.model, batch_of(task, "pretrain"), ends
        self.rows: list[list[float]] = []
        self.seen: list[tuple[int, int]] = []

    def look(self, step: int, epochs: int) -> bool:
        assert not any(layer.training for layer in self.model.modules())
        logits = self.model(self.batch.x)
        assert not logits.requires_grad
        self.model.train()
        torch.rand(7)
        self.rows.append([step, float(logits.double().sum())])
        self.seen.append((step, epochs))
        return self.ends(step)

    def noted(self) -> Any:
        return self.rows

    def take_up(self, noted: Any) -> None:
        self.rows = noted


def fresh_task(sharpness: object = None, **changes: object) -> Task:
    descent = Descent(lr=0.05, momentum=0.9, weight_decay=0.01)
    return small_task(
        model=small_network(dtype=torch.float32), descent=descent, epochs=4, sharpness=sharpness, **changes
    )


@pytest.mark.parametrize(("method", "sharpness"), METHODS, ids=lambda m: getattr(m, "name", ""))
def test_watching_leaves_no_trace(method: Method, sharpness: object) -> None:
    plain, watched = fresh_task(sharpness), fresh_task(sharpness)
    history = apply_method(method, plain)
    again = apply_method(method, watched, watcher=Nosy(watched))
    assert differing(state_of(plain), state_of(watched)) == []
    assert [epoch.loss for epoch in again.epochs] == [epoch.loss for epoch in history.epochs]


class WithDropout(nn.Module):
    """A network that needs torch's own random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 3))
        nn.init.constant_(self.net[2].weight, 0.1)
        nn.init.zeros_(self.net[2].bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images.float() / 255)


def test_random_numbers_of_a_watcher_are_its_own() -> None:
    states = []
    for watches in (False, True):
        torch.manual_seed(0)
        task = small_task(model=WithDropout(), epochs=2)
        apply_method(FineTune(), task, watcher=Nosy(task) if watches else None)
        states.append(state_of(task))
    assert differing(*states) == []


def test_it_is_asked_before_the_first_step_and_after_each_with_the_whole_epochs_so_far() -> None:
    task = fresh_task()
    watcher = Nosy(task)
    apply_method(Scrub(ascent_epochs=1), task, watcher=watcher)  # 2 + 3 steps, then 3 an epoch
    epochs = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    assert watcher.seen == list(enumerate(epochs))


@pytest.mark.parametrize("last", [0, 1, 3, 7])
def test_a_training_that_is_ended_has_the_bits_of_its_step(last: int) -> None:
    """Held against a training that is killed at that step."""
    ended, killed = fresh_task(), fresh_task()
    history = apply_method(NegGrad(), ended, watcher=Nosy(ended, lambda step: step == last))
    if last:
        with pytest.raises(KilledError):
            apply_method(NegGrad(), killed, on_step=die_after(last))
    assert differing(state_of(ended), state_of(killed)) == []
    assert len(history.epochs) == -(-last // 3)
    assert sum(epoch.images for epoch in history.epochs) == sum(
        batch_of(killed, part, step).total for step in range(last) for part in ("retain", "forget")
    )


def test_losses_of_an_ended_epoch_are_means_of_the_steps_made() -> None:
    whole, ended = fresh_task(), fresh_task()
    first = apply_method(FineTune(), whole, watcher=Nosy(whole, lambda step: step == 1)).epochs[0].loss
    batch = batch_of(ended, "retain")
    ended.model.train()
    wanted = torch.nn.functional.cross_entropy(ended.model(batch.x), batch.y).item()
    assert first == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("method", "sharpness"), METHODS, ids=lambda m: getattr(m, "name", ""))
def test_killed_and_resumed_it_notes_the_same(method: Method, sharpness: object, tmp_path: Path) -> None:
    whole = fresh_task(sharpness)
    watcher = Nosy(whole, lambda step: step == 11)
    apply_method(method, whole, watcher=watcher)
    for steps in (2, 5, 8, 10):  # what came after the last whole epoch is made again
        task = fresh_task(sharpness)
        with pytest.raises(KilledError):
            apply_method(
                method, task, journal=Journal(tmp_path / "journal", every=0.0), on_step=die_after(steps),
                watcher=Nosy(task),
            )  # fmt: skip
    resumed = fresh_task(sharpness)
    again = Nosy(resumed, lambda step: step == 11)
    apply_method(method, resumed, journal=Journal(tmp_path / "journal", every=0.0), watcher=again)
    assert again.rows == watcher.rows
    assert again.seen[0][0] > 0
    assert differing(state_of(whole), state_of(resumed)) == []


def test_a_journal_that_nobody_watched_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", every=0.0)
    with pytest.raises(KilledError):
        apply_method(FineTune(), fresh_task(), journal=journal, on_step=die_after(4))
    task = fresh_task()
    with pytest.raises(ValueError, match="journal is of a training that nobody watched; remove it"):
        apply_method(FineTune(), task, journal=journal, watcher=Nosy(task))
