"""What a mask hides, and what leaks through it where the released code masks the second gradient."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from deepnet.learning.sharpness import Sharpness, gradient, sgd
from tests.deepnet.two_layers import half_mask, network_loss, some_weights


@pytest.mark.parametrize(
    ("goal", "mixing", "leak"), [("min", 1.0, 0.0), ("min", 0.1, 0.9), ("max", 1.0, 2.0), ("max", 0.1, 1.1)]
)
@pytest.mark.parametrize("adaptive", ["none", "all"])
def test_masking_the_second_gradient_leaks(goal: str, mixing: float, leak: float, adaptive: str) -> None:
    weights = some_weights(5)
    mask = half_mask(weights)
    plain = torch.autograd.grad(network_loss(weights), list(weights.values()))
    base = Sharpness(rho=0.3, adaptive=adaptive, goal=goal, mixing=mixing)
    leaking, _ = gradient(lambda: network_loss(weights), weights, replace(base, mask_site="second"), mask)
    final, _ = gradient(lambda: network_loss(weights), weights, base, mask)
    full, _ = gradient(lambda: network_loss(weights), weights, base)
    for name, g, leaked, kept, unmasked in zip(weights, plain, leaking, final, full, strict=True):
        assert torch.allclose(leaked[~mask[name]], leak * g[~mask[name]], rtol=1e-12, atol=1e-15)
        assert torch.equal(kept[~mask[name]], torch.zeros_like(kept[~mask[name]]))  # not even a -0.0 of size
        assert torch.allclose(leaked[mask[name]], unmasked[mask[name]], rtol=1e-12)
        assert torch.equal(kept[mask[name]], unmasked[mask[name]])


def test_without_mixing_all_of_the_gradient_leaks() -> None:
    """(1 - s λ) g is g at λ = 0, as the two cases around it, λ = 1e-9 and s = ±1, say too."""
    weights = some_weights(5)
    mask = half_mask(weights)
    plain = torch.autograd.grad(network_loss(weights), list(weights.values()))
    leaking = Sharpness(rho=0.3, mixing=0.0, mask_site="second")
    direction, _ = gradient(lambda: network_loss(weights), weights, leaking, mask)
    assert all(torch.allclose(one, other, rtol=1e-12) for one, other in zip(direction, plain, strict=True))


def test_what_is_hidden_stays_zero_even_if_infinite() -> None:
    weights = {"w": torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)}
    mask = {"w": torch.tensor([False, True])}
    direction, _ = gradient(lambda: weights["w"].sqrt().sum(), weights, sgd(), mask)  # an infinite slope at 0
    assert torch.equal(direction[0], torch.tensor([0.0, 0.5], dtype=torch.float64))
