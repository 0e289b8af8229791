"""What is frozen stays frozen, whatever the method; models that are not this package's work, or are refused by name."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

from deepnet.learning.masks import Mask, saliency
from deepnet.learning.sharpness import Sharpness, asam, sgd
from deepnet.learning.task import Task
from deepnet.methods import (
    METHODS,
    CurvatureSelection,
    Pretrain,
    SalUn,
    SharpMinMax,
)
from deepnet.methods import apply as apply_method
from deepnet.metrics.curvature import curvature, hessian_diagonal
from deepnet.networks.frozen import to_training
from deepnet.networks.models import Network
from tests.deepnet.model_states import differing, state_of
from tests.deepnet.oracles import batch_of, small_network, small_task, weights_of, with_torch_layers
from tests.deepnet.quick_methods import QUICK

EVERY = {name: QUICK.get(name) or cls() for name, cls in METHODS.items()} | {"pretrain": Pretrain()}


def with_frozen_body(sharpness: Sharpness | None = None, *, torchs: bool = False) -> Task:
    model = small_network(dtype=torch.float32)
    if torchs:
        model = with_torch_layers(model)
    model.body.requires_grad_(False)
    return small_task(model=model, sharpness=sharpness)


@pytest.mark.parametrize("sharpness", [sgd(), asam(0.5)], ids=lambda s: s.label)
@pytest.mark.parametrize("name", sorted(EVERY))
def test_heads_alone_can_be_unlearned(name: str, sharpness: Sharpness) -> None:
    """The head moves; the body stays to the bit, running statistics and all."""
    task = with_frozen_body(sharpness, torchs=name == "sharp-minmax")
    before = state_of(task)
    apply_method(EVERY[name], task)
    assert differing(state_of(task), before)
    assert {changed.partition(".")[0] for changed in differing(state_of(task), before)} == {"head"}


def test_a_frozen_layer_among_others_stays() -> None:
    task = small_task(model=small_network(dtype=torch.float32), sharpness=asam(0.5))
    task.model.body[3].requires_grad_(False)
    before = state_of(task)
    apply_method(SharpMinMax(alpha=0.7), task)
    changed = differing(state_of(task), before)
    assert not any(name.startswith("body.3.") for name in changed)
    assert {"body.0.weight", "body.1.running_mean", "body.6.weight", "head.bias"} <= set(changed)


def test_a_frozen_normalisation_gives_what_it_gives_in_testing() -> None:
    model = small_network()
    model.body[1].requires_grad_(False)
    to_training(model)
    assert [layer.training for layer in (model, model.body[0], model.body[1], model.body[4])] == [
        True,
        True,
        False,
        True,
    ]
    model.requires_grad_(True)
    to_training(model)
    assert all(layer.training for layer in model.modules())


def test_masks_share_out_what_is_not_frozen() -> None:
    task = with_frozen_body()
    assert set(saliency(task.model, [batch_of(task, "forget")])) == {"head.weight", "head.bias"}
    for method in (SalUn(fraction=0.5), SharpMinMax(fraction=0.5), CurvatureSelection(fraction=0.5, probes=2)):
        mask = method.plan(task)[0][0].updates[-1].mask
        assert mask is not None
        assert set(mask.values) == {"head.weight", "head.bias"}
        assert mask.fraction == pytest.approx(0.5, abs=0.05)


def test_masks_of_the_whole_model_still_belong_to_it() -> None:
    task = with_frozen_body()
    whole = Mask({name: torch.ones_like(value, dtype=torch.bool) for name, value in weights_of(task.model).items()})
    whole.check(task.model)
    wrong = replace(whole, values=dict(whole.values) | {"body.0.weight": torch.ones(1, dtype=torch.bool)})
    with pytest.raises(ValueError, match=r"`mask` must belong to this model, but at body\.0\.weight"):
        wrong.check(task.model)


def test_curvature_is_that_of_the_weights_that_are_trained() -> None:
    """Of the bias of a head alone the Hessian is the mean of diag(p) - p pᵀ."""
    model = small_network(dtype=torch.float32).eval().requires_grad_(False)
    model.head.bias.requires_grad_(True)
    images = small_task().dataset.train
    batches = [(images.pixels[:30], images.labels[:30])]
    p = torch.softmax(model(images.pixels[:30]), 1).detach().double()
    hessian = (torch.diag_embed(p) - p[:, :, None] * p[:, None, :]).mean(0)
    found = curvature(model, batches, seed=0, probes=2)
    assert found.top == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-3)
    assert set(hessian_diagonal(model, batches, probes=2, seed=0)) == {"head.bias"}


def test_a_model_all_frozen_is_named() -> None:
    model = small_network()
    with pytest.raises(ValueError, match=r"`model` must have a parameter that can be trained"):
        small_task(model=model.requires_grad_(False))


# --- models that are not this package's ----------------------------------------------------------------


class Plain(nn.Module):
    """What somebody else might bring: no `features`, no `head`, no `mean`."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, outputs))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images / 255)


class Keyed(Plain):
    """Looks for something that is not there."""

    def forward(self, images: Tensor) -> Tensor:
        return {"logits": super().forward(images)}["answers"]


@pytest.mark.parametrize("name", sorted(EVERY))
def test_every_method_takes_a_plain_module(name: str) -> None:
    task = small_task(model=Plain(), sharpness=asam(0.5))
    assert task.device == torch.device("cpu")
    before = state_of(task)
    apply_method(EVERY[name], task)
    assert "layers.4.weight" in differing(state_of(task), before)


def test_lazy_layers_are_built_before_they_are_trained() -> None:
    body = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    task = small_task(model=Network(body, nn.Linear(4, 3), (0.35,), (0.2,)))
    assert int(task.model.body[1].num_batches_tracked) == 0
    apply_method(SharpMinMax(), task)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten()), r"raises RuntimeError: .*; `deepnet\.Network` is a wrapper"),
        (nn.Sequential(nn.Flatten(), nn.Linear(36, 3)), r"raises RuntimeError: .*; `deepnet\.Network` is a wrapper"),
        (nn.Module(), "raises NotImplementedError"),
        (Keyed(), "raises KeyError: 'answers'"),
        (Plain(outputs=4), r"gives \(1, 4\)"),
        (nn.Identity(), r"gives \(1, 1, 6, 6\)"),
    ],
)
def test_models_that_cannot_work_are_refused_by_name(model: nn.Module, reason: str) -> None:
    need = r"Argument `model` must turn images of uint8, \(1, 1, 6, 6\), into logits, \(1, 3\), but "
    with pytest.raises(ValueError, match=need + reason):
        small_task(model=model)
