"""Modes for a while: models in evaluation mode, cuDNN trying its algorithms, attention by its formula."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

__all__ = ["attention_by_formula", "autotuned", "evaluating"]


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
