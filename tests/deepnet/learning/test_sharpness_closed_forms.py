"""The gradient transform against closed forms: quadratics, zero gradients, and layers that change their scale."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from deepnet.learning.sharpness import Sharpness, asam, gradient, sam
from tests.deepnet.two_layers import network_loss, some_weights


def quadratic(n: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    root = torch.randn(n, n, generator=generator, dtype=torch.float64)
    w, c = (torch.randn(n, generator=generator, dtype=torch.float64) for _ in range(2))
    return root @ root.T, w, c


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize(("adaptive", "eta"), [("none", 0.0), ("all", 0.0), ("all", 0.2)])
def test_closed_form_of_a_quadratic(adaptive: str, eta: float, goal: str) -> None:
    """L = ½ wᵀHw + cᵀw: ĝ = g + s λ ρ H T² g / ‖T g‖."""
    H, w, c = quadratic()
    g = H @ w + c
    T = torch.diag(w.abs() + eta) if adaptive == "all" else torch.eye(6, dtype=torch.float64)
    sign = 1 if goal == "min" else -1
    expected = g + sign * 0.7 * 0.3 * H @ T @ T @ g / torch.linalg.norm(T @ g)
    weights = {"w": w.clone().requires_grad_()}
    transform = Sharpness(rho=0.3, adaptive=adaptive, eta=eta, mixing=0.7, goal=goal)

    def loss() -> Tensor:
        return 0.5 * weights["w"] @ H @ weights["w"] + c @ weights["w"]

    direction, value = gradient(loss, weights, transform)
    assert torch.allclose(direction[0], expected, rtol=1e-12, atol=1e-12)
    assert float(value) == pytest.approx(float(0.5 * w @ H @ w + c @ w), rel=1e-14)


def test_a_perturbation_climbs() -> None:
    """ε = +ρ g/‖g‖ raises the loss; with the other sign the first-order change would be negative."""
    weights, seen = some_weights(7), []
    gradient(lambda: seen.append(network_loss(weights)) or seen[-1], weights, sam(1e-3))
    assert seen[1].item() > seen[0].item()


def test_a_zero_gradient_stays_zero() -> None:
    weights = {"w": torch.zeros(3, dtype=torch.float64, requires_grad=True)}
    for transform in (sam(0.5), asam(0.5)):
        direction, _ = gradient(lambda: (weights["w"] ** 2).sum(), weights, transform)
        assert torch.equal(direction[0], torch.zeros(3, dtype=torch.float64))


def relu_loss(first: Tensor, second: Tensor) -> Tensor:
    """A loss of two layers that does not change when one is scaled up and the other down."""
    x = torch.randn(9, 4, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    return torch.nn.functional.cross_entropy(torch.relu(x @ first.T) @ second.T, torch.arange(9) % 3)


@pytest.mark.parametrize("adaptive", ["weights", "all"])
@pytest.mark.parametrize("factor", [4.0, 0.1])
def test_adaptive_perturbations_do_not_see_the_scale_of_layers(adaptive: str, factor: float) -> None:
    generator = torch.Generator().manual_seed(6)
    A, B = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((5, 4), (3, 5)))

    def displaced_loss(transform: Sharpness, scale: float) -> float:
        weights = {"a.weight": (A * scale).requires_grad_(), "b.weight": (B / scale).requires_grad_()}
        seen: list[Tensor] = []
        gradient(lambda: seen.append(relu_loss(*weights.values())) or seen[-1], weights, transform)
        return seen[1].item()

    asam_like, plain = Sharpness(rho=0.5, adaptive=adaptive), sam(0.5)
    assert displaced_loss(asam_like, factor) == pytest.approx(displaced_loss(asam_like, 1.0), rel=1e-12)
    assert abs(displaced_loss(plain, factor) - displaced_loss(plain, 1.0)) > 1e-3  # SAM does see it


def test_only_tensors_named_weight_are_scaled() -> None:
    """With T = 1 on the bias and |w| on the weight, an entry w = 0 is not displaced, a bias of 0 is."""
    weights = {name: torch.zeros(2, dtype=torch.float64, requires_grad=True) for name in ("a.weight", "a.bias")}
    seen = []

    def loss() -> Tensor:
        seen.append({name: value.detach().clone() for name, value in weights.items()})
        return (weights["a.weight"] - 1).pow(2).sum() + (weights["a.bias"] - 1).pow(2).sum()

    gradient(loss, weights, Sharpness(rho=1.0, adaptive="weights"))
    assert torch.equal(seen[1]["a.weight"], torch.zeros(2, dtype=torch.float64))
    assert torch.allclose(seen[1]["a.bias"], torch.full((2,), -(0.5**0.5), dtype=torch.float64))
