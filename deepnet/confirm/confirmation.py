"""The confirmation study: the grids that the deep ledger's claims are judged on.

A confirmation is several studies of one base (images, network, trainings, seeds) that share their models. They are in
the order in which they are run, the most telling first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from deepnet.data.augment import Augment
from deepnet.data.datasets import DataConfig
from deepnet.data.splits import ForgetSet
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.learning.training import Training
from deepnet.methods import CurvatureSelection, Method, NegGrad, SharpMinMax
from deepnet.networks.models import Architecture, ModelConfig
from deepnet.networks.precision import Precision
from deepnet.studies.compat import QUIRKS, with_quirks
from deepnet.studies.planning.precision import in_precision, relearned
from deepnet.studies.presets import preset
from deepnet.studies.study import ESTIMATED, Evaluation, Study, Unlearner
from simulate.house import checks

__all__ = ["CONFIRMATIONS", "Confirmation", "confirmation", "confirmed_in"]

_ENDS: tuple[Literal["high", "low"], ...] = ("high", "low")
"""The forget sets that are the most and the least memorized."""
_ACCURACIES = Evaluation(shadow=0, entangled=0, relearning=None)
"""Nothing but accuracies, losses and what follows from them."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What a confirmation consists of."""

    base: Study
    """The main grid: methods by pretraining and unlearning optimizer."""
    scale: str
    """The scale in words, for every row of the ledger."""
    alphas: tuple[float, ...]
    """Weights α of the retain set that NegGrad is tried with, from large to small."""
    curvature: Evaluation
    """What is measured in the study of curvature, which is long, so only NegGrad's models are looked at."""
    gallery: Evaluation
    """What is drawn of a few models of the first seed: loss surfaces and maps of features."""
    fractions: tuple[float, ...] = (0.1, 0.3, 0.5)
    """Sizes of Sharp MinMax's forget part."""
    quirks: tuple[str, ...] = tuple(QUIRKS)
    """Quirks of the released code that can be tried at this scale."""

    @property
    def optimizers(self) -> tuple[Sharpness, ...]:
        """Plain, SAM and ASAM, as the models are pretrained."""
        return self.base.pretrain_sharpness

    def studies(self) -> dict[str, Study]:
        """The studies by name, in the order in which they are run."""
        study = self.base
        first = replace(study, forget=study.forget[:1], pretrain_sharpness=self.optimizers[:1])
        neggrad = replace(first, pretrain_sharpness=self.optimizers, unlearners=(self._like("neggrad"),))
        found = {
            "main": study,
            "curvature": replace(neggrad, evaluation=self.curvature),
            "alpha": replace(first, unlearners=tuple(self._neggrad(alpha) for alpha in self.alphas)),
            "mask": replace(first, unlearners=self._masks()),
            "selection": replace(first, unlearners=self._selections()),
        }
        narrow = replace(
            first, unlearners=tuple(self._like(name, ends_only=True) for name in ("neggrad", "sharp-minmax"))
        )
        found["gallery"] = replace(
            narrow,
            pretrain_sharpness=(self.optimizers[0], self.optimizers[-1]),
            seeds=study.seeds[:1],
            evaluation=self.gallery,
        )
        for quirk in self.quirks:
            # Signed ToW is a column of every row; its fixed references belong to the paper's data sets alone.
            if quirk == "signed_tow":
                continue
            tried = narrow if quirk != "scrub_epoch" else self._of_scrub(narrow)
            found[f"quirk-{quirk}"] = with_quirks(tried, [quirk])
        return {name: replace(one, name=name) for name, one in found.items()}

    def _like(
        self, name: str, method: Method | None = None, variant: str = "", *, ends_only: bool = False
    ) -> Unlearner:
        """The base's use of a method, with other hyper-parameters; with plain SGD and ASAM only, if that is enough."""
        found = next(one for one in self.base.unlearners if one.method.name == name and not one.variant)
        how = (self.optimizers[0], self.optimizers[-1]) if ends_only else self.optimizers
        return replace(found, method=method or found.method, variant=variant, sharpness=how)

    def _of_scrub(self, study: Study) -> Study:
        return replace(study, unlearners=(self._like("scrub", ends_only=True),))

    def _neggrad(self, alpha: float) -> Unlearner:
        return self._like("neggrad", NegGrad(alpha=alpha), f"alpha={alpha:g}")

    def _masks(self) -> tuple[Unlearner, ...]:
        method = self._like("sharp-minmax").method
        if not isinstance(method, SharpMinMax):
            raise TypeError(f"The method named sharp-minmax is {method}.")
        sizes = [(replace(method, fraction=size), f"fraction={size:g}") for size in self.fractions]
        polarity = (replace(method, fraction=0.3, order="smallest"), "smallest")
        nothing = (replace(method, fraction=0.0), "fraction=0")
        return tuple(
            self._like("sharp-minmax", one, variant, ends_only=True) for one, variant in (*sizes, polarity, nothing)
        )

    def _selections(self) -> tuple[Unlearner, ...]:
        method = self._like("selection").method
        if not isinstance(method, CurvatureSelection):
            raise TypeError(f"The method named selection is {method}.")
        return tuple(
            replace(
                self._like("selection", replace(method, fraction=size, order=order), f"{order} {size:g}"),
                sharpness=self.optimizers[:1],
            )
            for size in (0.05, 0.2)
            for order in ("largest", "smallest")
        )


def _digits(images: Path | None, scores: Path | None) -> Confirmation:
    """scikit-learn's digits, on a CPU: about half an hour of two free cores."""
    base = preset("digits")
    optimizers = (sgd(), sam(0.1), asam(0.5))
    return Confirmation(
        base=replace(
            base,
            forget=tuple(ForgetSet(kind=kind, fraction=0.05, scores=ESTIMATED) for kind in _ENDS),
            pretrain_sharpness=optimizers,
            unlearners=tuple(replace(one, sharpness=_tried(one, optimizers)) for one in base.unlearners),
            evaluation=replace(base.evaluation, curvature=0, landscape=0, feature_map=0),
            seeds=tuple(range(10)),
        ),
        curvature=replace(_ACCURACIES, curvature=256, geometry_seeds=10),
        gallery=replace(_ACCURACIES, landscape=256, landscape_points=21, feature_map=80),
        scale="digits 8x8, convnet of 6,000 weights, CPU",
        alphas=(0.98, 0.95, 0.9, 0.8),
        quirks=tuple(quirk for quirk in QUIRKS if quirk != "randaugment"),
    )


def _tried(unlearner: Unlearner, optimizers: tuple[Sharpness, ...]) -> tuple[Sharpness, ...]:
    """The optimizers a method is tried with: all where the paper tries them, plain ones for the others."""
    if unlearner.method.name == "retain-sam":
        return optimizers[1:]
    if unlearner.method.name in ("neggrad", "sharp-minmax", "salun", "scrub", "l1-sparse", "random-label"):
        return optimizers
    return unlearner.sharpness


def _cifar10_small(images: Path | None, scores: Path | None) -> Confirmation:
    """Eight hundred images of CIFAR-10 at 16x16 and a small network that can memorize them, on a CPU: some hours.

    Its methods are those whose curves the paper discusses; quirks that need other pretrained models are left to the
    other scales.
    """
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
    return Confirmation(
        base=replace(
            base,
            data=data,
            model=ModelConfig(architecture="convnet", width=32),
            forget=tuple(ForgetSet(kind=kind, fraction=0.05, scores=str(scores or ESTIMATED)) for kind in _ENDS),
            pretrain=train,
            pretrain_sharpness=optimizers,
            unlearners=tuple(replace(one, sharpness=_tried(one, optimizers)) for one in chosen),
            evaluation=Evaluation(shadow=1000, entangled=200, relearning=base.evaluation.relearning),
            seeds=tuple(range(5)),
        ),
        scale="CIFAR-10, 800 images at 16x16, convnet of 94,000 weights, CPU",
        quirks=("mask_polarity", "max_leak", "m_entropy", "decay_through_masks"),
        curvature=replace(_ACCURACIES, curvature=256, geometry_seeds=5),
        gallery=replace(_ACCURACIES, landscape=256, landscape_points=21, feature_map=40),
        alphas=(0.98, 0.95, 0.9, 0.8),
    )


def _cifar10(architecture: Architecture, scale: str, name: str) -> Callable[[Path | None, Path | None], Confirmation]:
    """All of CIFAR-10 and a ResNet, on a CUDA device."""

    def make(images: Path | None, scores: Path | None) -> Confirmation:
        base = preset(name)
        kinds = [ForgetSet(kind=kind, fraction=0.05, scores=str(scores or ESTIMATED)) for kind in _ENDS]
        return Confirmation(
            base=replace(
                base,
                data=replace(base.data, root=_needed("images", images)),
                model=ModelConfig(architecture=architecture, stem="cifar"),
                forget=(*kinds, ForgetSet(kind="random", fraction=0.05)),
                evaluation=replace(base.evaluation, curvature=0, landscape=0, feature_map=0),
            ),
            scale=scale,
            curvature=replace(_ACCURACIES, curvature=base.evaluation.curvature, geometry_seeds=3),
            gallery=replace(_ACCURACIES, landscape=base.evaluation.landscape, feature_map=base.evaluation.feature_map),
            alphas=(0.99, 0.95, 0.9, 0.8),
        )

    make.__doc__ = f"{scale}."
    return make


CONFIRMATIONS: dict[str, Callable[[Path | None, Path | None], Confirmation]] = {
    "digits": _digits,
    "cifar10-small": _cifar10_small,
    "cifar10-resnet18": _cifar10("resnet18", "CIFAR-10, 50,000 images, ResNet-18", "cifar10-resnet18"),
    "cifar10-resnet50": _cifar10("resnet50", "CIFAR-10, 50,000 images, ResNet-50", "cifar10-resnet50"),
}
"""Every confirmation by its name."""


def confirmation(name: str, images: Path | None = None, scores: Path | None = None) -> Confirmation:
    """The confirmation of a name.

    Args:
        name: One of `CONFIRMATIONS`.
        images: Folder of its images, if it needs one.
        scores: File of memorization scores; None estimates them.

    Raises:
        ValueError: if there is none of this name, or a folder is missing.
    """
    checks.choice("preset", name, tuple(CONFIRMATIONS))
    return CONFIRMATIONS[name](images, scores)


def confirmed_in(confirmation: Confirmation, precision: Precision) -> Confirmation:
    """A confirmation whose trainings are all in one precision.

    Raises:
        ValueError: if there is none of this name.
    """

    def relearned_in(evaluation: Evaluation) -> Evaluation:
        return relearned(evaluation, lambda training: replace(training, precision=precision))

    return replace(
        confirmation,
        base=in_precision(confirmation.base, precision),
        curvature=relearned_in(confirmation.curvature),
        gallery=relearned_in(confirmation.gallery),
    )


def _needed(argument: str, folder: Path | None) -> str:
    """A folder as a configuration names it.

    Raises:
        ValueError: if it was not given.
    """
    if folder is None:
        raise ValueError(f"Argument `{argument}` must name the folder of the images, but was not given.")
    return str(folder)
