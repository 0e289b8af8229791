"""From directions to steps: how gradients lie in memory, and steps in float16 that overflow, which are not made.

Fused steps, as CUDA devices have them, go through the memory of weights, gradients and momenta side by side, and
refuse tensors that lie in it in different orders. What masks and sums make of gradients lies row by row, and so does
what comes from a file; a network with channels last does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["hand_over", "lie_alike", "make_step"]


def hand_over(weights: Iterable[Tensor], directions: Iterable[Sequence[Tensor]]) -> None:
    """Give each weight the sum of its directions as the gradient that the next step goes along, laid out as it is."""
    for weight, parts in zip(weights, directions, strict=True):
        weight.grad = _as(weight, parts[0] if len(parts) == 1 else torch.stack(list(parts)).sum(0))


def lie_alike(optimizer: torch.optim.Optimizer) -> None:
    """Lay out what an optimizer remembers of each weight as the weight itself."""
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                state[name] = _as(weight, value)


def _as(weight: Tensor, value: Tensor) -> Tensor:
    """A tensor in the layout of a weight of its shape; itself if it has that already."""
    if value.stride() == weight.stride():
        return value
    return torch.empty_like(weight, dtype=value.dtype, requires_grad=False).copy_(value)


@torch.no_grad()
def make_step(optimizer: torch.optim.Optimizer, weights: Iterable[Tensor], *, may_overflow: bool) -> Tensor | None:
    """Make a step.

    Args:
        optimizer: Whose step it is.
        weights: All that it moves, with their gradients.
        may_overflow: Whether it is not made if an entry of a gradient is infinite or NaN: weights and momenta then stay
            as they are. A fused step looks at that on the device, so that the host need not wait for it.

    Returns:
        If it may overflow, 1 if it was not made and 0 if it was, a scalar on the device.
    """
    if not may_overflow:
        optimizer.step()
        return None
    moved = list(weights)
    found = torch.zeros((), device=moved[0].device)
    grads = [weight.grad for weight in moved if weight.grad is not None]
    torch._amp_foreach_non_finite_check_and_unscale_(grads, found, torch.ones_like(found))  # the scale is off by now
    if optimizer.defaults.get("fused"):
        _begin_momenta(optimizer, moved)
        told: Any = optimizer
        told.found_inf = found
        optimizer.step()
    elif not found:
        optimizer.step()
    return found


def _begin_momenta(optimizer: torch.optim.Optimizer, weights: Iterable[Tensor]) -> None:
    """Momenta of 0: a first step that is not made would leave whatever was in their memory."""
    if optimizer.defaults.get("momentum"):
        for weight in weights:
            if optimizer.state[weight].get("momentum_buffer") is None:
                optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
