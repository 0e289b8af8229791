"""Doors that make networks and change them: splits, masks, the gradient's transform, every method."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import nn

from deepnet.data.datasets import Dataset
from deepnet.data.images import DeviceImages
from deepnet.data.splits import ForgetSet, Split, make_split
from deepnet.learning.descent import Descent
from deepnet.learning.masks import select
from deepnet.learning.sharpness import Sharpness, gradient
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.methods import METHODS, apply
from deepnet.networks.models import ModelConfig, build
from tests.fuzz.deepnet_configs import SETTINGS, parameters_of
from tests.fuzz.deepnet_values import COUNT, HUGE, Door, Draw, among, arguments, spoilt
from tests.fuzz.deepnet_worlds import N, arrays, dataset, images, labels, network, split

ROWS = among(torch.arange(5), torch.tensor([0]), torch.tensor([3, 1]), torch.tensor([-1]), torch.tensor([N]),
             torch.empty(0, dtype=torch.int64), torch.arange(3.0), torch.zeros(2, 2, dtype=torch.int64))  # fmt: skip


@st.composite
def splits(draw: Draw) -> Door:
    """Drawing a split: its parts are disjoint, and of the size that was asked for."""
    usual: list[dict[str, Any]] = [{}, {"size": 3}, {"kind": "class", "cls": 0}, {"fraction": 0.3}]
    fields = draw(among(
        *usual, *usual, *usual, {"size": N}, {"size": HUGE}, {"fraction": 0.0}, {"fraction": 1.0}, {"fraction": 0.01},
        {"kind": "class", "cls": 7}, {"kind": "high"}, {"kind": "low", "size": 4},
    ))  # fmt: skip
    truth = draw(spoilt(among(*[labels()] * 9, labels(1), labels(2), torch.zeros(N, dtype=torch.int64))))
    arguments_ = draw(arguments({
        "val_fraction": among(0.0, 0.1, 0.5), "scores": st.one_of(st.none(), arrays((N,), (N,), (3,))),
        "val_seed": among(None, 1),
    }))  # fmt: skip
    seed = draw(spoilt(among(0, 1, np.int64(2))))
    asked = draw(spoilt(st.just(ForgetSet(**fields))))

    def door() -> None:
        made = make_split(truth, asked, seed, **arguments_)
        assert asked.size is None or len(made.forget) == asked.size
        if not made.official_split:
            assert len(made.retain) + len(made.forget) + len(made.val) == len(truth)

    return door


@st.composite
def split_fields(draw: Draw) -> Door:
    """A split made by hand."""
    rows = st.one_of(ROWS, among(torch.arange(6), torch.arange(5, 8), None, [0, 1], np.arange(3)))
    fields = {"pretrain": torch.arange(6), "retain": torch.arange(4), "forget": torch.arange(4, 6),
              "val": torch.arange(6, 8), "corrected": torch.tensor([8])}  # fmt: skip
    for name in draw(st.lists(among(*fields), max_size=1)):
        fields[name] = draw(rows)
    fields |= draw(arguments({"seed": COUNT, "official_split": st.booleans()}, ("seed",)))
    return lambda: Split(**fields)


@st.composite
def networks(draw: Draw) -> Door:
    """Building a network, and running it."""
    fields = draw(arguments({
        "n_classes": among(2, 3, np.int64(3)), "channels": among(*[1] * 19, 3),
        "seed": among(*range(9), 2**62, 2**64, HUGE), "mean": among(*[(0.5,)] * 12, [0.5], (0.5,) * 3, np.array([0.5])),
        "std": among(*[(0.2,)] * 18, (0.0,), (0.2,) * 3),
    }, required=("n_classes", "channels", "seed", "mean", "std")))  # fmt: skip
    config = draw(spoilt(st.builds(ModelConfig, architecture=st.just("convnet"), width=among(1, 2))))

    def door() -> None:
        model = build(config, **fields).eval()
        made = model(torch.zeros(2, fields["channels"], 8, 8, dtype=torch.uint8))
        assert made.shape == (2, fields["n_classes"])
        assert bool(made.isfinite().all())

    return door


@st.composite
def gradients(draw: Draw) -> Door:
    """The transform of gradients on four weights: they are restored to the bit, and what is masked gets nothing."""
    fields = draw(arguments(SETTINGS[Sharpness], odd=among(0, 0.0, 1e308, 1e-300, "all", "max", True)))
    weights = {"w": torch.tensor([1.0, -2.0], requires_grad=True), "b": torch.zeros(2, requires_grad=True)}
    whole = {"w": torch.tensor([True, False]), "b": torch.tensor([True, True])}
    mask = draw(among(None, whole, whole, {"w": whole["w"]}, {**whole, "x": whole["b"]}, {"w": torch.tensor([True]),
                "b": whole["b"]}, {"w": torch.tensor([1.0, 0.0]), "b": whole["b"]}, [], 3))  # fmt: skip
    power = draw(among(1.0, 1.0, 0.0, 1e30))

    def loss() -> torch.Tensor:
        return power * ((weights["w"] - 3).square().sum() + (weights["b"] * weights["w"]).sum())

    def door() -> None:
        how = Sharpness(**fields)
        found, value = gradient(loss, weights, how, mask)
        assert torch.equal(weights["w"], torch.tensor([1.0, -2.0]))
        assert value == loss().detach()
        if mask is whole and how.mask_site == "final":
            assert found[0][1] == 0

    return door


@st.composite
def masks(draw: Draw) -> Door:
    """Selecting weights by scores, and a mask beside a model."""
    usual = (
        {"w": torch.arange(6.0)},
        {"w": torch.zeros(2, 3)},
        {"w": torch.zeros(2), "v": torch.full((3,), torch.inf)},
    )
    unusual = ({"w": torch.tensor([1.0, torch.nan])}, {}, {"w": torch.empty(0)}, {"w": [1.0, 2.0]}, None)
    scores = draw(among(*usual, *usual, *usual, *unusual))
    fraction = draw(spoilt(among(0.0, 0.3, 0.5, 1.0, np.float64(0.1))))
    order = draw(spoilt(among("largest", "smallest")))

    def door() -> None:
        made = select(scores, fraction, order)
        n = sum(score.numel() for score in scores.values())
        assert sum(int(value.sum()) for value in made.values.values()) == math.floor(fraction * n)
        assert isinstance(made.fraction, float)
        (~made | made).check(nn.Linear(1, 1) if draw_check else _OfShape(scores))

    draw_check = draw(among(*[False] * 5, True))
    return door


class _OfShape(nn.Module):
    """A model whose parameters have the shapes of given scores."""

    def __init__(self, scores: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for name, score in scores.items():
            self.register_parameter(name, nn.Parameter(score.clone()))


@st.composite
def device_images(draw: Draw) -> Door:
    """Images by row: batches of the rows that are asked for."""
    pixels = draw(among(*[images().pixels] * 9, images().pixels.float(), images().pixels[0], None, [[1]]))
    truth = draw(among(*[labels()] * 9, labels(3), labels().float(), labels().tolist(), None))
    rows = draw(st.one_of(among(torch.arange(5)), among(torch.arange(5)), spoilt(ROWS)))
    draws = draw(among(None, None, None, torch.full((5, 4), 0.3), torch.zeros(2, 4), torch.zeros(5), "x"))

    def door() -> None:
        made = DeviceImages(pixels, truth)
        (batch,) = made.batches([(rows, draws)])
        assert batch.shape == (len(rows), *made.shape)

    return door


@st.composite
def applications(draw: Draw) -> Door:
    """Every method on a tiny network, one epoch: finite weights, or an error that says what to change."""
    name = draw(among(*METHODS))
    method_fields = draw(arguments(parameters_of(METHODS[name]), odd=among(0, 0.0, 1, 1.0, 1e-300, 1e308)))
    training: dict[str, Any] = draw(arguments(
        {"epochs": among(0, 1), "batch_size": among(2, 8, 64, HUGE), "precision": among("float32", "bfloat16")},
        required=("epochs",), odd=among(2, 3, 1),
    ))  # fmt: skip
    descent = draw(arguments(SETTINGS[Descent], odd=among(1e308, 1e-300, 0.0, 1e10)))
    how = draw(arguments(SETTINGS[Sharpness], odd=among(0.0, 1e308, 1e10)))
    forget = draw(among(*[{"size": 6}] * 5, {"size": 1}, {"size": 24}, {"kind": "class", "cls": 0}))
    seed = draw(spoilt(among((0,), (0, 1)), odd=among(0, 1, (-1,), (), "a", None, (0.5,))))

    def door() -> None:
        settings = Training(descent=Descent(**descent), **training)
        task = Task(network(), dataset(), make_split(labels(), ForgetSet(**forget), 0), settings, seed,
                    Sharpness(**how))  # fmt: skip
        history = apply(METHODS[name](**method_fields), task)
        assert len(history.epochs) == settings.epochs
        assert all(bool(weight.isfinite().all()) for weight in task.parameters.values())

    return door


@st.composite
def tasks(draw: Draw) -> Door:
    """A method applied to a task with a part that does not fit the others."""
    model = draw(spoilt(st.builds(network)))
    pictures = draw(spoilt(among(dataset(), Dataset("few", images(3), images(3), ("a", "b", "c"), (0.5,), (0.25,)),
                                 Dataset("two", images(), images(), ("a", "b"), (0.5,), (0.25,)))))  # fmt: skip
    fields = (model, pictures, draw(spoilt(st.builds(split))), draw(spoilt(st.just(Training(epochs=1, batch_size=8)))))
    method = draw(spoilt(among(*[METHODS[name]() for name in ("finetune", "neggrad", "random-label")])))
    sharpness = draw(spoilt(st.just(Sharpness(rho=0.1))))
    return lambda: apply(method, Task(*fields, (0,), sharpness))
