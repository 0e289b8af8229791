"""Several processes, started by torchrun: they share each batch, or they share out the runs.

Sharing batches: every process draws the same global batch, works on its own part of it, and computes its share of
the global loss. Sums over processes then give the global loss and gradient, so that two processes walk the path of
one. Sharing runs: each process does other runs, and they only wait for each other between stages.
With one process, nothing here does anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = [
    "Sharing", "barrier", "is_first", "keep_in_step", "processes", "rank", "shard", "sum_across_ranks",
    "sum_across_ranks_", "world_size",
]  # fmt: skip

Sharing = Literal["batches", "runs"]
"""What processes share out among them."""
_shares_runs = False


@contextmanager
def processes(sharing: Sharing, device: torch.device) -> Iterator[None]:
    """Join the other processes that torchrun started, if it started any.

    Args:
        sharing: What they share.
        device: Where this process computes; decides how messages travel.
    """
    global _shares_runs
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    by_card = device.type == "cuda" and sharing == "batches"
    dist.init_process_group("nccl" if by_card else "gloo")
    _shares_runs = sharing == "runs"
    try:
        yield
    finally:
        _shares_runs = False
        dist.destroy_process_group()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()


def world_size() -> int:
    """Number of processes that share each batch."""
    return dist.get_world_size() if _joined() and not _shares_runs else 1


def rank() -> int:
    """Number of this process among those that share each batch, from 0."""
    return dist.get_rank() if _joined() and not _shares_runs else 0


def shard() -> tuple[int, int]:
    """Number of this process among those that share out the runs, and their number."""
    return (dist.get_rank(), dist.get_world_size()) if _joined() and _shares_runs else (0, 1)


def is_first() -> bool:
    """Whether this is the process that writes and prints what belongs to all."""
    return not _joined() or dist.get_rank() == 0


def barrier() -> None:
    """Wait until every process is here."""
    if _joined():
        dist.barrier()


def keep_in_step() -> None:
    """Wait for each other if processes share batches: what one of them has written, all can read afterwards."""
    if world_size() > 1:
        dist.barrier()


def sum_across_ranks(value: Tensor) -> Tensor:
    """The sum over processes, through which gradients flow."""
    return value if world_size() == 1 else _Sum.apply(value)


class _Sum(torch.autograd.Function):
    """The sum over processes. Each process's share of the loss sees it, so slopes are summed on the way back."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        """Sum values."""
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """Sum slopes."""
        total = slope.clone()
        dist.all_reduce(total)
        return total


def sum_across_ranks_(tensors: Sequence[Tensor]) -> None:
    """Replace tensors of one data type by their sums over processes, in one message."""
    if world_size() == 1 or not tensors:
        return
    message = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(message)
    parts = message.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view_as(tensor))
