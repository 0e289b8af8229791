"""The training loop against plain loops of torch, what it counts, and what it draws."""

import math
from copy import deepcopy
from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from deepnet.learning.descent import Descent
from deepnet.learning.loop import History, train
from deepnet.learning.sharpness import asam, sam
from deepnet.learning.task import Task
from deepnet.learning.updates import Pass, Term, Update
from deepnet.methods import FineTune, NegGrad, Pretrain, RandomLabel, RetainSAM, SalUn, Scrub, SharpMinMax
from deepnet.methods import apply as apply_method
from deepnet.methods.base import Method
from deepnet.methods.losses import cross_entropy
from tests.deepnet.model_states import differing, state_of
from tests.deepnet.oracles import (
    batches_of,
    buffers_of,
    optimizer_of,
    small_network,
    small_task,
    weights_of,
    with_torch_layers,
)


def plain_loop(task: Task, epochs: int, schedule: str) -> tuple[torch.nn.Module, list[float]]:
    """What anybody would write: zero_grad, backward, step, scheduler."""
    model = with_torch_layers(task.model).train()
    optimizer = optimizer_of(model, task.training.descent)
    steps = 4 * epochs  # 50 images in batches of 12 or 13
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    losses = []
    for batch in batches_of(task, "pretrain", steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(batch.x), batch.y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if schedule == "cosine":
            cosine.step()
    return model, losses


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize(
    "descent",
    [
        Descent(lr=0.1, momentum=0.9, weight_decay=5e-3),
        Descent(lr=0.1, momentum=0.0, weight_decay=0.0),
        Descent(rule="adamw", lr=0.01, weight_decay=0.1),
    ],
    ids=["momentum", "plain", "adamw"],
)
def test_equals_a_plain_loop_of_torch(descent: Descent, schedule: str) -> None:
    task = small_task(descent=replace(descent, schedule=schedule), epochs=3, batch_size=13)
    twin, losses = plain_loop(task, 3, schedule)
    history = apply_method(Pretrain(), task)
    for one, other in zip(task.model.state_dict().values(), twin.state_dict().values(), strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-12)
    for number, epoch in enumerate(history.epochs):
        assert epoch.number == number
        assert epoch.loss == pytest.approx(sum(losses[4 * number : 4 * number + 4]) / 4, rel=1e-6)  # summed in float32
        assert epoch.images == 50
        assert epoch.seconds > 0


def test_a_training_is_reproducible() -> None:
    one, other = (small_task(model=small_network(dtype=torch.float32), epochs=2, sharpness=sam(0.1)) for _ in range(2))
    torch.manual_seed(1)
    apply_method(RandomLabel(), one)
    torch.manual_seed(2)
    apply_method(RandomLabel(), other)
    assert differing(state_of(one), state_of(other)) == []


def test_global_random_numbers_are_left_alone() -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    apply_method(SalUn(), small_task())
    assert torch.equal(torch.get_rng_state(), state)


def test_seeds_differ() -> None:
    one, other = small_task(seed=(1,)), small_task(seed=(2,))
    for task in (one, other):
        apply_method(FineTune(), task)
    assert differing(weights_of(one.model), weights_of(other.model)) != []


METHODS: list[tuple[Method, int, int]] = [
    (FineTune(), 3, 35),
    (NegGrad(), 3, 35 + 23),  # batches of 8, 7 and 8 from the forget set
    (RetainSAM(), 3, 35 + 23),
    (SharpMinMax(), 3, 35 + 23),
    (RandomLabel(), 5, 50),
    (Scrub(ascent_epochs=1), 3, 35),
]


def forget_batches(task: Task, count: int) -> int:
    return sum(len(batch.rows) for batch in batches_of(task, "forget", count))


@pytest.mark.parametrize("sharpness", [sam(0.0), asam(0.5)], ids=lambda s: s.label)
@pytest.mark.parametrize(("method", "steps", "images"), METHODS, ids=lambda m: getattr(m, "name", ""))
def test_steps_and_images_are_counted_once(method: Method, steps: int, images: int, sharpness: object) -> None:
    task, seen = small_task(epochs=2, sharpness=sharpness), []
    history = apply_method(method, task, on_step=seen.append)
    if isinstance(method, Scrub):  # the first epoch passes over the forget set too, in two batches
        per_epoch = [(5, 50), (3, 35)]
    elif images == 58:  # forget batches go on where they were, so three of them hold 22 or 23
        three, six = forget_batches(task, 3), forget_batches(task, 6)
        per_epoch = [(steps, 35 + three), (steps, 35 + six - three)]
    else:
        per_epoch = [(steps, images)] * 2
    assert seen == list(range(1, sum(count for count, _ in per_epoch) + 1))
    assert [epoch.images for epoch in history.epochs] == [count for _, count in per_epoch]
    assert history.images == sum(count for _, count in per_epoch)
    assert history.seconds == pytest.approx(history.preparation + sum(epoch.seconds for epoch in history.epochs))


def test_histories_add_up() -> None:
    task = small_task(epochs=2)
    history = apply_method(SalUn(), task)
    assert isinstance(history, History)
    assert history.preparation > 0  # the mask
    assert math.isfinite(history.seconds)
    assert history.images == sum(epoch.images for epoch in history.epochs)


def test_terms_that_draw_from_the_same_set_see_the_same_batch() -> None:
    task, seen = small_task(), []

    def watch(batch: object) -> Tensor:
        seen.append(batch.rows)
        return cross_entropy(task.model, batch)

    terms = tuple(Term(loss=watch, draws=("retain",)) for _ in range(2))
    train(task, [[Pass("retain", (Update(terms), Update(terms, optimizer="other")))]])
    assert len(seen) == 12
    for start in range(0, 12, 4):
        assert all(torch.equal(rows, seen[start]) for rows in seen[start : start + 4])
    rows = torch.cat(seen[::4]).sort().values
    assert torch.equal(rows, task.split.retain)


def test_smaller_sets_are_drawn_from_again_and_again() -> None:
    task, seen = small_task(epochs=2), []

    def watch(retained: object, forgotten: object) -> Tensor:
        seen.append(forgotten.rows)
        return cross_entropy(task.model, retained)

    term = Term(loss=watch, draws=("retain", "forget"))
    train(task, [[Pass("retain", (Update((term,)),))]] * 2)
    assert all(torch.equal(rows, batch.rows) for rows, batch in zip(seen, batches_of(task, "forget", 6), strict=True))


def test_an_empty_plan_changes_nothing() -> None:
    task = small_task()
    before = state_of(task)
    assert train(task, []).epochs == []
    assert differing(before, state_of(task)) == []


def test_the_teacher_is_the_model_before_the_training() -> None:
    task = small_task(epochs=3)
    before = deepcopy(task.model).eval()
    apply_method(Scrub(), task)
    assert differing(dict(task.teacher.named_parameters()), dict(before.named_parameters())) == []
    assert differing(buffers_of(task.teacher), buffers_of(before)) == []
    assert not task.teacher.training
    assert not any(value.requires_grad for value in task.teacher.parameters())
    assert differing(weights_of(task.model), weights_of(before)) != []
