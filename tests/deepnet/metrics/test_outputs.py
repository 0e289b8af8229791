"""Collected outputs are those of the model, sample by sample; numbers per sample follow their definitions."""

import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from deepnet.metrics.outputs import (
    Outputs,
    collect,
    confidence,
    correctness,
    cross_entropy,
    entropy,
    log_softmax,
    m_entropy,
    m_entropy_official,
    margin,
)
from tests.deepnet.metrics.examples import random_outputs


class Pixels:
    """Images in memory that remember what they were asked for."""

    def __init__(self, n: int) -> None:
        draw = torch.Generator().manual_seed(1)
        self.pixels = torch.randint(256, (n, 1, 2, 3), dtype=torch.uint8, generator=draw)
        self.labels = torch.arange(n) % 3
        self.shape = (1, 2, 3)
        self.device = torch.device("cpu")
        self.asked: list[tuple[int, bool]] = []

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, requests: Iterable[tuple[Tensor, Tensor | None]]) -> Iterator[Tensor]:
        for rows, draws in requests:
            self.asked.append((len(rows), draws is None))
            yield self.pixels[rows]


class Small(nn.Module):
    """A network whose dropout and batch normalisation show in which mode it runs."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.body = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5))
            self.head = nn.Linear(5, 3)
        self.n_forward = 0

    def features(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.uint8
        assert not torch.is_grad_enabled()
        self.n_forward += 1
        return self.body(x.flatten(1) / 255.0)


def test_collect_follows_the_rows() -> None:
    images, model = Pixels(11), Small()
    rows = torch.tensor([7, 0, 3, 3, 10])
    outputs = collect(model, images, rows, batch_size=2)
    assert images.asked == [(2, True), (2, True), (1, True)]
    assert model.n_forward == 3
    assert outputs.labels.tolist() == [row % 3 for row in rows.tolist()]
    model.eval()
    with torch.no_grad():
        features = torch.stack([model.features(images.pixels[row : row + 1])[0] for row in rows])
        np.testing.assert_allclose(outputs.features, features.numpy(), atol=1e-6)
        np.testing.assert_allclose(outputs.logits, model.head(features).numpy(), atol=1e-6)
    assert (outputs.logits.dtype, outputs.features.dtype, outputs.labels.dtype) == (np.float32, np.float32, np.int64)


def test_collect_leaves_the_model_as_it_was() -> None:
    model = Small().train()
    model.body[1].eval()  # frozen statistics inside a network in training
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    collect(model, Pixels(5), torch.arange(5))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_collect_restores_the_mode_after_an_error() -> None:
    model = Small().train()
    model.head = nn.Linear(4, 3)
    with pytest.raises(RuntimeError):
        collect(model, Pixels(5), torch.arange(5))
    assert model.training
    assert torch.is_grad_enabled()


def test_collect_in_half_precision_returns_single() -> None:
    exact = collect(Small(), Pixels(9), torch.arange(9))
    rounded = collect(Small(), Pixels(9), torch.arange(9), autocast=torch.bfloat16)
    assert rounded.logits.dtype == np.float32
    difference = np.abs(rounded.logits - exact.logits).max()
    assert 0.0 < difference < 0.05


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.arange(0), "`rows`.*at least one"),
        (torch.tensor([0, 5]), r"`rows` must lie in 0\.\.4, but holds 5"),
        (torch.tensor([-1, 2]), "`rows`.*holds -1"),
        (torch.tensor([0.0]), "`rows`.*int64"),
        (torch.zeros(1, 1, dtype=torch.int64), "`rows`.*vector"),
    ],
)
def test_collect_refuses_rows(rows: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        collect(Small(), Pixels(5), rows)


class Foreign(nn.Module):
    """Somebody else's network, whose `features` and `head` are layers and not all that it does."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.head = nn.Linear(5, 3)
            self.features = nn.Sequential(nn.Flatten(), nn.Linear(6, 5))

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.head(torch.relu(self.features(x / 255.0)))


def test_features_of_any_network_are_read_by_its_last_linear_layer() -> None:
    model, images, rows = Foreign(), Pixels(5), torch.tensor([4, 1, 1])
    outputs = collect(model, images, rows, batch_size=2)
    with torch.no_grad():
        made = model.features(images.pixels[rows] / 255.0)
        np.testing.assert_allclose(outputs.logits, model(images.pixels[rows]).numpy(), atol=1e-6)
    np.testing.assert_allclose(outputs.features, torch.relu(made).numpy(), atol=1e-6)
    named = collect(model, images, rows, features="features.1")
    np.testing.assert_allclose(named.features, made.numpy(), atol=1e-6)
    np.testing.assert_array_equal(
        collect(model, images, rows, features="input:features").features, images.pixels[rows].flatten(1) / 255.0
    )
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


@pytest.mark.parametrize(
    ("model", "features", "message"),
    [
        (nn.Flatten(), None, "`features` must name a layer of a network that calls no linear layer"),
        (Foreign(), "neck", '`features` must be the name of a layer of the network, such as "features.1"'),
        (nn.ModuleList([nn.Flatten(), nn.Flatten()]), "1", "`features` must name a layer that is called"),
        (nn.Linear(2, 2), None, r"`model` must read images of torch.uint8 and shape \(.*RuntimeError"),
        (nn.Linear(2, 2), "", r"`model` must read images of torch.uint8 and shape \(.*RuntimeError"),
    ],
    ids=["no linear layer", "no such layer", "not called", "of floats", "of floats, named"],
)
def test_collect_refuses_features_that_are_not_there(model: nn.Module, features: str | None, message: str) -> None:
    if isinstance(model, nn.ModuleList):
        model.forward = model[0].forward  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=message):
        collect(model, Pixels(5), torch.arange(5), features=features)


def test_collect_refuses_a_diverged_model() -> None:
    model = Small()
    with torch.no_grad():
        model.head.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="`logits` must be finite"):
        collect(model, Pixels(5), torch.arange(5))


LOGITS = np.zeros((3, 2), dtype=np.float32)
FEATURES = np.zeros((3, 4), dtype=np.float32)
LABELS = np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("logits", "labels", "features", "name"),
    [
        (np.full((3, 2), np.nan), LABELS, FEATURES, "logits"),
        (LOGITS, LABELS, FEATURES + np.inf, "features"),
        (LOGITS[:0], LABELS[:0], FEATURES[:0], "logits"),
        (LOGITS, LABELS[:2], FEATURES, "labels"),
        (LOGITS, LABELS, FEATURES[:2], "features"),
        (LOGITS, LABELS + 1, FEATURES, "labels"),
        (LOGITS, LABELS - 1, FEATURES, "labels"),
        (LOGITS, LABELS + 0.5, FEATURES, "labels"),
        (LOGITS[:, :1], LABELS * 0, FEATURES, "logits"),
        (LOGITS.astype(int), LABELS, FEATURES, "logits"),
        (LOGITS[0], LABELS, FEATURES, "logits"),
    ],
)
def test_outputs_refuse(logits: np.ndarray, labels: np.ndarray, features: np.ndarray, name: str) -> None:
    with pytest.raises(ValueError, match=f"^Argument `{name}` must .*[.]$"):
        Outputs(logits, labels, features)


def test_subsets_put_together_are_the_whole() -> None:
    outputs = random_outputs(20)
    mask = np.arange(20) < 7
    whole = Outputs.concatenate([outputs.subset(mask), outputs.subset(~mask)])
    for name in ("logits", "labels", "features"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(outputs, name))
    scattered = np.arange(20) % 3 == 1
    np.testing.assert_array_equal(outputs.subset(scattered).logits, outputs.logits[1::3])


@pytest.mark.parametrize("mask", [np.zeros(20, dtype=bool), np.ones(19, dtype=bool), np.arange(20)])
def test_subset_refuses(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match="`mask`"):
        random_outputs(20).subset(mask)


def test_concatenate_refuses() -> None:
    with pytest.raises(ValueError, match="`parts`"):
        Outputs.concatenate([])
    with pytest.raises(ValueError, match="`parts` must agree"):
        Outputs.concatenate([random_outputs(3, p=4), random_outputs(3, p=5)])


def slow_m_entropy(p: np.ndarray, label: int) -> float:
    total = -(1.0 - p[label]) * math.log(p[label])
    for k, p_k in enumerate(p):
        if k != label:
            total -= p_k * math.log(1.0 - p_k)
    return total


@given(st.integers(2, 7), st.sampled_from([0.0, 0.3, 3.0]), st.integers(0, 1000))
def test_numbers_per_sample_by_definition(n_classes: int, scale: float, seed: int) -> None:
    outputs = random_outputs(9, n_classes=n_classes, scale=scale, seed=seed)
    weights = np.exp(outputs.logits.astype(float))
    p = weights / weights.sum(axis=1, keepdims=True)
    own = p[np.arange(9), outputs.labels]
    np.testing.assert_allclose(np.exp(log_softmax(outputs)), p, rtol=1e-12)
    np.testing.assert_allclose(confidence(outputs), own, rtol=1e-10)
    np.testing.assert_allclose(cross_entropy(outputs), -np.log(own), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(margin(outputs), np.log(own / (1 - own)), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(entropy(outputs), -(p * np.log(p)).sum(axis=1), rtol=1e-10)
    by_loop = [slow_m_entropy(row, label) for row, label in zip(p, outputs.labels, strict=True)]
    np.testing.assert_allclose(m_entropy(outputs), by_loop, rtol=1e-7, atol=1e-12)


def test_cross_entropy_is_that_of_torch() -> None:
    outputs = random_outputs(50, scale=5.0)
    by_torch = nn.functional.cross_entropy(
        torch.from_numpy(outputs.logits).double(), torch.from_numpy(outputs.labels), reduction="none"
    )
    np.testing.assert_allclose(cross_entropy(outputs), by_torch.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gap", [40.0, 200.0, 2000.0])
def test_numbers_survive_saturation(gap: float) -> None:
    logits = np.array([[gap, 0.0, 0.0], [0.0, gap, 0.0]], dtype=np.float32)
    outputs = Outputs(logits, np.array([0, 0]), np.ones((2, 1), dtype=np.float32))
    rest = 2.0 * math.exp(-gap)  # 1 - p of the sure class
    np.testing.assert_allclose(margin(outputs), [gap - math.log(2.0), -gap], rtol=1e-12)
    np.testing.assert_allclose(cross_entropy(outputs), [rest, gap], rtol=1e-12)
    # Sure and wrong: -(1 - p_y) log p_y is the gap, and -p log(1 - p) of the sure class is the gap less log 2.
    np.testing.assert_allclose(m_entropy(outputs)[1], 2.0 * gap - math.log(2.0), rtol=1e-12)
    assert 0.0 <= m_entropy(outputs)[0] <= 1e-10
    assert np.isfinite(entropy(outputs)).all()


def test_modified_entropy_tells_right_from_wrong_where_entropy_cannot() -> None:
    logits = np.tile(np.float32([5.0, 0.0, 0.0]), (2, 1))
    outputs = Outputs(logits, np.array([0, 1]), np.ones((2, 1), dtype=np.float32))
    assert np.ptp(entropy(outputs)) == 0.0
    assert m_entropy(outputs)[1] > 50 * m_entropy(outputs)[0]


def faulty_m_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """A literal twin of the fault: `array[:, labels]` takes and sets N columns of each of N rows."""
    p = torch.softmax(logits, dim=1)
    log_p = torch.where(p > 0, p.log(), torch.tensor(1e-30).log())
    weights = p.clone()
    columns = (1 - p)[:, labels]
    assert columns.shape == (len(p), len(p))
    weights[:, labels] = columns
    return -(weights * log_p).sum(dim=1)


@pytest.mark.parametrize(("n", "scale"), [(3, 1.0), (50, 3.0), (50, 60.0)])
def test_official_modified_entropy_is_the_faulty_one(n: int, scale: float) -> None:
    outputs = random_outputs(n, n_classes=6, scale=scale)
    twin = faulty_m_entropy(torch.from_numpy(outputs.logits), torch.from_numpy(outputs.labels)).numpy()
    np.testing.assert_allclose(m_entropy_official(outputs), twin, rtol=2e-5)
    assert np.abs(m_entropy_official(outputs) - m_entropy(outputs)).max() > 0.1


def test_official_modified_entropy_ignores_which_sample_has_which_label() -> None:
    outputs = random_outputs(12)
    shuffled = Outputs(outputs.logits, outputs.labels[::-1], outputs.features)
    np.testing.assert_array_equal(m_entropy_official(outputs), m_entropy_official(shuffled))
    assert np.abs(m_entropy(outputs) - m_entropy(shuffled)).max() > 0.1


def test_correctness_takes_the_first_of_equals() -> None:
    labels = np.array(list(itertools.islice(itertools.cycle([0, 1]), 4)))
    outputs = Outputs(np.zeros((4, 2), dtype=np.float32), labels, np.ones((4, 1), dtype=np.float32))
    assert correctness(outputs).tolist() == [True, False, True, False]
