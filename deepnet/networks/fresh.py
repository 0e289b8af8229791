"""A network with the weights it might have had before it was trained."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from deepnet.networks.normalization import keeps_statistics

__all__ = ["draw_anew", "redrawn"]

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
            if (draw := _drawing(layer)) is not None:
                draw()
                drawn |= {f"{place}.{name}".lstrip(".") for name, _ in layer.named_parameters(recurse=False)}
        for name, weight in fresh.named_parameters():
            if name not in drawn:
                weight.normal_(std=_SPREAD)
    home = next(model.parameters(), None)
    return (fresh if home is None else fresh.to(home.device)).eval().requires_grad_(False)


@torch.no_grad()
def draw_anew(model: nn.Module, method: str) -> None:
    """Draw the weights of a network anew, in place, as its layers themselves do (`reset_parameters`).

    Frozen weights stay, and so does the normalisation in frozen parts.

    Args:
        model: The network.
        method: Name of the method that asks for it, for messages.

    Raises:
        ValueError: if a layer has weights and no way to draw them; the network is then as it was.
    """
    frozen = [weight for weight in model.parameters() if not weight.requires_grad]
    kept = [weight.detach().clone() for weight in frozen]
    still = {id(layer) for part in model.modules() if _is_frozen(part) for layer in part.modules()}
    layers = [(name, layer) for name, layer in model.named_modules() if id(layer) not in still]
    chosen: list[Callable[[], None]] = []
    for name, layer in layers:
        own = [weight for weight in layer.parameters(recurse=False) if weight.requires_grad]
        if (draw := _drawing(layer)) is not None:
            chosen.append(draw)
        elif own or keeps_statistics(layer):
            raise ValueError(
                f"Argument `model` must have layers with `reset_parameters` for the method {method}, but "
                f"{name or 'the model'} ({type(layer).__name__}) has none; an untrained `model` and the method "
                "finetune come to the same."
            )
    for draw in reversed(chosen):  # what holds layers may set something of theirs, and so comes last
        draw()
    for weight, value in zip(frozen, kept, strict=True):
        weight.copy_(value)


def _drawing(layer: nn.Module) -> Callable[[], None] | None:
    """What draws the weights of a layer anew; torch's attention hides it."""
    found = (getattr(layer, name, None) for name in ("reset_parameters", "_reset_parameters"))
    return next((one for one in found if callable(one)), None)


def _is_frozen(part: nn.Module) -> bool:
    weights = list(part.parameters())
    return bool(weights) and not any(weight.requires_grad for weight in weights)
