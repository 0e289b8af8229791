"""The pretended card refuses what a card refuses, counts what it is asked to count, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.sharpness import sam  # noqa: E402
from deepnet.methods import FineTune, apply  # noqa: E402
from tests.deepnet.oracles import weights_of  # noqa: E402
from tests.deepnet.pretended_card import CARD, PretenceError, lies_on_card, pretended_card  # noqa: E402
from tests.deepnet.small_resnet import resnet_task  # noqa: E402

Tensor = torch.Tensor
CPU = torch.device("cpu")


# --- what is refused -----------------------------------------------------------------------------------


MIXED: dict[str, Callable[[Tensor, Tensor], object]] = {
    "sum": lambda card, host: card + host, "product": lambda card, host: host @ card,
    "stack": lambda card, host: torch.stack([card, host]), "in place": lambda card, host: card.add_(host),
    "where": lambda card, host: torch.where(card > 0, host, 0.0),
    "foreach": lambda card, host: torch._foreach_add_([card], [host]),
    "loss": lambda card, host: torch.nn.functional.cross_entropy(card, torch.tensor([0, 1])),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_two_devices_do_not_mix(name: str) -> None:
    with pretended_card():
        host = torch.ones(2, 2)
        with pytest.raises(PretenceError, match="same device"):
            MIXED[name](host.to(CARD), host)
        assert (host.to(CARD) + torch.tensor(1.0)).tolist() == [[2.0, 2.0], [2.0, 2.0]]  # a scalar may


def test_arrays_need_a_copy() -> None:
    with pretended_card():
        card = torch.ones(2, device=CARD)
        for take in (lambda: card.numpy(), lambda: np.asarray(card)):
            with pytest.raises(TypeError, match="numpy"):
                take()
        assert card.cpu().numpy().sum() == 2


@pytest.mark.parametrize("rule", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("what", ["gradient", "memory"])
def test_a_fused_step_wants_one_layout(rule: type, what: str) -> None:
    with pretended_card():
        weight = torch.ones(2, 3, 4, 4, device=CARD).to(memory_format=torch.channels_last).requires_grad_()
        optimizer = rule([weight], lr=0.1, fused=True, **({"momentum": 0.9} if rule is torch.optim.SGD else {}))
        weight.grad = torch.ones_like(weight)
        optimizer.step()  # alike
        if what == "gradient":
            weight.grad = torch.ones_like(weight).contiguous()
        else:
            state = optimizer.state[weight]
            name = next(name for name, value in state.items() if value.ndim)
            state[name] = state[name].contiguous()
        with pytest.raises(PretenceError, match="layout"):
            optimizer.step()


def test_a_fused_step_wants_one_device() -> None:
    with pretended_card():
        weight = torch.ones(2, device=CARD).requires_grad_()
        optimizer = torch.optim.SGD([weight], lr=0.1, fused=True)
        weight.grad = torch.ones(2, device=CARD)
        optimizer.found_inf = torch.zeros(())
        optimizer.step()  # torch itself sends it to the device of the weights
        with pytest.raises(PretenceError, match="of the CPU"):
            torch._fused_sgd_(
                [weight.detach()], [weight.grad], [], weight_decay=0.0, momentum=0.0, lr=0.1, dampening=0.0,
                nesterov=False, maximize=False, is_first_step=True, found_inf=torch.zeros(()),
            )  # fmt: skip


def test_nothing_is_done_outside() -> None:
    with pretended_card():
        card = torch.ones(2, device=CARD)
    with pytest.raises(PretenceError, match="outside"):
        card + 1


# --- what is counted -----------------------------------------------------------------------------------


WAITS: dict[str, tuple[str, Callable[[Tensor, Tensor], object]]] = {
    "float": ("item", lambda card, host: float(card[0])), "int": ("item", lambda card, host: int(card[0])),
    "bool": ("item", lambda card, host: bool(card.isfinite().all())),
    "item": ("item", lambda card, host: card[0].item()),
    "tolist": ("tolist", lambda card, host: card.tolist()), "cpu": ("copy to the host", lambda card, host: card.cpu()),
    "to": ("copy to the host", lambda card, host: card.to("cpu")),
    "to like": ("copy to the host", lambda card, host: card.to(host)),
    "copy out": ("copy to the host", lambda card, host: host.copy_(card)),
    "copy in": ("copy from the host", lambda card, host: host.to(CARD)),
    "copy over": ("copy from the host", lambda card, host: card.copy_(host)),
    "nonzero": ("nonzero", lambda card, host: card.nonzero()),
    "bool index": ("index by bool", lambda card, host: card[card > 0]),
    "bool assignment": ("index by bool", lambda card, host: card.__setitem__(card > 0, card[:2].clone())),
    "index of the host": ("index of the host", lambda card, host: card[torch.tensor([0, 1])]),
    "equal": ("equal", lambda card, host: torch.equal(card, card)),
    "unique": ("unique", lambda card, host: card.unique()),
    "masked_select": ("masked_select", lambda card, host: card.masked_select(card > 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITS)
def test_what_the_host_waits_for_is_counted(name: str) -> None:
    reason, act = WAITS[name]
    with pretended_card() as books:
        host = torch.tensor([1.0, 2.0, 0.0])
        card = torch.tensor([1.0, 2.0, 0.0], device=CARD)
        books.clear()
        act(card, host)
        assert books.waits == {reason: 1}, books.waits


QUICK: dict[str, Callable[[Tensor, Tensor], object]] = {
    "arithmetic": lambda card, host: (card * 2 + 1).sum().sqrt(),
    "zeros": lambda card, host: torch.zeros(3, device=CARD),
    "index": lambda card, host: card[torch.zeros(2, dtype=torch.int64, device=CARD)],
    "where": lambda card, host: torch.where(card > 0, card, 0), "same device": lambda card, host: card.to(CARD).cuda(),
    "view": lambda card, host: card.view(3, 1).expand(3, 4), "like": lambda card, host: torch.zeros_like(card),
    "moved on the device": lambda card, host: card.to(torch.float16).to(card),
    "host": lambda card, host: float(host[0]),
    "sent ahead": lambda card, host: host.to(CARD, non_blocking=True), "slice": lambda card, host: card[1:][0],
}  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_nothing_else_counts_as_waiting(name: str) -> None:
    with pretended_card() as books:
        host, card = torch.ones(3), torch.ones(3, device=CARD)
        books.clear()
        QUICK[name](card, host)
        assert not books.waits
        assert books.sent == ([12] if name == "sent ahead" else [])


def test_operations_are_counted() -> None:
    with pretended_card() as books:
        card = torch.ones(3, device=CARD)
        books.clear()
        (card * 2 + 1).sum()
        torch.ones(3).sum()  # of the host
        assert books.operations == {"mul": 1, "add": 1, "sum": 1}


# --- what stays ----------------------------------------------------------------------------------------


def test_numbers_are_those_of_the_cpu() -> None:
    found = []
    task = resnet_task(CPU, sharpness=sam(0.1))
    apply(FineTune(), task)
    found.append(weights_of(task.model))
    with pretended_card():
        task = resnet_task(CARD, sharpness=sam(0.1))
        apply(FineTune(), task)
        assert all(map(lies_on_card, task.model.parameters()))
        assert task.device == CARD
        found.append({name: value.cpu() for name, value in weights_of(task.model).items()})
    assert all(torch.allclose(value, found[1][name], rtol=1e-5, atol=1e-7) for name, value in found[0].items())


def test_what_tensors_say() -> None:
    with pretended_card(cards=3):
        card = torch.ones(2, device="cuda")
        assert (card.device, card.is_cuda, card.is_cpu) == (CARD, True, False)
        assert torch.cuda.is_available()
        assert torch.cuda.device_count() == 3
        assert not lies_on_card(torch.ones(2))
        assert lies_on_card(card.to(memory_format=torch.preserve_format, dtype=torch.float64))


def test_no_trace_is_left() -> None:
    before = torch.cuda.is_available(), torch.autocast, torch.__future__.get_overwrite_module_params_on_conversion()
    with pytest.raises(ZeroDivisionError), pretended_card():
        raise ZeroDivisionError
    after = torch.cuda.is_available(), torch.autocast, torch.__future__.get_overwrite_module_params_on_conversion()
    assert after == before
    assert (torch.ones(2) + 1).tolist() == [2, 2]
