"""Tiny things that doors are tried on: thirty images of eight by eight pixels, networks of a few weights, outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from deepnet.data.augment import NO_AUGMENTATION, Augment
from deepnet.data.datasets import Dataset
from deepnet.data.images import DeviceImages
from deepnet.data.splits import ForgetSet, Split, make_split
from deepnet.metrics import Outputs
from deepnet.networks.models import ModelConfig, Network, build
from tests.fuzz.deepnet_values import Draw, among

N, N_CLASSES, SIDE = 30, 3, 8
torch.set_num_threads(1)


def labels(n: int = N) -> Tensor:
    """Classes of some images, in turn."""
    return torch.arange(n) % N_CLASSES


def images(n: int = N, augment: Augment = NO_AUGMENTATION) -> DeviceImages:
    """Noise around one grey value a class, which a network can learn."""
    rng = np.random.default_rng(n)
    pixels = rng.integers(0, 60, size=(n, 1, SIDE, SIDE)) + 90 * labels(n).numpy()[:, None, None, None]
    return DeviceImages(torch.from_numpy(pixels.astype(np.uint8)), labels(n), augment)


def dataset() -> Dataset:
    """Thirty images to train on and twelve to test on."""
    return Dataset("tiny", images(), images(12), ("a", "b", "c"), (0.5,), (0.25,))


def split(seed: int = 0) -> Split:
    """Six images to forget, three for validation."""
    return make_split(labels(), ForgetSet(size=6), seed)


def network(seed: int = 0) -> Network:
    """A convnet of a few hundred weights."""
    return build(ModelConfig(architecture="convnet", width=1), n_classes=3, channels=1, mean=(0.5,), std=(0.25,),
                 seed=seed)  # fmt: skip


@st.composite
def arrays(draw: Draw, *shapes: tuple[int, ...]) -> Any:
    """Arrays of a shape: mostly finite numbers, else something that no metric can be made of."""
    shape = draw(among(*shapes))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    unusual = ("huge", "zero", "nan", "inf", "int", "bool", "text", "object", "complex", "flat", "list", "empty",
               "none", "number", "ragged")  # fmt: skip
    kind = draw(among(*["normal"] * 60, *unusual))
    values = rng.normal(size=shape)
    first = (slice(0, 1),) * len(shape)
    match kind:
        case "huge" | "nan" | "inf":
            values[first] = {"huge": 1e308, "nan": np.nan, "inf": np.inf}[kind]
        case "zero":
            values[:] = 0.0
        case "flat":
            values = values.ravel()
        case "empty":
            values = values[:0]
    other = {
        "int": lambda: rng.integers(0, 3, size=shape), "bool": lambda: values > 0, "text": lambda: values.astype(str),
        "object": lambda: values.astype(object), "complex": lambda: values * 1j, "list": values.tolist,
        "none": lambda: None, "number": lambda: 3, "ragged": lambda: [[1.0, 2.0], [3.0]],
    }  # fmt: skip
    return other[kind]() if kind in other else values


@st.composite
def outputs(draw: Draw, n: int = 24, k: int = N_CLASSES, p: int = 4) -> Outputs:
    """What a model may say: well-behaved, constant, saturated, of one class alone, of few samples or other widths."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    n, k, p = draw(among(*[n] * 9, 1, 2, 9)), draw(among(*[k] * 9, 2)), draw(among(*[p] * 9, 1))
    scale = draw(among(1.0, 1.0, 0.0, 1e3, 1e30, 1e-30))
    truth = rng.integers(0, k, size=n) if draw(among(True, True, False)) else np.full(n, draw(st.integers(0, k - 1)))
    features = rng.normal(size=(n, p)) * draw(among(1.0, 1.0, 0.0, 1e30, 1e-30))
    return Outputs((rng.normal(size=(n, k)) * scale).astype(np.float32), truth, features.astype(np.float32))
