"""Methods by pretraining and unlearning optimizer, at several scales: what searches try and scores are of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from deepnet.data.augment import Augment
from deepnet.data.datasets import DataConfig
from deepnet.data.scores import ESTIMATED
from deepnet.data.splits import ForgetSet
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.learning.training import Training
from deepnet.networks.models import Architecture, ModelConfig
from deepnet.studies.presets import preset
from deepnet.studies.study import Evaluation, Study, Unlearner
from simulate.house import checks

__all__ = ["SCALES", "scale"]

_ENDS: tuple[Literal["high", "low"], ...] = ("high", "low")
"""The forget sets that are the most and the least memorized."""


def _tried(unlearner: Unlearner, optimizers: tuple[Sharpness, ...]) -> tuple[Sharpness, ...]:
    """The optimizers a method is tried with: all where the paper tries them, plain ones for the others."""
    if unlearner.method.name == "retain-sam":
        return optimizers[1:]
    if unlearner.method.name in ("neggrad", "sharp-minmax", "salun", "scrub", "l1-sparse", "random-label"):
        return optimizers
    return unlearner.sharpness


def _digits(images: Path | None, scores: Path | None) -> Study:
    """scikit-learn's digits, on a CPU."""
    base = preset("digits")
    optimizers = (sgd(), sam(0.1), asam(0.5))
    return replace(
        base,
        forget=tuple(ForgetSet(kind=kind, fraction=0.05, scores=ESTIMATED) for kind in _ENDS),
        pretrain_sharpness=optimizers,
        unlearners=tuple(replace(one, sharpness=_tried(one, optimizers)) for one in base.unlearners),
        evaluation=replace(base.evaluation, curvature=0, landscape=0, feature_map=0),
        seeds=tuple(range(10)),
    )


def _digits_methods(images: Path | None, scores: Path | None) -> Study:
    """Every method on scikit-learn's digits, memorized samples and a class, each with one optimizer."""
    return preset("digits-methods")


def _cifar10_small(images: Path | None, scores: Path | None) -> Study:
    """Eight hundred images of CIFAR-10 at 16x16 and a small network that can memorize them, on a CPU."""
    base = preset("digits")
    train = Training(epochs=50, batch_size=32, descent=Descent(lr=0.1, schedule="cosine"))
    data = DataConfig(
        name="folder",
        root=_needed("images", images),
        image_size=16,
        subset=800,
        test_subset=2000,
        augment=Augment(pad=0, flip=False),
    )
    optimizers = (sgd(), sam(0.1), asam(1.0))
    methods = ("finetune", "neggrad", "sharp-minmax", "retain-sam", "selection")
    chosen = [one for one in base.unlearners if one.method.name in methods]
    return replace(
        base,
        data=data,
        model=ModelConfig(architecture="convnet", width=32),
        forget=tuple(ForgetSet(kind=kind, fraction=0.05, scores=str(scores or ESTIMATED)) for kind in _ENDS),
        pretrain=train,
        pretrain_sharpness=optimizers,
        unlearners=tuple(replace(one, sharpness=_tried(one, optimizers)) for one in chosen),
        evaluation=Evaluation(shadow=1000, entangled=200, relearning=base.evaluation.relearning),
        seeds=tuple(range(5)),
    )


def _cifar10(architecture: Architecture, name: str) -> Callable[[Path | None, Path | None], Study]:
    """All of CIFAR-10 and a ResNet, on a CUDA device."""

    def make(images: Path | None, scores: Path | None) -> Study:
        base = preset(name)
        kinds = [ForgetSet(kind=kind, fraction=0.05, scores=str(scores or ESTIMATED)) for kind in _ENDS]
        return replace(
            base,
            data=replace(base.data, root=_needed("images", images)),
            model=ModelConfig(architecture=architecture, stem="cifar"),
            forget=(*kinds, ForgetSet(kind="random", fraction=0.05)),
            evaluation=replace(base.evaluation, curvature=0, landscape=0, feature_map=0),
        )

    make.__doc__ = f"CIFAR-10, 50,000 images, {architecture.replace('resnet', 'ResNet-')}."
    return make


SCALES: dict[str, Callable[[Path | None, Path | None], Study]] = {
    "digits": _digits,
    "digits-methods": _digits_methods,
    "cifar10-small": _cifar10_small,
    "cifar10-resnet18": _cifar10("resnet18", "cifar10-resnet18"),
    "cifar10-resnet50": _cifar10("resnet50", "cifar10-resnet50"),
}
"""Every scale by its name."""


def scale(name: str, images: Path | None = None, scores: Path | None = None) -> Study:
    """The grid of methods at a scale.

    Args:
        name: One of `SCALES`.
        images: Folder of its images, if it needs one.
        scores: File of memorization scores; None estimates them.

    Raises:
        ValueError: if there is none of this name, or a folder is missing.
    """
    checks.choice("preset", name, tuple(SCALES))
    return SCALES[name](images, scores)


def _needed(argument: str, folder: Path | None) -> str:
    """A folder as a configuration names it.

    Raises:
        ValueError: if it was not given.
    """
    if folder is None:
        raise ValueError(f"Argument `{argument}` must name the folder of the images, but was not given.")
    return str(folder)
