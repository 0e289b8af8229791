"""Learning rates: those of torch's schedules, warm-up, and what the optimizer is given."""

from itertools import pairwise

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from deepnet.learning.descent import Descent
from deepnet.learning.loop import train
from deepnet.learning.training import Training
from deepnet.learning.updates import Pass, Term, Update
from tests.deepnet.oracles import small_network, small_task


def test_cosine_is_that_of_torch() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.3)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    descent = Descent(lr=0.3, schedule="cosine")
    for step in range(20):
        assert descent.rate(step, 20) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        cosine.step()


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("steps", [40, 100])
def test_warm_up_grows_linearly_and_then_the_schedule_goes_on(schedule: str, steps: int) -> None:
    descent = Descent(lr=0.4, schedule=schedule, warmup=0.25)
    rates = [descent.rate(step, steps) for step in range(steps)]
    warm = steps // 4
    increments = [later - earlier for earlier, later in pairwise(rates[:warm])]
    assert increments == pytest.approx([increments[0]] * (warm - 1), rel=1e-9)
    assert increments[0] == pytest.approx(0.4 / warm, rel=1.1 / warm)
    assert 0 < rates[0] <= increments[0] * (1 + 1e-9)
    assert 0 <= 0.4 - rates[warm - 1] <= increments[0] * (1 + 1e-9)
    assert max(rates) == pytest.approx(0.4, rel=1e-9)
    assert rates[warm:] == sorted(rates[warm:], reverse=True)
    if schedule == "constant":
        assert rates[warm:] == pytest.approx([0.4] * (steps - warm))
    else:
        assert rates[-1] < 0.01


def test_the_rate_is_what_the_optimizer_uses() -> None:
    """One weight, slope 1, no momentum: the path is the sum of the rates."""
    descent = Descent(lr=0.2, momentum=0.0, weight_decay=0.0, schedule="cosine", warmup=0.3)
    task, path = small_task(descent=descent, epochs=2), []
    weight = task.model.head.bias

    def slope(_: object) -> Tensor:
        return weight.sum()

    term = Term(loss=slope, draws=("retain",))
    train(task, [[Pass("retain", (Update((term,)),))]] * 2, on_step=lambda step: path.append((step, weight[0].item())))
    start = small_network().head.bias[0].item()
    expected = start
    for (step, value), t in zip(path, range(6), strict=True):
        expected -= descent.rate(t, 6)
        assert step == t + 1
        assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("field", "value"),
    [("rule", "adam"), ("lr", 0.0), ("lr", -1.0), ("lr", float("nan")), ("momentum", -0.1), ("momentum", 1.5),
     ("weight_decay", -1e-3), ("schedule", "step"), ("warmup", -0.1), ("warmup", 1.1)],
)  # fmt: skip
def test_bad_descents_are_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        Descent(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("epochs", -1), ("epochs", 1.5), ("batch_size", 0), ("precision", "float8")]
)
def test_bad_trainings_are_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        Training(**{field: value})
