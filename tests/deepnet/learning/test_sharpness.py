"""The gradient transform against a twin that works a weight at a time, its settings and its labels."""

from dataclasses import replace
from itertools import product

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from deepnet.learning.sharpness import Sharpness, asam, gradient, sam, sgd
from tests.deepnet.oracles import naive_direction
from tests.deepnet.two_layers import Weights, half_mask, network_loss, some_weights


def of(direction: list[Tensor], weights: Weights) -> Weights:
    return dict(zip(weights, direction, strict=True))


def assert_same(found: Weights, expected: Weights, tolerance: float) -> None:
    size = max(float(value.abs().max()) for value in expected.values())
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        assert float((found[name] - value).abs().max()) <= tolerance * max(size, 1.0), name


@pytest.mark.parametrize("masked", ["no", "final", "second", "final and ε", "second and ε"])
@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize(
    ("adaptive", "eta"), [("none", 0.0), ("weights", 0.0), ("weights", 0.01), ("all", 0.0), ("all", 0.3)]
)
def test_equals_the_twin(adaptive: str, eta: float, goal: str, masked: str) -> None:
    for rho, mixing in product((0.0, 0.05, 1.0), (0.0, 0.3, 1.0)):
        if mixing == 0 and "second" in masked:
            continue  # see below
        sharpness = Sharpness(
            rho=rho, adaptive=adaptive, eta=eta, mixing=mixing, goal=goal, mask_perturbation="ε" in masked,
            mask_site="second" if "second" in masked else "final",
        )  # fmt: skip
        for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
            weights = some_weights(1, dtype)
            mask = None if masked == "no" else half_mask(weights)
            direction, loss = gradient(lambda w=weights: network_loss(w), weights, sharpness, mask)
            expected = naive_direction(network_loss, weights, sharpness, mask)
            assert_same(of(direction, weights), expected, tolerance)
            assert float(loss) == float(network_loss(weights).detach())
            assert not loss.requires_grad


def test_cases_of_the_twin_differ() -> None:
    """The grid above can tell its cases apart."""
    weights, base = some_weights(1), Sharpness(rho=0.05, adaptive="all", eta=0.3, mixing=0.3, mask_perturbation=True)
    others = [
        replace(base, rho=0.06), replace(base, adaptive="weights"), replace(base, adaptive="none"),
        replace(base, eta=0.0), replace(base, mixing=0.4), replace(base, goal="max"),
        replace(base, mask_perturbation=False), replace(base, mask_site="second"),
    ]  # fmt: skip
    mask = half_mask(weights)
    one = torch.cat([v.flatten() for v in naive_direction(network_loss, weights, base, mask).values()])
    for other in others:
        two = torch.cat([v.flatten() for v in naive_direction(network_loss, weights, other, mask).values()])
        assert float((one - two).abs().max()) > 1e-5, other


@pytest.mark.parametrize("transform", [sam(0.3), asam(0.3), Sharpness(rho=0.3, adaptive="weights", eta=0.01)])
def test_sam_is_exactly_the_gradient_at_the_displaced_weights(transform: Sharpness) -> None:
    weights, seen = some_weights(2), []

    def loss() -> Tensor:
        seen.append({name: value.detach().clone() for name, value in weights.items()})
        return network_loss(weights)

    direction, _ = gradient(loss, weights, transform)
    assert len(seen) == 2
    moved = {name: value.requires_grad_() for name, value in seen[1].items()}
    network_loss(moved).backward()
    assert all(torch.equal(found, moved[name].grad) for name, found in of(direction, weights).items())


def test_the_displacement_has_the_radius() -> None:
    weights = some_weights(2)
    for transform in (sam(0.3), asam(0.3), Sharpness(rho=0.3, adaptive="weights", eta=0.2)):
        seen = []

        def loss(seen: list[Weights] = seen) -> Tensor:
            seen.append({name: value.detach().clone() for name, value in weights.items()})
            return network_loss(weights)

        gradient(loss, weights, transform)
        square = 0.0
        for name in weights:
            scaled = transform.adaptive == "all" or (transform.adaptive == "weights" and "weight" in name)
            size = seen[0][name].abs() + transform.eta if scaled else 1.0
            square += float((((seen[1][name] - seen[0][name]) / size) ** 2).sum())
        assert square**0.5 == pytest.approx(0.3, rel=1e-9)  # ‖T⁻¹ ε‖ = ρ


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "transform",
    [sgd(), Sharpness(rho=0.0, goal="max", adaptive="all"), Sharpness(rho=0.4, mixing=0.0), asam(0.0),
     Sharpness(rho=0.4, mixing=0.0, goal="max", adaptive="all", mask_perturbation=True)],
)  # fmt: skip
def test_no_radius_and_no_mixing_are_plain_gradients(transform: Sharpness, masked: bool) -> None:
    weights = some_weights(3)
    mask = half_mask(weights) if masked else None
    direction, _ = gradient(lambda: network_loss(weights), weights, transform, mask)
    plain = torch.autograd.grad(network_loss(weights), list(weights.values()))
    for name, found, g in zip(weights, direction, plain, strict=True):
        assert torch.equal(found, g if mask is None else g * mask[name])


def test_a_plain_gradient_costs_one_pass() -> None:
    weights, calls = some_weights(), []
    gradient(lambda: calls.append(1) or network_loss(weights), weights, sgd())
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("rho", -0.1), ("rho", float("nan")), ("rho", float("inf")), ("eta", -1.0), ("mixing", -0.1),
     ("adaptive", "some"), ("goal", "none"), ("mask_site", "first"), ("mask_perturbation", 1)],
)  # fmt: skip
def test_bad_settings_are_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        Sharpness(**{field: value})


def test_names_and_labels() -> None:
    assert sgd() == Sharpness()
    assert sam(0.2) == Sharpness(rho=0.2)
    assert asam(0.5) == Sharpness(rho=0.5, adaptive="all")
    labels = [t.label for t in (sgd(), sam(0.1), asam(1.0), asam(0.5), sam(0.05))]
    assert labels == ["sgd", "sam-0.1", "asam-1", "asam-0.5", "sam-0.05"]


def test_different_transforms_have_different_labels() -> None:
    """A label names a row of a table, so two transforms of one study must not share it."""
    base = asam(1.0)
    variants = [
        base, replace(base, eta=0.01), replace(base, adaptive="weights"), replace(base, mixing=0.5),
        replace(base, goal="max"), replace(base, mask_perturbation=True),
    ]  # fmt: skip
    assert len({variant.label for variant in variants}) == len(variants)
