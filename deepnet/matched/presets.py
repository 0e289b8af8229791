"""Matched studies that come with the project, one for each scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from deepnet.data.datasets import DataConfig
from deepnet.data.splits import ForgetSet
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.learning.training import Training
from deepnet.matched.study import Arm, MatchedStudy, Watching
from deepnet.methods import Method, NegGrad, Scrub, SharpMinMax
from deepnet.networks.models import Architecture, ModelConfig
from deepnet.studies.study import ESTIMATED
from simulate.house import checks

__all__ = ["ALPHAS", "PRESETS", "RATES_OF", "matched_preset"]

ALPHAS = (0.99, 0.95, 0.9, 0.8, 0.5)
"""Weights α of the retain set that NegGrad is tried with."""
_ALPHA = 0.95
"""That of all other arms."""


def _arm(name: str, method: Method, unlearning: Sharpness, pretraining: Sharpness) -> Arm:
    """An arm whose name says with which optimizers."""
    words = [(how.label.partition("-")[0]) for how in (unlearning, pretraining)]
    return Arm(
        name=f"{name}-{words[0]}-after-{words[1]}", method=method, unlearning=unlearning, pretraining=pretraining
    )


def _core(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """The arms of claims 1 to 4: the optimizer of NegGrad, Sharp MinMax, its "max" term, and pretraining."""
    neggrad, minmax = NegGrad(alpha=_ALPHA), SharpMinMax(alpha=_ALPHA)
    flat = replace(minmax, forget_goal="none")
    return [
        *(_arm("neggrad", neggrad, how, before) for before in (plain, aware) for how in (plain, aware)),
        *(_arm("minmax", minmax, how, before) for before in (plain, aware) for how in (plain, aware)),
        *(_arm("minmax-no-max", flat, aware, before) for before in (plain, aware)),
    ]


def _others(plain: Sharpness, aware: Sharpness, other: Sharpness) -> list[Arm]:
    """The other arms, and the controls: the same arm with other batches, and with a tenth more of its rate."""
    neggrad = _arm("neggrad", NegGrad(alpha=_ALPHA), plain, plain)
    reversed_mask = SharpMinMax(alpha=_ALPHA, order="smallest")
    return [
        _arm("neggrad", NegGrad(alpha=_ALPHA), other, plain),
        *(_arm("scrub", Scrub(), plain, before) for before in (plain, aware)),
        _arm("minmax-reversed", reversed_mask, aware, plain),
        replace(neggrad, name="neggrad-random-sgd-after-sgd", forget="random"),
        replace(neggrad, name="control-other-batches", batches=1, tuned=neggrad.name),
        replace(neggrad, name="control-rate-1.1", tuned=neggrad.name, factor=1.1),
    ]


def _by_alpha(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """NegGrad over α."""
    return [
        _arm(f"neggrad-alpha-{alpha:g}", NegGrad(alpha=alpha), how, plain)
        for alpha in ALPHAS
        for how in (plain, aware)
        if alpha != _ALPHA
    ]


def _digits(images: Path | None, scores: Path | None) -> MatchedStudy:
    """scikit-learn's digits, on a CPU."""
    plain, other, aware = sgd(), sam(0.1), asam(0.5)
    train = Training(epochs=12, batch_size=64, descent=Descent(lr=0.1, schedule="cosine"))
    gentle = replace(train, epochs=20, descent=Descent(lr=0.01))
    return MatchedStudy(
        name="digits",
        about="digits 8x8, convnet of 6,000 weights, CPU",
        data=DataConfig(name="digits"),
        model=ModelConfig(architecture="convnet", width=8),
        forget=(
            ForgetSet(kind="high", fraction=0.05, scores=str(scores or ESTIMATED)),
            ForgetSet(kind="random", fraction=0.05),
        ),
        pretrain=train,
        unlearn=gentle,
        arms=(*_core(plain, aware), *_others(plain, aware, other), *_by_alpha(plain, aware)),
        replicates=tuple(range(30)),
        watching=Watching(epochs=(5, 10), relearning=replace(gentle, epochs=5, descent=Descent(lr=0.02))),
    )


def _photographs(
    architecture: Architecture, replicates: int, arms: Callable[[Sharpness, Sharpness], Sequence[Arm]]
) -> Callable[[Path | None, Path | None], MatchedStudy]:
    """5,000 photographs of CIFAR-10 a replicate, on a CPU."""

    def make(images: Path | None, scores: Path | None) -> MatchedStudy:
        plain, aware = sgd(), asam(1.0)
        train = Training(epochs=40, batch_size=128, descent=Descent(lr=0.1, schedule="cosine"))
        gentle = replace(train, epochs=10, descent=Descent(lr=0.01))
        return MatchedStudy(
            name=f"photographs-{architecture}",
            about=f"CIFAR-10, 5,000 images a replicate, {architecture} with ImageNet's stem, CPU",
            data=DataConfig(name="folder", root=_needed("images", images), test_subset=5000),
            images=5000,
            model=ModelConfig(architecture=architecture, stem="imagenet"),
            forget=(
                ForgetSet(kind="high", fraction=0.05, scores=_needed("scores", scores)),
                ForgetSet(kind="random", fraction=0.05),
            ),
            pretrain=train,
            unlearn=gentle,
            arms=tuple(arms(plain, aware)),
            replicates=tuple(range(replicates)),
            watching=Watching(
                probe=500, every=5, epochs=(5,), relearning=replace(gentle, epochs=2, descent=Descent(lr=0.01))
            ),
        )

    make.__doc__ = f"CIFAR-10 as a folder of photographs, {architecture}, on a CPU."
    return make


def _every_but_alpha(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    return [*_core(plain, aware), *_others(plain, aware, sam(0.1))]


def _fewest(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """What claims 1 to 4 compare, and no more."""
    spared = ("minmax-sgd-after-asam", "minmax-no-max-asam-after-asam")
    return [arm for arm in _core(plain, aware) if arm.name not in spared]


PRESETS: dict[str, Callable[[Path | None, Path | None], MatchedStudy]] = {
    "digits": _digits,
    "photographs-resnet18": _photographs("resnet18", 6, _every_but_alpha),
    "photographs-resnet50": _photographs("resnet50", 3, _fewest),
}
"""Every preset by its name."""
RATES_OF = {"photographs-resnet50": "photographs-resnet18"}
"""Presets whose learning rates are those of another: a search of their own would take longer than the study."""


def matched_preset(name: str, images: Path | None = None, scores: Path | None = None) -> MatchedStudy:
    """The matched study of a name; its arms have no learning rates of their own yet (`deepnet.matched.tuning.rates`).

    Args:
        name: One of `PRESETS`.
        images: Folder of its images, if it needs one.
        scores: File of memorization or consistency scores; None estimates them where that is affordable.

    Raises:
        ValueError: if there is none of this name, or a file or folder is missing.
    """
    checks.choice("preset", name, tuple(PRESETS))
    return PRESETS[name](images, scores)


def _needed(argument: str, place: Path | None) -> str:
    if place is None:
        raise ValueError(f"Argument `{argument}` must name where the {argument} of this preset are, but was not given.")
    return str(place)
