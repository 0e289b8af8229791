"""A network with the weights it might have had before it was trained."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["redrawn"]

_SPREAD = 0.02
"""Standard deviation of parameters that belong to no layer which knows how to draw them, such as class tokens."""


def redrawn(model: nn.Module, seed: int) -> nn.Module:
    """A copy of a network whose weights are drawn anew, in the mode for testing and without gradients.

    Each layer draws its own (`reset_parameters`), as when it was made. Parameters that no such layer owns are drawn
    from a normal distribution of standard deviation 0.02. Buffers of layers that reset them are reset, others stay.

    Args:
        model: The network, which stays as it is.
        seed: What decides the weights, of 0 to 2⁶⁴ - 1; the global random state is left as it was.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> bool((redrawn(layer, 0).weight == redrawn(layer, 0).weight).all())
        True
    """
    fresh = copy.deepcopy(model).to("cpu")
    drawn: set[str] = set()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(seed)
        for place, layer in fresh.named_modules():
            draw = getattr(layer, "reset_parameters", None) or getattr(layer, "_reset_parameters", None)
            if callable(draw):
                draw()
                drawn |= {f"{place}.{name}".lstrip(".") for name, _ in layer.named_parameters(recurse=False)}
        for name, weight in fresh.named_parameters():
            if name not in drawn:
                weight.normal_(std=_SPREAD)
    device = next(model.parameters()).device
    return fresh.to(device).eval().requires_grad_(False)
