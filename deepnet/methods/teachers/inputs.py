"""Inputs that gradients flow to: what attacks and noise need."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["differentiable", "slope", "white"]


def differentiable(x: Tensor) -> Tensor:
    """A batch of inputs as numbers that gradients can be taken by: images of uint8 as float, of the same values.

    Raises:
        ValueError: if inputs are whole numbers that stand for something else, such as words.
    """
    if x.dtype == torch.uint8:
        return x.float()
    if not x.is_floating_point():
        raise ValueError(f"This method changes inputs along gradients, which those of the type {x.dtype} do not have.")
    return x


def white(x: Tensor) -> float:
    """The largest value of a scale from 0: 255 of images of uint8, 1 of others."""
    return 255.0 if x.dtype == torch.uint8 else 1.0


def slope(value: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The gradient of a number by inputs, (b, ...).

    Args:
        value: Makes the number of the inputs.
        at: The inputs, of floating numbers.
    """
    start = at.detach().requires_grad_()
    with torch.enable_grad():
        (found,) = torch.autograd.grad(value(start), start)
    return found
