"""Hessians by products against Hessians written out: closed forms, automatic differentiation, and known diagonals."""

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.autograd.functional import hessian  # noqa: E402
from torch.func import functional_call  # noqa: E402

from deepnet.house.seeding import generator  # noqa: E402
from deepnet.metrics import curvature as module  # noqa: E402
from deepnet.metrics.curvature import Curvature, curvature, hessian_diagonal  # noqa: E402
from deepnet.networks.models import ModelConfig, Network, build  # noqa: E402

Batches = list[tuple[Tensor, Tensor]]


class Separate(nn.Module):
    """Logits (w_i, 0) for the sample whose image is the i-th unit vector: the Hessian is diagonal."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, images: Tensor) -> Tensor:
        chosen = images.to(self.weights.dtype) @ self.weights
        return torch.stack([chosen, torch.zeros_like(chosen)], dim=1)


class Saddle(nn.Module):
    """Logits (Σ c_i w_i², 0) whatever the image: for the label 1 the Hessian at w = 0 is diag(c)."""

    def __init__(self, curvatures: list[float]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(len(curvatures), dtype=torch.float64))
        self.curvatures = torch.tensor(curvatures, dtype=torch.float64)

    def forward(self, images: Tensor) -> Tensor:
        value = (self.curvatures * self.weights.square()).sum().expand(len(images))
        return torch.stack([value, torch.zeros_like(value)], dim=1)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A convnet in float64 whose running statistics and normalisation are not those of a new one."""
    source = torch.Generator().manual_seed(5)
    config = ModelConfig(architecture="convnet", width=2)
    model = build(config, n_classes=3, channels=1, mean=[0.4], std=[0.3], seed=1).double()
    with torch.no_grad():
        for name, values in [*model.named_parameters(), *model.named_buffers()]:
            if "running_mean" in name or name.endswith("bias"):
                values.add_(0.2 * torch.randn(values.shape, generator=source, dtype=torch.float64))
            if "running_var" in name:
                values.mul_(1 + torch.rand(values.shape, generator=source, dtype=torch.float64))
    return model


@pytest.fixture(scope="module")
def batches() -> Batches:
    """Eight samples in batches of 6 and 2, so that batches must be weighted by their size."""
    source = torch.Generator().manual_seed(2)
    images = torch.randint(0, 256, (8, 1, 6, 6), generator=source, dtype=torch.uint8)
    labels = torch.randint(0, 3, (8,), generator=source)
    return list(zip(images.split(6), labels.split(6), strict=True))


@pytest.fixture
def few_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the eigenvalue solver, where it is not its number that is looked at: it takes as many products at least."""
    monkeypatch.setattr(module, "LANCZOS_VECTORS", 5)


PROBES = 40
"""Of the estimates that are compared with the whole Hessian by their own error."""


@pytest.fixture(scope="module")
def full(network: nn.Module, batches: Batches) -> Tensor:
    """The whole Hessian by automatic differentiation, in the order of the parameters."""
    weights = {name: weight.detach() for name, weight in network.named_parameters()}
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    sizes = [weight.numel() for weight in weights.values()]

    def loss(flat: Tensor) -> Tensor:
        parts = zip(weights.items(), flat.split(sizes), strict=True)
        values = {name: part.view_as(weight) for (name, weight), part in parts}
        return nn.functional.cross_entropy(functional_call(network, values, (images,)), labels)

    network.eval()
    return hessian(loss, torch.cat([weight.flatten() for weight in weights.values()]))


NORMALISATIONS = {
    "layer": lambda: nn.LayerNorm([4, 4, 4]), "group": lambda: nn.GroupNorm(2, 4),
    "instance": lambda: nn.InstanceNorm2d(4, affine=True),
    "tracked instance": lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
    "untracked batch": lambda: nn.BatchNorm2d(4, track_running_stats=False), "batch": lambda: nn.BatchNorm2d(4),
}  # fmt: skip


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_normalisation_of_every_kind_is_differentiated_twice(kind: str, batches: Batches) -> None:
    """torch's rules for many directions at once leave out how the mean and deviation of a batch or an image move."""
    torch.manual_seed(0)
    body = [nn.Conv2d(1, 4, 3), NORMALISATIONS[kind](), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = Network(nn.Sequential(*body), nn.Linear(4, 3), (0.4,), (0.3,)).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn_like(weight)
    weights, (images, labels) = list(model.eval().parameters()), batches[0]
    slopes = torch.autograd.grad(nn.functional.cross_entropy(model(images), labels), weights, create_graph=True)
    rows = [torch.autograd.grad(entry, weights, retain_graph=True) for s in slopes for entry in s.flatten()]
    full = torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])
    signs = 2.0 * generator(3, "probe", 0).integers(0, 2, size=len(full), dtype=np.int8) - 1
    found = hessian_diagonal(model, batches[:1], probes=1, seed=3)
    expected = torch.from_numpy(signs) * (full @ torch.from_numpy(signs))
    assert torch.allclose(torch.cat([part.flatten() for part in found.values()]), expected, rtol=1e-9, atol=1e-12)


def linear_softmax() -> tuple[nn.Module, Batches, Tensor]:
    """A linear model without bias, data, and its Hessian (1/n) Σ (diag p - p pᵀ) ⊗ x xᵀ."""
    source = torch.Generator().manual_seed(3)
    images = torch.randn(12, 4, generator=source, dtype=torch.float64)
    labels = torch.randint(0, 3, (12,), generator=source)
    model = nn.Linear(4, 3, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.randn(3, 4, generator=source, dtype=torch.float64))
    p = (images @ model.weight.detach().T).softmax(1)
    outer = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    closed = sum(torch.kron(m, torch.outer(x, x)) for m, x in zip(outer, images, strict=True)) / len(images)
    return model, [(images[:7], labels[:7]), (images[7:], labels[7:])], closed


def separate() -> tuple[nn.Module, Batches, Tensor]:
    """The model with a diagonal Hessian, data, and that diagonal, p(1 - p) n_i / n."""
    weights = torch.tensor([0.3, -1.2, 2.0, 0.0], dtype=torch.float64)
    rows = torch.tensor([0, 1, 2, 3, 0, 0])
    images = torch.eye(4, dtype=torch.uint8)[rows]
    labels = torch.tensor([0, 1, 1, 0, 1, 0])
    p = weights.sigmoid()
    diagonal = p * (1 - p) * torch.bincount(rows) / len(rows)
    return Separate(weights), [(images[:4], labels[:4]), (images[4:], labels[4:])], diagonal


def test_the_top_eigenvalue_is_that_of_the_full_hessian(network, batches, full):
    found = curvature(network, batches, seed=0, probes=2, tolerance=1e-6)
    assert found.top == pytest.approx(float(torch.linalg.eigvalsh(full)[-1]), rel=1e-4)


def test_the_trace_is_that_of_the_full_hessian_within_its_standard_error(network, batches, full):
    found = curvature(network, batches, seed=0, probes=PROBES)
    off_diagonal = full - full.diagonal().diag()
    assert abs(found.trace - float(full.trace())) < 4 * found.trace_se
    # Signs have Var[vᵀ H v] = 2 Σ_{i≠j} H_ij².
    assert found.trace_se == pytest.approx(float((2 * off_diagonal.square().sum() / PROBES) ** 0.5), rel=0.3)


def test_the_diagonal_is_that_of_the_full_hessian_within_its_error(network, batches, full):
    found = hessian_diagonal(network, batches, probes=PROBES, seed=0)
    shapes = {name: (weight.shape, weight.dtype) for name, weight in network.named_parameters()}
    assert {name: (values.shape, values.dtype) for name, values in found.items()} == shapes
    flat = torch.cat([values.flatten() for values in found.values()])
    off_diagonal = full - full.diagonal().diag()
    error = (off_diagonal.square().sum(1) / PROBES).sqrt()
    assert torch.equal(flat[error == 0], torch.zeros(int((error == 0).sum()), dtype=flat.dtype))  # dead units
    scores = ((flat - full.diagonal()) / error)[error > 0]
    assert len(scores) > 0.5 * len(flat)
    assert float(scores.abs().max()) < 5
    assert 0.5 < float(scores.square().mean()) < 1.5


def test_a_linear_model_has_the_hessian_of_softmax_regression():
    model, batches, closed = linear_softmax()
    found = curvature(model, batches, seed=1, probes=80, tolerance=1e-6)
    assert found.top == pytest.approx(float(torch.linalg.eigvalsh(closed)[-1]), rel=1e-6)
    assert abs(found.trace - float(closed.trace())) < 4 * found.trace_se


def test_one_probe_gives_a_diagonal_hessian_exactly():
    model, batches, diagonal = separate()
    found = hessian_diagonal(model, batches, probes=1, seed=0)
    assert found["weights"].tolist() == pytest.approx(diagonal.tolist(), rel=1e-12)


def test_the_trace_of_a_diagonal_hessian_has_no_error():
    model, batches, diagonal = separate()
    found = curvature(model, batches, seed=0, probes=2)
    assert found.trace == pytest.approx(float(diagonal.sum()), rel=1e-12)
    assert found.trace_se == pytest.approx(0, abs=1e-15)
    assert found.top == pytest.approx(float(diagonal.max()), rel=1e-6)


def test_the_largest_eigenvalue_is_not_the_one_of_largest_modulus():
    batches = [(torch.zeros(5, 1), torch.ones(5, dtype=torch.int64))]
    assert curvature(Saddle([-4, 1, 2, -1]), batches, seed=0, probes=2).top == pytest.approx(2, rel=1e-6)


def test_a_flat_loss_has_no_curvature():
    model, batches, _ = separate()
    flat = [(torch.zeros_like(images), labels) for images, labels in batches]
    assert curvature(model, flat, seed=0, probes=2) == Curvature(top=0.0, trace=0.0, trace_se=0.0)


def test_how_samples_are_cut_into_batches_does_not_matter(network, batches):
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    whole = hessian_diagonal(network, [(images, labels)], probes=2, seed=4)
    cut = hessian_diagonal(network, batches, probes=2, seed=4)
    torch.testing.assert_close(whole, cut)


@pytest.mark.usefixtures("few_vectors")
def test_same_seed_same_numbers_and_the_global_generators_stay(network, batches):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = curvature(network, batches, seed=7, probes=3, tolerance=0.3)
    diagonal = hessian_diagonal(network, batches, probes=2, seed=7)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    torch.rand(3)
    assert curvature(network, batches, seed=7, probes=3, tolerance=0.3) == first
    again = hessian_diagonal(network, batches, probes=2, seed=7)
    assert all(torch.equal(diagonal[name], again[name]) for name in diagonal)
    other = hessian_diagonal(network, batches, probes=2, seed=8)
    assert not torch.equal(diagonal["head.weight"], other["head.weight"])


@pytest.mark.usefixtures("few_vectors")
@pytest.mark.parametrize("measure", [partial(curvature, tolerance=0.3), hessian_diagonal], ids=["top", "diagonal"])
def test_the_model_is_measured_in_evaluation_mode_and_left_as_it_was(network, batches, measure):
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    network.train()
    frozen = next(layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
    frozen.eval()
    modes = [layer.training for layer in network.modules()]
    state = {name: values.clone() for name, values in network.state_dict().items()}
    in_training = measure(network, batches, probes=2, seed=0)
    assert [layer.training for layer in network.modules()] == modes
    assert all(torch.equal(values, state[name]) for name, values in network.state_dict().items())
    assert all(weight.grad is None for weight in network.parameters())
    with pytest.raises(ValueError, match="must hold labels in"):
        measure(network, [(images, labels + 2)], probes=2, seed=0)
    assert [layer.training for layer in network.modules()] == modes
    calls = []

    def fail_at_the_third(*_: object) -> None:
        calls.append(None)
        if len(calls) == 3:
            raise ArithmeticError("third call")

    handle = network.register_forward_hook(fail_at_the_third)
    with pytest.raises(ArithmeticError, match="third call"):
        measure(network, batches, probes=2, seed=0)
    handle.remove()
    assert [layer.training for layer in network.modules()] == modes
    network.eval()
    in_evaluation = measure(network, batches, probes=2, seed=0)
    torch.testing.assert_close(_numbers(in_training), _numbers(in_evaluation), rtol=0, atol=0)


def _numbers(found: Curvature | dict[str, Tensor]) -> dict:
    return vars(found) if isinstance(found, Curvature) else found


def test_residual_networks_have_products_like_double_differentiation():
    # torchvision's blocks add and rectify in place, which transforms of functions must bear.
    model = build(ModelConfig(architecture="resnet18"), n_classes=3, channels=3, mean=[0.5] * 3, std=[0.2] * 3, seed=0)
    model = model.double().eval()
    images = torch.randint(0, 256, (2, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    labels = torch.tensor([0, 2])
    found = hessian_diagonal(model, [(images, labels)], probes=1, seed=0)
    weights = list(model.parameters())
    size = sum(weight.numel() for weight in weights)
    signs = torch.from_numpy(2.0 * generator(0, "probe", 0).integers(0, 2, size=size, dtype=np.int8) - 1)
    parts = signs.to(torch.float64).split([weight.numel() for weight in weights])
    probe = [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
    loss = nn.functional.cross_entropy(model(images), labels)
    slopes = torch.autograd.grad(loss, weights, create_graph=True)
    products = torch.autograd.grad(slopes, weights, grad_outputs=probe)
    for values, v, product in zip(found.values(), probe, products, strict=True):
        torch.testing.assert_close(values, v * product, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probes": 1}, "`probes`"),
        ({"probes": 2.5}, "`probes`"),
        ({"tolerance": 0.0}, "`tolerance`"),
        ({"restarts": 0}, "`restarts`"),
        ({"seed": -1}, "`seed`"),
        ({"batches": []}, "`batches` must hold at least one batch"),
        ({"batches": [(torch.zeros(2, 4), torch.zeros(2))]}, "int64 labels, but those of batch 0"),
        ({"batches": [(torch.zeros(3, 4), torch.zeros(2, dtype=torch.int64))]}, "batch 0 has 3 images and 2 labels"),
        ({"batches": [(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))]}, "batch 0 has 0 images"),
    ],
)
def test_bad_arguments_are_named(change, message):
    model, batches, _ = linear_softmax()
    with pytest.raises(ValueError, match=message):
        curvature(model, **{"batches": batches, "seed": 0, "probes": 2, **change})


def test_a_diagonal_needs_a_probe():
    model, batches, _ = linear_softmax()
    with pytest.raises(ValueError, match="`probes`"):
        hessian_diagonal(model, batches, probes=0, seed=0)


@pytest.mark.parametrize("measure", [curvature, hessian_diagonal])
def test_a_diverged_model_is_refused(measure):
    model, batches, _ = linear_softmax()
    with torch.no_grad():
        model.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="finite Hessian"):
        measure(model, batches, probes=2, seed=0)


def test_an_eigenvalue_that_is_not_found_is_an_error():
    batches = [(torch.zeros(5, 1), torch.ones(5, dtype=torch.int64))]
    model = Saddle(torch.linspace(0, 1, 500).tolist())
    with pytest.raises(RuntimeError, match="within 1 restarts"):
        curvature(model, batches, seed=0, probes=2, tolerance=1e-12, restarts=1)


@pytest.mark.parametrize("change", [{"top": float("nan")}, {"trace": float("inf")}, {"trace_se": -1.0}])
def test_a_curvature_is_finite(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Curvature(**{"top": 1.0, "trace": 2.0, "trace_se": 0.1, **change})
