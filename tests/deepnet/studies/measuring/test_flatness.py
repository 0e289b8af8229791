"""Adaptive sharpness against its formula, and under rescalings that leave the function as it is."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet.matched.measuring import adaptive_rise
from deepnet.metrics.outputs import NotFiniteError
from deepnet.studies.measuring.flatness import SharpnessAtLoss, adaptive_sharpness, mean_loss


def network() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 3))
    for _ in range(3):
        made(torch.randn(20, 5) + 1.0)  # running statistics that are not those of the beginning
    return made.double()


def batches(*sizes: int) -> list[tuple[Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(sum(sizes), 5, generator=draw).double()
    y = torch.randint(3, (sum(sizes),), generator=draw)
    return list(zip(x.split(list(sizes)), y.split(list(sizes)), strict=True))


def test_it_is_the_gain_of_one_ascent_scaled_by_the_weights() -> None:
    model, ((x, y),) = network().eval(), batches(12)
    weights = list(model.parameters())
    loss = functional.cross_entropy(model(x), y)
    gradient = torch.autograd.grad(loss, weights)
    norm = torch.cat([(w * g).flatten() for w, g in zip(weights, gradient, strict=True)]).norm()
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for weight, old, g in zip(moved.parameters(), weights, gradient, strict=True):
            weight += 0.3 * old**2 * g / norm
    expected = float((functional.cross_entropy(moved(x), y) - loss).detach())
    assert adaptive_sharpness(model, [(x, y)], rho=0.3) == pytest.approx(expected, rel=1e-9)
    assert expected > 0.0
    assert mean_loss(model, [(x, y)]) == pytest.approx(float(loss.detach()), rel=1e-12)


def test_it_is_the_rise_that_matched_studies_measure() -> None:
    model, data = network().float().eval(), [(x.float(), y) for x, y in batches(12)]
    rise = adaptive_rise(model, SimpleNamespace(chunks=data))  # type: ignore[arg-type]
    assert adaptive_sharpness(model, data, rho=0.5) == pytest.approx(rise, rel=1e-4)


def test_cutting_into_batches_changes_nothing() -> None:
    model = network()
    whole = adaptive_sharpness(model, batches(12))
    assert adaptive_sharpness(model, batches(7, 4, 1)) == pytest.approx(whole, rel=1e-9)
    assert mean_loss(model, batches(7, 4, 1)) == pytest.approx(mean_loss(model, batches(12)), rel=1e-12)


def test_rescalings_that_leave_the_function_leave_the_number() -> None:
    model = network()
    before = adaptive_sharpness(model, batches(12))
    rescaled = copy.deepcopy(model)
    linear, norm, up, down = rescaled[0], rescaled[1], rescaled[3], rescaled[5]
    with torch.no_grad():
        up.weight *= 10.0
        up.bias *= 10.0
        down.weight /= 10.0
        norm.eps *= 16.0
        linear.weight *= 4.0
        linear.bias *= 4.0
        norm.running_mean *= 4.0
        norm.running_var *= 16.0
    assert adaptive_sharpness(rescaled, batches(12)) == pytest.approx(before, rel=1e-6)
    plain = [sum(float((w.detach() ** 2).sum()) for w in each.parameters()) for each in (model, rescaled)]
    assert plain[1] > 2.0 * plain[0]  # which is not scale-free


def test_the_model_is_left_as_it_was() -> None:
    model = network().train()
    kept = copy.deepcopy(model.state_dict())
    state = torch.random.get_rng_state()
    with torch.no_grad():  # as a watcher looks
        assert adaptive_sharpness(model, batches(12)) > 0.0
    assert model.training
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_frozen_weights_stay_where_they_are() -> None:
    model = network()
    whole = adaptive_sharpness(model, batches(12))
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.startswith("5"))
    assert adaptive_sharpness(model, batches(12)) < whole


def test_without_a_gradient_there_is_no_sharpness() -> None:
    model = nn.Linear(5, 3).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    assert adaptive_sharpness(model, batches(6)) == 0.0


def test_it_is_measured_at_the_first_step_below_the_loss() -> None:
    model, data = network(), batches(12)
    losses, sharpness = [], []
    watcher = SharpnessAtLoss(model, data, bound=0.9, every=2)
    for step in range(12):
        losses.append(mean_loss(model, data))
        sharpness.append(adaptive_sharpness(model, data))
        assert watcher.look(step, 0) is False
        model.train()
        weights = list(model.parameters())
        gradient = torch.autograd.grad(functional.cross_entropy(model(data[0][0]), data[0][1]), weights)
        with torch.no_grad():
            for weight, part in zip(weights, gradient, strict=True):
                weight -= part
    first = next(step for step, loss in enumerate(losses) if loss <= 0.9 and step % 2 == 0)
    assert 0 < first < 11
    assert watcher.noted() == {"step": first, "sharpness": pytest.approx(sharpness[first], rel=1e-9)}
    again = SharpnessAtLoss(model, data, bound=0.9)
    again.take_up(watcher.noted())
    again.look(13, 0)
    assert again.noted() == watcher.noted()


def test_errors_name_what_is_wrong() -> None:
    model = network()
    with pytest.raises(ValueError, match="Argument `rho`"):
        adaptive_sharpness(model, batches(3), rho=0.0)
    with pytest.raises(ValueError, match="Argument `batches`"):
        adaptive_sharpness(model, [])
    for name in ("bound", "rho", "every"):
        with pytest.raises(ValueError, match=f"Argument `{name}`"):
            SharpnessAtLoss(model, batches(3), **{"bound": 1.0, name: 0})
    with torch.no_grad():
        model[5].bias.fill_(float("inf"))
    with pytest.raises(NotFiniteError):
        adaptive_sharpness(model, batches(3))
