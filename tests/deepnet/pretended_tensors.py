"""Tensors that say they lie on a card, and the two modes of torch that make torch believe it: see `pretended_card`.

They are CPU tensors to the C++ of torch, whose automatic differentiation would otherwise look for the card; their
attributes and the modes say otherwise to Python, which is where the project decides anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["CARD", "Books", "Calls", "Dispatch", "PretenceError", "lies_on_card"]

CARD = torch.device("cuda:0")
"""Where pretended tensors say that they lie."""
CPU = torch.device("cpu")
aten = torch.ops.aten
FUSED = {
    aten._fused_sgd_.default: 3, aten._fused_adamw_.default: 4, aten._fused_adam_.default: 4,
}  # fmt: skip
"""Fused steps, and how many of their arguments are lists of tensors that have to lie alike: weights, gradients, ..."""
BETWEEN_DEVICES = {aten.copy_.default, aten._to_copy.default, aten.set_.source_Tensor}
TAKES_CPU_INDEX = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._unsafe_index.Tensor}
WAITS = {
    aten._local_scalar_dense.default: "item", aten.is_nonzero.default: "item", aten.equal.default: "equal",
    aten.nonzero.default: "nonzero", aten.masked_select.default: "masked_select", aten._unique2.default: "unique",
    aten.unique_dim.default: "unique", aten.bincount.default: "bincount",
    aten.repeat_interleave.Tensor: "repeat_interleave",
}  # fmt: skip
"""Operations whose result, or the size of it, the host waits for."""


PINS: Mapping[Any, Callable[[Tensor], Any]] = {
    aten.is_pinned.default: lambda tensor: False, aten._pin_memory.default: lambda tensor: tensor,
}  # fmt: skip
"""Pages that the card can read by itself are pages like others."""


class PretenceError(RuntimeError):
    """What a card would have refused."""


@dataclass
class Books:
    """What was asked of the card."""

    operations: Counter[str] = field(default_factory=Counter)
    """Dispatched operations by name, views among them."""
    waits: Counter[str] = field(default_factory=Counter)
    """How often the host waited for the card, by the reason."""
    sent: list[int] = field(default_factory=list)
    """Bytes of each copy from the host that it need not wait for."""
    steps: int = 0
    """Fused steps of an optimizer."""

    def clear(self) -> None:
        """Begin anew."""
        self.operations.clear()
        self.waits.clear()
        self.sent.clear()
        self.steps = 0


class _Carded(torch.Tensor):
    """A tensor that wraps one of the CPU and says that it lies on the card."""

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl
    is_cuda = True  # type: ignore[assignment]
    is_cpu = False  # type: ignore[assignment]
    device = CARD  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inner: Tensor) -> _Carded:
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=CPU, requires_grad=False,
        )  # fmt: skip
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise PretenceError(f"{func} of a tensor of the card outside of `pretended_card()`.")

    def numpy(self, **ignored: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")

    __array__ = numpy

    def untyped_storage(self) -> Any:
        return self.inner.untyped_storage()

    def __repr__(self, **ignored: Any) -> str:
        return f"on the pretended card: {self.inner}"


def lies_on_card(thing: object) -> bool:
    """Whether something is a tensor of the pretended card."""
    return isinstance(thing, _Carded)


def _tensors(things: Any) -> Iterator[Tensor]:
    """All tensors in arguments, which are nested in lists and tuples; quicker than torch's own way."""
    for thing in things:
        if isinstance(thing, Tensor):
            yield thing
        elif isinstance(thing, list | tuple):
            yield from _tensors(thing)


def _mapped(change: Callable[[Tensor], Any], thing: Any) -> Any:
    """The same with every tensor changed."""
    if isinstance(thing, Tensor):
        return change(thing)
    if isinstance(thing, list | tuple):
        return type(thing)([_mapped(change, one) for one in thing])
    return thing


def _is_of_card(thing: Any) -> bool:
    """Whether something is a tensor of the card, or what stands for one while functions of it are differentiated."""
    while isinstance(thing, Tensor) and torch._C._functorch.is_functorch_wrapped_tensor(thing):
        thing = torch._C._functorch.get_unwrapped(thing)
    return lies_on_card(thing)


def _inner(thing: Any) -> Any:
    return thing.inner if isinstance(thing, _Carded) else thing


class Calls(TorchFunctionMode):
    """Sees what Python asks for, where the C++ would take both devices for the same: moves from one to the other."""

    def __init__(self, books: Books) -> None:
        super().__init__()
        self.books = books
        self.depth: list[tuple[bool, bool]] = []
        """Of each call that is under way: whether it has a tensor of the card, and whether it asks for the CPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _MOVES:
            given = _MOVES[func](*args[1:], **kwargs)
            return self._moved(args[0], given)
        if func is torch.Tensor.tolist and lies_on_card(args[0]):
            self.books.waits["tolist"] += 1
            return args[0].inner.tolist()
        return self._call(func, args, kwargs)

    def _call(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Let the C++ do it, and remember who asked meanwhile."""
        asked = kwargs.get("device")
        on_cpu = asked is not None and torch.device(asked).type == "cpu"
        self.depth.append((any(map(_is_of_card, _tensors((*args, *kwargs.values())))), on_cpu))
        try:
            return func(*args, **kwargs)
        finally:
            self.depth.pop()

    def _moved(self, tensor: Tensor, given: dict[str, Any]) -> Tensor:
        """`tensor.to(...)`, by names."""
        to = given.pop("device", None)
        kind = None if to is None else torch.device(to).type
        if not lies_on_card(tensor):
            return self._call(torch.Tensor.to, (tensor,), given | ({"device": CARD} if kind == "cuda" else {}))
        if kind != "cpu":
            return self._call(torch.Tensor.to, (tensor,), given) if given else tensor
        if tensor.requires_grad and torch.is_grad_enabled():
            raise PretenceError("Gradients do not come back from the CPU to the pretended card.")
        self.books.waits["copy to the host"] += 1
        given.pop("non_blocking", None)
        return tensor.inner.detach().to(**given).clone() if given else tensor.inner.detach().clone()

    @property
    def inner_call_of_card(self) -> bool:
        """Whether the call that is under way has a tensor of the card, and does not ask for one of the CPU."""
        return bool(self.depth) and self.depth[-1] == (True, False)


def _to_by_name(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of `Tensor.to` by name; those of `to(other)` are its device and type."""
    if args and isinstance(args[0], Tensor):
        found = {
            "device": args[0].device,
            "dtype": args[0].dtype,
            **dict(zip(("non_blocking", "copy"), args[1:], strict=False)),
        }
    elif args and isinstance(args[0], torch.dtype):
        found = dict(zip(("dtype", "non_blocking", "copy"), args, strict=False))
    else:
        found = dict(zip(("device", "dtype", "non_blocking", "copy"), args, strict=False))
    other = kwargs.pop("other", None)
    found |= {} if other is None else {"device": other.device, "dtype": other.dtype}
    return {name: value for name, value in (found | kwargs).items() if value is not None}


_MOVES: Mapping[Any, Callable[..., dict[str, Any]]] = {
    torch.Tensor.to: _to_by_name,
    torch.Tensor.cpu: lambda **kwargs: {"device": "cpu"} | kwargs,
    torch.Tensor.cuda: lambda device=None, **kwargs: {"device": CARD} | kwargs,
}


class Dispatch(TorchDispatchMode):
    """Carries out every operation on the CPU, once the card would have taken it."""

    _mode_key = torch._C._TorchDispatchModeKey.FAKE  # else torch would look for a driver when it hears of CUDA

    def __init__(self, books: Books, calls: Calls) -> None:
        super().__init__()
        self.books, self.calls = books, calls

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else each operation would make a detour, and the first one load a compiler

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in PINS:
            return PINS[func](args[0])
        kwargs = dict(kwargs or {})
        tensors = list(_tensors((*args, *kwargs.values())))
        carded = any(map(lies_on_card, tensors))
        asked = kwargs.get("device")
        to_card = carded if asked is None else torch.device(asked).type == "cuda" or self._is_card_after_all(carded)
        if func is aten.copy_.default:
            to_card = lies_on_card(args[0])
        if asked is not None and torch.device(asked).type == "cuda":
            kwargs["device"] = CPU
        kwargs.pop("pin_memory", None)
        if carded:
            self._refuse(func, args, tensors)
        if carded or to_card:
            self._note(func, args, kwargs, carded)
        if to_card and func is aten._efficientzerotensor.default:
            func = aten.zeros.default  # it has no memory, which a wrapped tensor must have
        made = func(*_mapped(_inner, args), **{name: _mapped(_inner, value) for name, value in kwargs.items()})
        if func is aten._local_scalar_dense.default:
            return made
        known = {id(_inner(tensor)): tensor for tensor in tensors}
        return _mapped(lambda out: self._placed(out, known, to_card), made)

    def _is_card_after_all(self, carded: bool) -> bool:
        """Whether the C++ asks for the CPU, since it takes the card for it, and nobody else does."""
        return self.calls.inner_call_of_card or torch._C._current_graph_task_id() != -1

    @staticmethod
    def _placed(out: Tensor, known: Mapping[int, Tensor], to_card: bool) -> Tensor:
        if id(out) in known:
            return known[id(out)]
        return _Carded(out) if to_card else out

    @staticmethod
    def _refuse(func: Any, args: Any, tensors: list[Tensor]) -> None:
        """Raise what CUDA would."""
        if func not in BETWEEN_DEVICES | TAKES_CPU_INDEX:
            strangers = [tuple(tensor.shape) for tensor in tensors if not lies_on_card(tensor) and tensor.dim()]
            if strangers:
                raise PretenceError(f"Expected all tensors to be on the same device: {strangers} of {func} are not.")
        if func in FUSED and not all(map(lies_on_card, tensors)):
            raise PretenceError(f"{func} has tensors of the CPU.")
        for lie in zip(*(part for part in args[: FUSED.get(func, 0)] if part), strict=False):
            if len({tensor.stride() for tensor in lie}) > 1:
                raise PretenceError(f"{func} wants the same layout, but has {[tensor.stride() for tensor in lie]}.")

    def _note(self, func: Any, args: Any, kwargs: Mapping[str, Any], carded: bool) -> None:
        books = self.books
        books.operations[func.overloadpacket.__name__] += 1
        books.steps += func in FUSED
        if func in WAITS and carded:
            books.waits[WAITS[func]] += 1
        if func in TAKES_CPU_INDEX:
            for index in (one for one in args[1] if one is not None):
                if index.dtype in (torch.bool, torch.uint8):
                    books.waits["index by bool"] += 1
                elif not lies_on_card(index) and index.dim():
                    books.waits["index of the host"] += 1
        if func in BETWEEN_DEVICES:
            source = args[1] if func is aten.copy_.default else args[0]
            target_on_card = func is not aten.copy_.default or lies_on_card(args[0])
            if lies_on_card(source) and not target_on_card:
                books.waits["copy to the host"] += 1
            if not lies_on_card(source) and target_on_card and source.dim():
                quick = kwargs.get("non_blocking") or (func is aten.copy_.default and args[2:] == (True,))
                if quick:
                    books.sent.append(source.nbytes)
                else:
                    books.waits["copy from the host"] += 1
