"""Steps: gradients in the layout of their weights, and none where a gradient overflowed."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.journal import Journal  # noqa: E402
from deepnet.learning.loop import DivergenceError  # noqa: E402
from deepnet.learning.sharpness import sam, sgd  # noqa: E402
from deepnet.learning.stepping import hand_over, lie_alike, make_step  # noqa: E402
from deepnet.methods import FineTune, SharpMinMax, apply  # noqa: E402
from deepnet.networks import precision  # noqa: E402
from tests.deepnet.oracles import weights_of  # noqa: E402
from tests.deepnet.pretended_card import CARD, pretended_card  # noqa: E402
from tests.deepnet.small_resnet import resnet_task  # noqa: E402

CPU = torch.device("cpu")
RULES = {
    "sgd": lambda weights, fused: torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=0.1, fused=fused),
    "plain": lambda weights, fused: torch.optim.SGD(weights, lr=0.1, weight_decay=0.1, fused=fused),
    "adamw": lambda weights, fused: torch.optim.AdamW(weights, lr=0.1, weight_decay=0.1, fused=fused),
}
each_rule = pytest.mark.parametrize("rule", RULES)
each_way = pytest.mark.parametrize("fused", [None, True], ids=["plain", "fused"])


# --- layouts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 3, 3, 3), (4, 3, 1, 1), (4, 1, 3, 3), (4, 3)])
@pytest.mark.parametrize("parts", [1, 3])
def test_gradients_lie_as_their_weights(shape: tuple[int, ...], parts: int) -> None:
    weight = torch.randn(shape)
    weight = weight.to(memory_format=torch.channels_last) if weight.ndim == 4 else weight
    directions = [torch.randn(shape).contiguous() for _ in range(parts)]
    hand_over([weight], [directions])
    assert weight.grad is not None
    assert weight.grad.stride() == weight.stride()
    assert torch.equal(weight.grad, directions[0] if parts == 1 else torch.stack(directions).sum(0))


def test_a_gradient_that_lies_right_is_not_copied() -> None:
    weight, direction = torch.ones(2, 3), torch.ones(2, 3)
    hand_over([weight], [[direction]])
    assert weight.grad is direction


@each_rule
def test_what_is_remembered_lies_as_its_weight(rule: str) -> None:
    weight = torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last).requires_grad_()
    optimizer = RULES[rule]([weight], None)
    weight.grad = torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last)
    optimizer.step()
    before = {name: value.clone() for name, value in optimizer.state[weight].items() if torch.is_tensor(value)}
    for name, value in before.items():
        optimizer.state[weight][name] = value.contiguous()
    lie_alike(optimizer)
    for name, value in before.items():
        found = optimizer.state[weight][name]
        assert torch.equal(found, value)
        assert found.stride() == (weight.stride() if value.ndim else ())


# --- overflow ------------------------------------------------------------------------------------------


@each_way
@each_rule
@pytest.mark.parametrize("bad", [float("inf"), float("-inf"), float("nan")])
def test_a_step_that_overflowed_is_not_made(rule: str, fused: bool | None, bad: float) -> None:
    """The others go on as if it had never been asked for, be it the first or a later one."""
    grads = [torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.25]), torch.tensor([3.0, 1.0])]
    ends = []
    for places in ((), (0,), (2,), (0, 1, 3)):
        weights = [torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)]
        optimizer, left, missed = RULES[rule](weights, fused), iter(grads), []
        for number in range(3 + len(places)):
            overflows = number in places
            weights[0].grad = torch.tensor([1.0, 1.0]) if overflows else next(left).clone()
            weights[1].grad = torch.tensor([bad if overflows else 1.0])
            missed.append(make_step(optimizer, weights, may_overflow=True))
        assert [float(one) for one in missed if one is not None] == [float(n in places) for n in range(len(missed))]
        ends.append(torch.cat([weight.detach() for weight in weights]))
    assert all(torch.equal(end, ends[0]) for end in ends)
    assert bool(ends[0].isfinite().all())


@each_way
@each_rule
def test_without_overflow_it_is_the_optimizers_own_step(rule: str, fused: bool | None) -> None:
    ends = []
    for may_overflow in (False, True):
        weight = torch.linspace(-1, 1, 7, requires_grad=True)
        optimizer = RULES[rule]([weight], fused)
        for number in range(4):
            weight.grad = torch.linspace(0, number, 7)
            assert (make_step(optimizer, [weight], may_overflow=may_overflow) is None) != may_overflow
        ends.append(weight.detach())
    assert torch.equal(*ends)


def test_the_host_does_not_wait_for_it() -> None:
    with pretended_card() as books:
        weight = torch.ones(3, device=CARD, requires_grad=True)
        optimizer = RULES["sgd"]([weight], True)
        for value in (1.0, float("inf"), 1.0):
            weight.grad = torch.full((3,), value, device=CARD)
            books.clear()
            make_step(optimizer, [weight], may_overflow=True)
            assert not books.waits
        assert bool(weight.isfinite().all())


# --- in the loop ---------------------------------------------------------------------------------------


def overflowing(monkeypatch: pytest.MonkeyPatch, at: tuple[int, ...]) -> None:
    """Let gradients be infinite at some calls, as a loss scale that is too large makes them."""
    import deepnet.learning.loop as loop

    real, calls = loop.gradient, [0]

    def faulty(*args: object, **kwargs: object) -> object:
        directions, loss = real(*args, **kwargs)  # type: ignore[arg-type]
        if calls[0] in at:
            directions[-1].fill_(float("inf"))
        calls[0] += 1
        return directions, loss

    monkeypatch.setattr(loop, "gradient", faulty)


@pytest.mark.parametrize("device", [CPU, CARD], ids=["cpu", "card"])
def test_skipped_steps_are_counted(device: torch.device, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By epoch, over the updates of a step (two here), and across an interruption."""
    overflowing(monkeypatch, (1, 7, 8))
    with pretended_card() if device == CARD else nullcontext():
        task = resnet_task(device, sharpness=sam(0.1), precision="float16", epochs=2)
        history = apply(SharpMinMax(), task, journal=Journal(tmp_path / "journal", every=0.0))
        assert [epoch.skipped for epoch in history.epochs] == [1, 2]
        assert history.skipped == 3
        assert all(bool(weight.isfinite().all()) for weight in task.parameters.values())
        again = resnet_task(device, sharpness=sam(0.1), precision="float16", epochs=2)
        assert apply(SharpMinMax(), again, journal=Journal(tmp_path / "journal")).skipped == 3


def test_an_epoch_without_a_step_has_diverged(monkeypatch: pytest.MonkeyPatch) -> None:
    overflowing(monkeypatch, (3, 4, 5))
    task = resnet_task(CPU, sharpness=sgd(), precision="float16", epochs=2)
    with pytest.raises(DivergenceError, match="Every gradient of epoch 2 of 2 overflowed in float16"):
        apply(FineTune(), task)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "tf32"])
def test_other_formats_diverge_as_they_did(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    overflowing(monkeypatch, (1,))
    with pytest.raises(DivergenceError, match=r"finite|nan"):
        apply(FineTune(), resnet_task(CPU, sharpness=sgd(), precision=name))  # type: ignore[arg-type]


def test_a_loss_scale_that_is_too_large_costs_steps_and_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scale of 2²⁴ overflows in float16 itself; the trained model is then the one it was."""
    monkeypatch.setattr(precision, "_LOSS_SCALE", 2.0**24)
    task = resnet_task(CPU, sharpness=sgd(), precision="float16")
    before = weights_of(task.model)
    with pytest.raises(DivergenceError, match="overflowed"):
        apply(FineTune(), task)
    assert all(torch.equal(value, before[name]) for name, value in weights_of(task.model).items())
    monkeypatch.undo()
    assert apply(FineTune(), replace(task)).skipped == 0
