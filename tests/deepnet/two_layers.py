"""A network of two layers whose weights are tensors by name, its loss, and a mask that hides half of them."""

import torch
from torch import Tensor

Weights = dict[str, Tensor]
"""Tensors by the name of the weights that they are, or belong to."""


def some_weights(seed: int = 0, dtype: torch.dtype = torch.float64) -> Weights:
    """A network of two layers with a scaled middle, as parameters."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()

    return {
        "hidden.weight": draw(5, 4), "hidden.bias": draw(5), "norm.weight": draw(5), "norm.bias": draw(5),
        "out.weight": draw(3, 5), "out.bias": draw(3),
    }  # fmt: skip


def network_loss(weights: Weights) -> Tensor:
    """Cross-entropy of that network on seven samples."""
    dtype = weights["out.bias"].dtype
    generator = torch.Generator().manual_seed(99)
    x = torch.randn(7, 4, generator=generator, dtype=torch.float64).to(dtype)
    y = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    hidden = torch.tanh(x @ weights["hidden.weight"].T + weights["hidden.bias"])
    hidden = hidden * weights["norm.weight"] + weights["norm.bias"]
    logits = hidden @ weights["out.weight"].T + weights["out.bias"]
    return torch.nn.functional.cross_entropy(logits, y)


def half_mask(weights: Weights, seed: int = 5) -> Weights:
    """A random half of the weights."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(value.shape, generator=generator) < 0.5 for name, value in weights.items()}
