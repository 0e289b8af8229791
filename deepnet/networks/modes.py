"""Modes for a while: models in evaluation mode, cuDNN trying its algorithms, attention by its formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

__all__ = ["attention_by_formula", "autotuned", "draws", "evaluating", "same_draws"]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within it a model is in evaluation mode; afterwards every layer is in the mode it was in before.

    Layer by layer, since part of a network in training may be held in evaluation mode.
    """
    before = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for layer, training in before:
            layer.training = training


@contextmanager
def autotuned(wanted: bool) -> Iterator[None]:
    """Within it cuDNN tries its algorithms for each size of convolution and takes the fastest, if that is wanted."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = wanted
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


@contextmanager
def attention_by_formula() -> Iterator[None]:
    """Within it attention is a product, a softmax and a product, which can be differentiated twice.

    torch's fused kernels, which need less memory, know neither a second derivative nor one in a direction.
    """
    with sdpa_kernel(SDPBackend.MATH):
        yield


def draws(model: nn.Module) -> bool:
    """Whether a network draws random numbers in training: by dropout, or by paths that are dropped.

    Example:
        >>> draws(nn.Dropout(0.5)), draws(nn.Dropout(0.0)), draws(nn.MultiheadAttention(4, 2, dropout=0.1))
        (True, False, True)
    """
    return any(_share_dropped(layer) > 0 for layer in model.modules())


def _share_dropped(layer: nn.Module) -> float:
    """The share that a layer drops, under the names that torch, torchvision and timm have for it."""
    dropping = "drop" in type(layer).__name__.lower() or "stochastic" in type(layer).__name__.lower()
    names = ("p", "drop_prob", "dropout") if dropping else ("dropout",)
    found = (getattr(layer, name, 0.0) for name in names)
    return max((float(value) for value in found if isinstance(value, int | float)), default=0.0)


def same_draws(device: torch.device) -> Callable[[], AbstractContextManager[None]]:
    """A context in which torch draws what it draws from now on, on the CPU and on a device."""
    card = device if device.type == "cuda" else None
    begun = torch.get_rng_state(), None if card is None else torch.cuda.get_rng_state(card)

    @contextmanager
    def again() -> Iterator[None]:
        with torch.random.fork_rng(devices=[] if card is None else [card]):
            torch.set_rng_state(begun[0])
            if card is not None and begun[1] is not None:
                torch.cuda.set_rng_state(begun[1], card)
            yield

    return again
