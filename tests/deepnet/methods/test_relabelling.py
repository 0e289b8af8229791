"""Random labels for the forget set, with all weights and with the salient ones alone."""

import math

import pytest
import torch
from torch import Tensor

from deepnet.learning.descent import Descent
from deepnet.learning.masks import Order
from deepnet.learning.sharpness import Sharpness
from deepnet.methods import RandomLabel, SalUn
from tests.deepnet.methods.first_steps import assert_steps, each_descent, each_transform
from tests.deepnet.oracles import (
    batches_of,
    naive_cross_entropy,
    naive_saliency,
    naive_selection,
    network_direction,
    places,
    small_task,
)


@each_transform
def test_random_label_descends_on_everything(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness)
    batches = batches_of(task, "relabelled", 3)
    seen = torch.cat([batch.rows for batch in batches_of(task, "relabelled", 5)])
    assert torch.equal(seen.sort().values, task.split.pretrain)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: naive_cross_entropy(at(batches[t].x), batches[t].y), sharpness)

    assert_steps(RandomLabel(), task, direction)


def test_labels_of_the_forget_set_are_uniform_and_all_others_true() -> None:
    task = small_task(batch_size=60)
    truth, counts = task.dataset.train.labels, torch.zeros(60, 3)
    for batch in batches_of(task, "relabelled", 600):
        counts[batch.rows, batch.y] += 1
    kept, changed = counts[task.split.retain], counts[task.split.forget]
    assert torch.equal(kept.argmax(1), truth[task.split.retain])
    assert torch.equal(kept.max(1).values, torch.full((35,), 600.0))
    square = ((changed - 200) ** 2 / 200).sum(1)  # 2 degrees of freedom for each image
    assert float(square.sum()) < 59.7  # chi-squared of 30 degrees of freedom at 0.1 %
    assert float(square.max()) < 2 * math.log(15 / 1e-3)
    pooled = changed[torch.arange(15), truth[task.split.forget]].sum()  # the true label among them
    assert abs(float(pooled) - 3000) < 3.3 * math.sqrt(9000 * 2 / 9)


def test_labels_are_drawn_anew_at_each_visit() -> None:
    task = small_task(batch_size=60)
    first, second = batches_of(task, "relabelled", 2)
    labels = [batch.y[batch.rows.argsort()] for batch in (first, second)]
    assert not torch.equal(*labels)


@each_descent
@each_transform
def test_salun_is_random_labels_for_the_salient_weights(sharpness: Sharpness, descent: Descent) -> None:
    task = small_task(sharpness=sharpness, descent=descent)
    batches = batches_of(task, "relabelled", 3)
    held = SalUn(fraction=0.5).mask(task).values
    scores = naive_saliency(task.model, batches_of(task, "forget", 2))
    assert len(places(held) ^ naive_selection(scores, 0.5, largest=True)) <= 2

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(
            network, lambda at: naive_cross_entropy(at(batches[t].x), batches[t].y), sharpness, held
        )

    assert_steps(SalUn(fraction=0.5), task, direction, mask=held)


@pytest.mark.parametrize(("order", "largest"), [("largest", True), ("smallest", False)])
def test_salun_takes_the_end_it_is_told_to(order: Order, largest: bool) -> None:
    task = small_task()
    held = places(SalUn(fraction=0.3, order=order).mask(task).values)
    scores = naive_saliency(task.model, batches_of(task, "forget", 2))
    assert len(held ^ naive_selection(scores, 0.3, largest=largest)) <= 2
