"""The gradient transform against a twin that works a weight at a time, and against closed forms."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

torch = pytest.importorskip("torch")

from deepnet.sharpness import Sharpness, asam, gradient, sam, sgd  # noqa: E402
from tests.deepnet.oracles import naive_direction  # noqa: E402

Tensor = torch.Tensor
Weights = dict[str, Tensor]


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
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(value.shape, generator=generator) < 0.5 for name, value in weights.items()}


def of(direction: list[Tensor], weights: Weights) -> Weights:
    return dict(zip(weights, direction, strict=True))


def assert_same(found: Weights, expected: Weights, tolerance: float) -> None:
    size = max(float(value.abs().max()) for value in expected.values())
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        assert float((found[name] - value).abs().max()) <= tolerance * max(size, 1.0), name


# --- against the twin ----------------------------------------------------------------------------------


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


# --- closed forms --------------------------------------------------------------------------------------


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


# --- the leak of the released code ---------------------------------------------------------------------


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


# --- what is left behind -------------------------------------------------------------------------------


def awkward_weights(dtype: torch.dtype) -> Weights:
    """Values of all sizes, of which w + ε - ε would not give many back."""
    weights = some_weights(9, dtype)
    with torch.no_grad():
        for value in weights.values():
            value *= 10.0 ** torch.linspace(-9, 3, value.numel()).reshape(value.shape).to(dtype)
    return weights


def bits(weights: Weights) -> list[bytes]:
    return [value.detach().numpy().tobytes() for value in weights.values()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("transform", [sam(0.7), asam(2.0), Sharpness(rho=0.3, goal="max", adaptive="weights")])
def test_weights_are_restored_to_the_bit(transform: Sharpness, dtype: torch.dtype) -> None:
    weights = awkward_weights(dtype)
    before, addresses = bits(weights), [value.data_ptr() for value in weights.values()]
    for mask in (None, half_mask(weights)):
        gradient(lambda: network_loss(weights), weights, transform, mask)
        assert bits(weights) == before
    assert [value.data_ptr() for value in weights.values()] == addresses
    assert all(value.grad is None and value.requires_grad for value in weights.values())


class PassFailedError(Exception):
    pass


@pytest.mark.parametrize("transform", [sam(0.7), asam(2.0)])
@pytest.mark.parametrize("failing", [1, 2])
def test_weights_are_restored_if_a_pass_raises(transform: Sharpness, failing: int) -> None:
    weights, calls = awkward_weights(torch.float32), []
    before = bits(weights)

    def loss() -> Tensor:
        calls.append(bits(weights) == before)
        if len(calls) == failing:
            raise PassFailedError
        return network_loss(weights)

    with pytest.raises(PassFailedError):
        gradient(loss, weights, transform)
    assert calls == [True, False][:failing]
    assert bits(weights) == before


def test_the_second_pass_runs_in_its_context() -> None:
    weights, order = some_weights(), []

    class Held:
        def __enter__(self) -> None:
            order.append("in")

        def __exit__(self, *exception: object) -> None:
            order.append("out")

    def loss() -> Tensor:
        order.append("loss")
        return network_loss(weights)

    gradient(loss, weights, sam(0.1), second_pass=Held)
    assert order == ["loss", "in", "loss", "out"]


@pytest.mark.parametrize("make", [sgd, sam, asam])
def test_a_loss_scale_leaves_single_precision_alone(make: Callable[[], Sharpness]) -> None:
    weights = some_weights(4, torch.float32)
    plain, loss = gradient(lambda: network_loss(weights), weights, make())
    scaled, same = gradient(lambda: network_loss(weights), weights, make(), loss_scale=1024.0)
    assert float(loss) == float(same)
    assert all(torch.equal(one, other) for one, other in zip(plain, scaled, strict=True))


# --- the public door -----------------------------------------------------------------------------------


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
