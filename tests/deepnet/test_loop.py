"""The training loop against plain loops of torch, and a resumed training against an uninterrupted one."""

import math
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.descent import Descent  # noqa: E402
from deepnet.journal import Journal  # noqa: E402
from deepnet.loop import DivergenceError, History, train  # noqa: E402
from deepnet.methods import (  # noqa: E402
    CurvatureSelection,
    FineTune,
    Influence,
    L1Sparse,
    NegGrad,
    Pretrain,
    RandomLabel,
    RetainSAM,
    SalUn,
    Scrub,
    SharpMinMax,
)
from deepnet.methods import apply as apply_method  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.methods.losses import cross_entropy  # noqa: E402
from deepnet.sharpness import asam, sam  # noqa: E402
from deepnet.task import Task  # noqa: E402
from deepnet.training import Training  # noqa: E402
from deepnet.updates import Pass, Term, Update  # noqa: E402
from tests.deepnet.oracles import (  # noqa: E402
    batches_of,
    buffers_of,
    optimizer_of,
    small_network,
    small_task,
    weights_of,
    with_torch_layers,
)

Tensor = torch.Tensor


def state_of(task: Task) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in task.model.state_dict().items()}


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    return [name for name, value in one.items() if not torch.equal(value, other[name])]


# --- a training is a training --------------------------------------------------------------------------


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


# --- learning rates ------------------------------------------------------------------------------------


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


# --- counting ------------------------------------------------------------------------------------------

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


# --- divergence ----------------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    task = small_task(descent=Descent(lr=1e100, momentum=0.0), epochs=2)
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
    task = small_task(descent=Descent(lr=1e100, momentum=0.0), epochs=2)
    with pytest.raises(DivergenceError):
        apply_method(FineTune(), task, journal=Journal(tmp_path / "journal", every=0.0))
    assert not any(tmp_path.iterdir())


# --- resuming ------------------------------------------------------------------------------------------


class KilledError(Exception):
    pass


def die_after(steps: int):
    def on_step(step: int) -> None:
        if step == steps:
            raise KilledError

    return on_step


def fresh_task(descent: Descent, sharpness: object = None) -> Task:
    return small_task(model=small_network(dtype=torch.float32), descent=descent, epochs=4, sharpness=sharpness)


RESUMED: list[tuple[Method, object]] = [
    (FineTune(), asam(0.5)),
    (NegGrad(alpha=0.8), sam(0.1)),
    (RandomLabel(), sam(0.0)),
    (SalUn(fraction=0.4), sam(0.0)),
    (L1Sparse(gamma=0.01), sam(0.0)),
    (Scrub(ascent_epochs=2), sam(0.0)),
    (CurvatureSelection(alpha=0.8, fraction=0.4, probes=2), sam(0.0)),
    (SharpMinMax(alpha=0.8), asam(0.5)),
]


@pytest.mark.parametrize(
    "descent",
    [
        Descent(lr=0.05, momentum=0.9, weight_decay=0.01, schedule="cosine", warmup=0.2),
        Descent(rule="adamw", lr=0.01, weight_decay=0.1),
    ],
    ids=lambda d: d.rule,
)
@pytest.mark.parametrize(("method", "sharpness"), RESUMED, ids=lambda m: getattr(m, "name", ""))
def test_a_resumed_training_is_an_uninterrupted_one(
    method: Method, sharpness: object, descent: Descent, tmp_path: Path
) -> None:
    """Killed in the middle of every epoch in turn, each time by a new process with a new model."""
    whole = fresh_task(descent, sharpness)
    history = apply_method(method, whole)
    per_epoch = 5 if isinstance(method, RandomLabel) else 3
    in_epoch = [5, 5, 3, 3] if isinstance(method, Scrub) else [per_epoch] * 4
    journal = tmp_path / "journal"
    for epoch in range(4):
        with pytest.raises(KilledError):
            apply_method(
                method, fresh_task(descent, sharpness), journal=Journal(journal, every=0.0),
                on_step=die_after(sum(in_epoch[:epoch]) + 2),
            )  # fmt: skip
        assert journal.exists() is (epoch > 0)
    resumed, steps = fresh_task(descent, sharpness), []
    again = apply_method(method, resumed, journal=Journal(journal, every=0.0), on_step=steps.append)
    assert differing(state_of(whole), state_of(resumed)) == []
    assert steps == list(range(sum(in_epoch[:3]) + 1, sum(in_epoch) + 1))
    for one, other in zip(again.epochs, history.epochs, strict=True):
        assert (one.number, one.loss, one.images) == (other.number, other.loss, other.images)
    assert history.images == again.images


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    descent = Descent(lr=0.05, momentum=0.9)
    whole, again, steps = fresh_task(descent), fresh_task(descent), []
    apply_method(FineTune(), whole, journal=Journal(tmp_path / "journal", every=0.0))
    history = apply_method(FineTune(), again, journal=Journal(tmp_path / "journal", every=0.0), on_step=steps.append)
    assert steps == []
    assert len(history.epochs) == 4
    assert differing(state_of(whole), state_of(again)) == []


def test_a_journal_that_was_discarded_is_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", every=0.0)
    apply_method(FineTune(), small_task(), journal=journal)
    assert journal.path.exists()
    journal.discard()
    assert not journal.path.exists()
    journal.discard()  # nothing left, and nothing wrong


def test_a_journal_is_not_written_too_often(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", every=3600.0)
    apply_method(FineTune(), small_task(epochs=3), journal=journal)
    assert not journal.path.exists()


def test_a_journal_of_another_model_is_refused(tmp_path: Path) -> None:
    apply_method(FineTune(), small_task(), journal=Journal(tmp_path / "journal", every=0.0))
    task = small_task(model=small_network(width=3))
    before = state_of(task)
    with pytest.raises(ValueError, match="journal"):
        apply_method(FineTune(), task, journal=Journal(tmp_path / "journal", every=0.0))
    assert differing(before, state_of(task)) == []


@pytest.mark.parametrize("kept", [0, 5, 200, 0.5, 0.99])
def test_a_damaged_journal_is_refused(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    apply_method(FineTune(), small_task(), journal=Journal(path, every=0.0))
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ValueError, match="journal"):
        apply_method(FineTune(), small_task(), journal=Journal(path, every=0.0))


def test_histories_add_up() -> None:
    task = small_task(epochs=2)
    history = apply_method(SalUn(), task)
    assert isinstance(history, History)
    assert history.preparation > 0  # the mask
    assert math.isfinite(history.seconds)
    assert history.images == sum(epoch.images for epoch in history.epochs)


def test_the_teacher_is_the_model_before_the_training() -> None:
    task = small_task(epochs=3)
    before = deepcopy(task.model).eval()
    apply_method(Scrub(), task)
    assert differing(dict(task.teacher.named_parameters()), dict(before.named_parameters())) == []
    assert differing(buffers_of(task.teacher), buffers_of(before)) == []
    assert not task.teacher.training
    assert not any(value.requires_grad for value in task.teacher.parameters())
    assert differing(weights_of(task.model), weights_of(before)) != []
