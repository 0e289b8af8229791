"""A card that is not there: tensors in the memory of the CPU that say they lie on cuda:0.

What CUDA refuses is refused here, too: operations on tensors of two devices, fused steps of optimizers whose weights,
gradients and momenta lie in memory in different orders, arrays of NumPy without a copy. What would make the host wait
for the card is counted, and so is every operation that is dispatched. Numbers come from the CPU's kernels, so a
training on the pretended card gives those of one on the CPU, but for rounding where the layout decides the order of
sums. It cannot tell whether a kernel of the card is right, or how fast it is.
"""

from __future__ import annotations

import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch

from tests.deepnet.pretended_tensors import CARD, Books, Calls, Dispatch, PretenceError, lies_on_card

__all__ = ["CARD", "Books", "PretenceError", "lies_on_card", "pretended_card"]

_Properties = namedtuple("_Properties", "name total_memory")


class _Event:
    """A moment on the clock of the card."""

    def __init__(self, **ignored: Any) -> None:
        self.moment = 0.0

    def record(self) -> None:
        self.moment = time.perf_counter()

    def synchronize(self) -> None:
        """It is over."""

    def elapsed_time(self, other: _Event) -> float:
        return 1e3 * (other.moment - self.moment)


class _AutocastOfCPU(torch.autocast):
    """Automatic casts of the card, by those of the CPU."""

    def __init__(self, device_type: str, *rest: Any, **kwargs: Any) -> None:
        super().__init__("cpu" if device_type == "cuda" else device_type, *rest, **kwargs)


_GROUPS = torch.optim.Optimizer._group_tensors_by_device_and_dtype


def _groups(lists: Any, with_indices: bool = False) -> Any:
    """Groups of tensors by device and type, as optimizers make them: the C++ would say that all are of the CPU."""
    found = _GROUPS(lists, with_indices)
    return {(CARD if lies_on_card(lists[0][0]) else device, kind): group for (device, kind), group in found.items()}


@contextmanager
def pretended_card(cards: int = 1) -> Iterator[Books]:
    """Within it there is a card, which keeps books.

    Args:
        cards: How many there are said to be; tensors lie on the first.
    """
    said: dict[str, Any] = {
        "is_available": lambda: True, "device_count": lambda: cards, "current_device": lambda: 0,
        "set_device": lambda device: None, "reset_peak_memory_stats": lambda device=None: None,
        "max_memory_allocated": lambda device=None: 1, "empty_cache": lambda: None,
        "get_device_properties": lambda device=None: _Properties("pretended card", 80 * 2**30),
        "is_current_stream_capturing": lambda: False, "synchronize": lambda device=None: None,
        "is_bf16_supported": lambda *args, **kwargs: True, "_lazy_init": lambda: None,
        "Event": _Event, "get_rng_state": lambda device=None: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda state, device=None: None, "manual_seed": lambda seed: None,
    }  # fmt: skip
    books = Books()
    calls = Calls(books)
    overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
    lifts = torch._C._only_lift_cpu_tensors()
    with ExitStack() as stack:
        for name, answer in said.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, answer))
        stream = mock.Mock(is_capturing=lambda: False)
        stack.enter_context(mock.patch.object(torch.accelerator, "current_stream", return_value=stream))
        stack.enter_context(mock.patch.object(torch, "autocast", _AutocastOfCPU))
        grouping = mock.patch.object(torch.optim.Optimizer, "_group_tensors_by_device_and_dtype", staticmethod(_groups))
        stack.enter_context(grouping)
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, overwrites)
        stack.callback(torch._C._set_only_lift_cpu_tensors, lifts)
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # else `model.to` swaps data of parameters
        torch._C._set_only_lift_cpu_tensors(True)
        stack.enter_context(Dispatch(books, calls))
        stack.enter_context(calls)
        yield books
