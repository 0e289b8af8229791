"""Agreement with packages of others that were written from the same papers; they are the extra `agreement`.

SciPy, scikit-learn and torch's own Hessians are always there: the tests of the metrics hold them against these.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet.learning.sharpness import Sharpness, asam, gradient, sam
from deepnet.metrics.accuracy import score
from deepnet.metrics.agreement import agreement
from deepnet.metrics.attacks import threshold_attack
from deepnet.metrics.by_class import attack_within_classes, class_accuracies
from deepnet.metrics.outputs import Outputs, margin
from tests.deepnet.metrics.examples import random_outputs

X = torch.randn(12, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.arange(12) % 3
STEPS = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}


@pytest.fixture(scope="module")
def optimizers() -> ModuleType:
    return pytest.importorskip("pytorch_optimizer", reason="pytorch-optimizer is not installed (extra agreement)")


@pytest.fixture(scope="module")
def classification() -> ModuleType:
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed (extra agreement)")
    from torchmetrics.functional import classification

    return classification


def network() -> nn.Module:
    torch.default_generator.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 3)).double()


def ours(sharpness: Sharpness, steps: int) -> list[Tensor]:
    net = network()
    weights, optimizer = dict(net.named_parameters()), torch.optim.SGD(net.parameters(), **STEPS)
    for _ in range(steps):
        found, _ = gradient(lambda: functional.cross_entropy(net(X), Y), weights, sharpness)
        for weight, direction in zip(weights.values(), found, strict=True):
            weight.grad = direction
        optimizer.step()
    return [weight.detach() for weight in net.parameters()]


def theirs(package: Any, steps: int, **options: Any) -> list[Tensor]:
    net = network()
    optimizer = package.SAM(net.parameters(), torch.optim.SGD, **options, **STEPS)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(X), Y)
        loss.backward()
        return loss

    for _ in range(steps):
        closure()
        optimizer.step(closure)
    return [weight.detach() for weight in net.parameters()]


def apart(one: list[Tensor], other: list[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("sharpness", "adaptive"), [(sam(0.3), False), (asam(0.3), True)], ids=["sam", "asam"])
def test_sam_and_asam_walk_as_those_of_pytorch_optimizer(
    optimizers: ModuleType, sharpness: Sharpness, adaptive: bool
) -> None:
    """Momentum and decay too. Theirs rounds the norm of the gradient to float32: six parts in 10⁸ of the radius."""
    found = theirs(optimizers, 10, rho=0.3, adaptive=adaptive)
    assert apart(ours(sharpness, 10), found) < 2e-7
    assert apart(ours(sam(0.31) if not adaptive else asam(0.31), 10), found) > 1e-4  # a radius that is 3 % larger


def test_their_asam_scales_every_tensor_and_has_no_eta(optimizers: ModuleType) -> None:
    """As the paper's released code, and unlike ASAM as published: tensors named "weight" alone, and |w| + η."""
    found = theirs(optimizers, 10, rho=0.3, adaptive=True)
    for other in (Sharpness(rho=0.3, adaptive="weights"), Sharpness(rho=0.3, adaptive="all", eta=0.01)):
        assert apart(ours(other, 10), found) > 1e-4


def tensors(outputs: Outputs) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(outputs.logits), torch.from_numpy(outputs.labels)


def test_accuracies_are_those_of_torchmetrics(classification: ModuleType) -> None:
    outputs = random_outputs(300)
    logits, labels = tensors(outputs)
    micro, by_class = (
        classification.multiclass_accuracy(logits, labels, num_classes=4, average=average)
        for average in ("micro", None)
    )
    assert score(outputs).accuracy == pytest.approx(float(micro))
    assert class_accuracies(outputs, [2]).forgotten == pytest.approx(float(by_class[2]))


def test_areas_and_rates_of_attacks_are_those_of_torchmetrics(classification: ModuleType) -> None:
    rng = np.random.default_rng(3)
    members, others = rng.normal(0.7, size=230), rng.normal(size=410).round(1)  # some of the others tie
    found = threshold_attack(members, others)
    scores = torch.from_numpy(np.concatenate([members, others]))
    truth = torch.tensor([1] * 230 + [0] * 410)
    # Their curves squeeze numbers beyond [0, 1] by a sigmoid, which changes no order.
    assert found.auc == pytest.approx(float(classification.binary_auroc(scores, truth)), abs=1e-6)
    false, true, _ = classification.binary_roc(scores, truth)
    assert found.true_positive_rate == pytest.approx(float(true[false <= 0.01].max()))


def test_attacks_within_classes_are_a_mean_of_those_of_torchmetrics(classification: ModuleType) -> None:
    forget, test = random_outputs(60, seed=4), random_outputs(200, seed=5)
    areas = {}
    for label in range(4):
        sides = [margin(one)[one.labels == label] for one in (forget, test)]
        truth = torch.tensor([1] * len(sides[0]) + [0] * len(sides[1]))
        areas[label] = float(classification.binary_auroc(torch.from_numpy(np.concatenate(sides)), truth))
    found = attack_within_classes(forget, test)
    assert found.by_class == pytest.approx(areas, abs=1e-6)
    assert found.auc == pytest.approx(np.mean([areas[int(label)] for label in forget.labels]), abs=1e-6)


def test_the_divergence_of_predictions_is_that_of_torchmetrics(classification: ModuleType) -> None:
    regression = pytest.importorskip("torchmetrics.functional.regression")
    one, other = random_outputs(80, seed=6), random_outputs(80, seed=7)
    other = Outputs(other.logits, one.labels, other.features)
    p, q = (tensors(each)[0].double().softmax(1) for each in (one, other))
    wanted = float(regression.jensen_shannon_divergence(p, q))
    assert agreement(one, other).js_divergence == pytest.approx(wanted, rel=1e-9)
