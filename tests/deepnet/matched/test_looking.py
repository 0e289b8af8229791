"""Losses and accuracies by hand, the threshold of held-out images, and probes."""

import math

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

from deepnet.data.datasets import Dataset
from deepnet.data.images import DeviceImages
from deepnet.data.splits import Split
from deepnet.matched.measuring import adaptive_rise
from deepnet.matched.watched.looking import SETS, Sets, Sight, held_out_loss, look_at, losses_of
from deepnet.metrics.accuracy import score
from deepnet.metrics.outputs import NotFiniteError, collect
from tests.deepnet.oracles import small_dataset, small_network, small_split


class Says(nn.Module):
    """A model whose logits are the first pixels of an image, the others 0."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :2].float()


def images(*pairs: tuple[int, int], labels: tuple[int, ...]) -> DeviceImages:
    pixels = torch.tensor(pairs, dtype=torch.uint8).view(len(pairs), 1, 1, 2)
    return DeviceImages(pixels, torch.tensor(labels))


def sight(found: DeviceImages, *rows: int) -> Sight:
    return Sight(found, torch.tensor(rows))


def test_loss_and_accuracy_are_means_over_the_images() -> None:
    """Logits (2, 0) right, (0, 1) wrong, (3, 3) a tie that the first class wins."""
    found = look_at(Says(), sight(images((2, 0), (0, 1), (3, 3), labels=(0, 0, 1)), 0, 1, 2))
    losses = [math.log1p(math.exp(-2)), math.log1p(math.e), math.log(2)]
    assert found.loss == pytest.approx(sum(losses) / 3, abs=1e-15)
    assert found.accuracy == 1 / 3
    assert found.n == 3


def test_it_agrees_with_the_metrics_whatever_the_mode() -> None:
    model, data, split = small_network(dtype=torch.float32), small_dataset(), small_split()
    model.train()
    found = look_at(model, Sight(data.train, split.retain))
    other = score(collect(model, data.train, split.retain))
    assert model.training
    assert found.accuracy == other.accuracy
    assert found.loss == pytest.approx(other.loss, rel=1e-6)


def test_small_losses_keep_their_digits() -> None:
    losses, _ = losses_of(Says(), sight(images((20, 0), labels=(0,)), 0))
    assert losses.item() == pytest.approx(math.exp(-20), rel=1e-6, abs=0)  # in float32 it would be 0


def test_what_is_not_finite_is_an_error() -> None:
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1) / 0 * 1.0

    with pytest.raises(NotFiniteError):
        look_at(Broken(), sight(images((1, 0), labels=(0,)), 0))


def test_the_held_out_loss_weighs_classes_as_the_forget_set_does() -> None:
    """Of the forget set three images are of class 0 and one of class 1; validation has one and two of them."""
    train = images(*[(1, 0)] * 4, (5, 0), (0, 0), (0, 2), labels=(0, 0, 0, 1, 0, 1, 1))
    forget, val = sight(train, 0, 1, 2, 3), sight(train, 4, 5, 6)
    zero, one = math.log1p(math.exp(-5)), (math.log(2) + math.log1p(math.exp(-2))) / 2
    assert held_out_loss(Says(), forget, val) == pytest.approx((3 * zero + one) / 4, abs=1e-15)


def test_a_forgotten_class_without_validation_images_is_named() -> None:
    train = images((1, 0), (1, 0), labels=(1, 0))
    with pytest.raises(ValueError, match="`val` must hold images of the forgotten class 1, but does not"):
        held_out_loss(Says(), sight(train, 0), sight(train, 1))


def test_a_probe_holds_all_of_the_forget_set_and_the_same_part_of_the_others() -> None:
    data, split = small_dataset(), small_split()
    sets = Sets.of(data, split)
    assert tuple(sets.by_name) == SETS
    assert {name: len(one.rows) for name, one in sets.by_name.items()} == {
        "retain": 35, "forget": 15, "val": 10, "test": 60,
    }  # fmt: skip
    probe, again = sets.probe(12), Sets.of(data, split).probe(12)
    assert {name: len(one.rows) for name, one in probe.by_name.items()} == {
        "retain": 12, "forget": 15, "val": 10, "test": 12,
    }  # fmt: skip
    assert set(probe.by_name["retain"].rows.tolist()) < set(split.retain.tolist())
    assert torch.equal(probe.by_name["retain"].rows, again.by_name["retain"].rows)
    assert sets.probe(None).by_name["retain"] is sets.by_name["retain"]


def test_the_test_set_is_that_of_testing() -> None:
    data = small_dataset()
    other = images((0, 9), labels=(1,))
    mixed = Dataset(**{**vars(data), "test": other})
    split = Split(**vars(small_split()))
    assert Sets.of(mixed, split).by_name["test"].images is other


def test_the_rise_is_that_of_a_step_along_the_scaled_gradient() -> None:
    """By hand: ε = ρ |w|² g / ‖|w| g‖."""
    model, data, split = small_network(), small_dataset(), small_split()
    shown = Sight(data.train, split.retain)
    model.eval()
    rows = split.retain

    def loss() -> Tensor:
        return nn.functional.cross_entropy(model(data.train.pixels[rows]), data.train.labels[rows])

    before = loss()
    weights = list(model.parameters())
    grads = torch.autograd.grad(before, weights)
    norm = math.sqrt(sum(float((w.detach().abs() * g).square().sum()) for w, g in zip(weights, grads, strict=True)))
    kept = [w.detach().clone() for w in weights]
    with torch.no_grad():
        for w, g in zip(weights, grads, strict=True):
            w += 0.5 * w.square() * g / norm
    wanted = float(loss().detach() - before.detach())
    with torch.no_grad():
        for w, old in zip(weights, kept, strict=True):
            w.copy_(old)
    model.train()
    assert adaptive_rise(model, shown) == pytest.approx(wanted, rel=1e-9)
    assert wanted > 0
    assert model.training
    assert all(torch.equal(w, old) for w, old in zip(weights, kept, strict=True))


def test_the_rise_does_not_see_the_scale_before_a_normalisation() -> None:
    """The filters of a convolution seven times as large, and the network the same."""
    model, data, split = small_network(), small_dataset(), small_split()
    rises = []
    for factor in (1.0, 7.0):
        with torch.no_grad():
            model.body[0].weight *= factor
            model.body[1].running_mean *= factor
            model.body[1].running_var *= factor**2
        rises.append(adaptive_rise(model, Sight(data.train, split.retain)))
    assert rises[1] == pytest.approx(rises[0], rel=1e-3)
