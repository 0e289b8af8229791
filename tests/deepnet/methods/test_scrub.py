"""SCRUB: away from its teacher on the forget set, towards it on the retain set."""

from copy import deepcopy

import torch
from torch import Tensor

from deepnet.learning.sharpness import Sharpness
from deepnet.learning.task import Task
from deepnet.methods import Scrub
from deepnet.methods import apply as apply_method
from tests.deepnet.methods.first_steps import Direction, assert_steps, each_transform
from tests.deepnet.oracles import (
    At,
    batches_of,
    naive_cross_entropy,
    naive_divergence,
    network_direction,
    small_task,
    with_torch_layers,
)


def scrub_twin(task: Task) -> Direction:
    """Epochs 0 and 1: two steps along -KL(F), then three of γ CE + β KL on R; epoch 2: those three only."""
    teacher = with_torch_layers(task.model).eval()
    forget, retain = batches_of(task, "forget", 4), batches_of(task, "retain", 9)
    order = [*forget[:2], *retain[:3], *forget[2:], *retain[3:6], *retain[6:]]
    climbing = [True] * 2 + [False] * 3 + [True] * 2 + [False] * 6

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        batch = order[t]
        with torch.no_grad():
            wanted = teacher(batch.x)

        def loss(at: At) -> Tensor:
            if climbing[t]:
                return -naive_divergence(at.quiet(batch.x), wanted, 3.0)
            logits = at(batch.x)
            return 0.8 * naive_cross_entropy(logits, batch.y) + 0.3 * naive_divergence(logits, wanted, 3.0)

        return network_direction(network, loss, task.sharpness)

    return direction


SCRUB = Scrub(ascent_epochs=2, beta=0.3, gamma=0.8, temperature=3.0)


@each_transform
def test_scrub(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness, epochs=3)
    assert_steps(SCRUB, task, scrub_twin(task), steps=13, statistics=False)


@each_transform
def test_scrub_moves_running_statistics_once_a_step(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness, epochs=3)
    assert_steps(SCRUB, task, scrub_twin(task), steps=13)


def test_the_teacher_of_scrub_stays_where_it_was() -> None:
    task = small_task(epochs=3)
    start = deepcopy(task.model.state_dict())
    apply_method(Scrub(ascent_epochs=3), task)
    assert all(torch.equal(value, start[name]) for name, value in task.teacher.state_dict().items())
    assert any(not torch.equal(value, start[name]) for name, value in task.model.state_dict().items())
