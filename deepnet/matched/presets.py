"""Matched studies that come with the project, one for each scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from deepnet.data.datasets import DataConfig
from deepnet.data.noise import Noise
from deepnet.data.requests import Request
from deepnet.data.scores import ESTIMATED
from deepnet.data.splits import ForgetSet
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.learning.training import Training
from deepnet.matched.arms import (
    by_alpha,
    by_fraction,
    by_rate,
    controls,
    core,
    fewest,
    neggrad,
    others,
    quirky,
    selecting,
    twins,
    with_sam,
)
from deepnet.matched.study import Arm, Flatness, MatchedStudy, Watching
from deepnet.methods import SharpMinMax
from deepnet.networks.models import Architecture, ModelConfig
from deepnet.studies.presets import preset
from deepnet.studies.study import Study
from simulate.house import checks

__all__ = ["PRESETS", "matched_preset"]

Made = Callable[[Path | None, Path | None], MatchedStudy]
"""Makes a study, of the folder of its images and the file of its scores."""


# --- digits, on a CPU ----------------------------------------------------------------------------------


def _digits(images: Path | None, scores: Path | None) -> MatchedStudy:
    """scikit-learn's digits and a small network, on a CPU: every arm."""
    plain, aware = sgd(), asam(0.5)
    train = Training(epochs=12, batch_size=64, descent=Descent(lr=0.1, schedule="cosine"))
    gentle = replace(train, epochs=20, descent=Descent(lr=0.01))
    return MatchedStudy(
        name="digits",
        about="digits 8x8, convnet of 6,000 weights, CPU",
        data=DataConfig(name="digits"),
        model=ModelConfig(architecture="convnet", width=8),
        forget=_high_and_random(scores),
        pretrain=train,
        unlearn=gentle,
        arms=(
            *core(plain, aware),
            with_sam(plain, sam(0.1)),
            *others(plain, aware),
            *by_alpha(plain, aware),
            *twins(plain, aware),
            *quirky(plain, aware),
            *selecting(plain),
            *by_fraction(plain, aware),
            *by_rate(plain, aware),
        ),
        replicates=tuple(range(30)),
        flatness=Flatness(loss=0.05),
        watching=Watching(epochs=(5, 10), relearning=replace(gentle, epochs=5, descent=Descent(lr=0.02))),
    )


def _high_and_random(scores: Path | None) -> tuple[ForgetSet, ...]:
    return (
        ForgetSet(kind="high", fraction=0.05, scores=str(scores or ESTIMATED)),
        ForgetSet(kind="random", fraction=0.05),
    )


def _other_digits(name: str, words: str, change: Callable[[MatchedStudy], MatchedStudy]) -> Made:
    """The digits with one thing changed, and no more arms than tell what that does."""

    def make(images: Path | None, scores: Path | None) -> MatchedStudy:
        digits, plain = _digits(None, scores), sgd()
        few = replace(digits, arms=(*core(plain, asam(0.5)), *controls(plain)), flatness=None)
        return replace(change(few), name=name, about=f"{digits.about}; {words}")

    make.__doc__ = f"The same digits, {words}."
    return make


def _reverting(request: Request) -> Callable[[MatchedStudy], MatchedStudy]:
    """A random twentieth was learned with something that shall be reverted: which weights that takes."""

    def change(study: MatchedStudy) -> MatchedStudy:
        arms = (neggrad(sgd(), "random"), *controls(sgd(), "random"), *selecting(sgd(), "random"))
        return replace(study, request=request, forget=study.forget[1:], arms=arms)

    return change


def _noisy(study: MatchedStudy) -> MatchedStudy:
    return replace(study, data=replace(study.data, noise=Noise(kind="gauss")))


def _with_adamw(study: MatchedStudy) -> MatchedStudy:
    return replace(study, unlearn=replace(study.unlearn, descent=replace(study.unlearn.descent, rule="adamw")))


def _of_a_transformer(study: MatchedStudy) -> MatchedStudy:
    """More epochs, which it needs to learn, fewer replicates and seldom looks: it takes long."""
    plain, aware = sgd(), asam(0.5)
    return replace(
        study,
        model=ModelConfig(architecture="vit_mini"),
        pretrain=replace(study.pretrain, epochs=40),
        arms=(*fewest(plain, aware)[:2], *fewest(plain, aware)[4:6], *controls(plain)),
        replicates=tuple(range(6)),
        watching=replace(study.watching, every=10),
    )


# --- photographs, on a CPU -----------------------------------------------------------------------------


_WHOLE = 10_000
"""More points than a trajectory has, for rows that hold all of it."""
_BY_SGD = Descent(lr=0.1, schedule="cosine")
_BY_ADAMW = Descent(rule="adamw", lr=1e-3, weight_decay=0.05, schedule="cosine")
"""Of all trainings that a pilot tried the one by which ResNet-50 learns most; see docs/equal_forgetting.md."""


def _photographs(
    architecture: Architecture,
    replicates: int,
    arms: Callable[[Sharpness, Sharpness], Sequence[Arm]],
    descent: Descent,
    flatness: Flatness,
    points: int = Watching.points,
) -> Made:
    """5,000 photographs of CIFAR-10 a replicate, on a CPU; networks are trained by `descent`, and unlearn by SGD."""

    def make(images: Path | None, scores: Path | None) -> MatchedStudy:
        train = Training(epochs=40, batch_size=128, descent=descent)
        gentle = replace(train, epochs=6, descent=Descent(lr=0.01))
        steps = ", trained by AdamW's steps" if descent.rule == "adamw" else ""
        return MatchedStudy(
            name=f"photographs-{architecture}",
            about=f"CIFAR-10, 5,000 images a replicate, {architecture} with ImageNet's stem{steps}, CPU",
            data=DataConfig(name="folder", root=_needed("images", images), test_subset=5000),
            images=5000,
            model=ModelConfig(architecture=architecture, stem="imagenet"),
            forget=_high_and_random(Path(_needed("scores", scores))),
            pretrain=train,
            unlearn=gentle,
            flatness=flatness,
            arms=tuple(arms(sgd(), asam(1.0))),
            replicates=tuple(range(replicates)),
            watching=Watching(
                probe=500,
                every=5,
                epochs=(5,),
                points=points,
                relearning=replace(gentle, epochs=2, descent=Descent(lr=0.01)),
            ),
        )

    make.__doc__ = f"CIFAR-10 as a folder of photographs, {architecture}, on a CPU."
    return make


def _of_most_claims(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """All but the claim on the range of α, which takes eight more arms."""
    return [*fewest(plain, aware), *others(plain, aware)]


def _of_the_first_claims(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """What claims 1 to 4 compare, and the controls, without which no number says what chance does."""
    return [*fewest(plain, aware), *controls(plain)]


# --- the paper's networks, on a GPU --------------------------------------------------------------------


def _on_a_card(name: str, replicates: int, fraction: float = 0.05) -> Made:
    """A preset of `deepnet.studies`, matched: its images, network, trainings, and its Sharp MinMax.

    Their sources stand there. What a matched study needs beyond them, replicates and the share that is forgotten among
    it, no source has; it is chosen here [ours].
    """

    def make(images: Path | None, scores: Path | None) -> MatchedStudy:
        study = preset(name)
        used, minmax = _sharp_minmax(study)
        sharpest = study.pretrain_sharpness[-1]
        high = replace(study.forget[0], kind="high", scores=_needed("scores", scores))
        sized = high if high.size else replace(high, fraction=fraction)
        return MatchedStudy(
            name=name,
            about=f"{study.data.name}, {study.model.name}, {study.pretrain.epochs} epochs, GPU",
            data=replace(study.data, root=str(images or study.data.root)),
            model=study.model,
            forget=(sized, replace(sized, kind="random", scores=None)),
            pretrain=study.pretrain,
            unlearn=replace(used, epochs=2 * used.epochs),  # [ours]: time for slow arms to come to the match
            val_fraction=study.val_fraction,
            arms=(*core(sgd(), sharpest, minmax), *controls(sgd(), alpha=minmax.alpha)),
            replicates=tuple(range(replicates)),
            flatness=Flatness(loss=0.1, images=1024, every=50),  # [ours]
            watching=Watching(
                probe=2000,  # [ours]
                every=20,  # [ours]
                epochs=(used.epochs,),
                relearning=study.evaluation.relearning,
            ),
        )

    make.__doc__ = f"The preset {name} of `run`, matched: on a GPU."
    return make


def _sharp_minmax(study: Study) -> tuple[Training, SharpMinMax]:
    """How a study uses Sharp MinMax."""
    for one in study.unlearners:
        if isinstance(one.method, SharpMinMax):
            return one.training, one.method
    raise TypeError(f"The study {study.name} has no Sharp MinMax.")


# --- all of them ---------------------------------------------------------------------------------------


PRESETS: dict[str, Made] = {
    "digits": _digits,
    "digits-labels": _other_digits("digits-labels", "a twentieth with wrong labels", _reverting("labels")),
    "digits-feature": _other_digits("digits-feature", "a twentieth with a stamp", _reverting("feature")),
    "digits-backdoor": _other_digits(
        "digits-backdoor", "a twentieth with a stamp and the label of the first class", _reverting("backdoor")
    ),
    "digits-noise": _other_digits("digits-noise", "Gaussian noise on training images", _noisy),
    "digits-adamw": _other_digits("digits-adamw", "AdamW in unlearning", _with_adamw),
    "digits-vit": _other_digits("digits-vit", "a small vision transformer in the convnet's place", _of_a_transformer),
    "photographs-resnet18": _photographs(
        "resnet18", 6, _of_most_claims, _BY_SGD, Flatness(loss=0.1, images=256, every=10)
    ),
    "photographs-resnet50": _photographs(
        "resnet50", 3, _of_the_first_claims, _BY_ADAMW, Flatness(loss=1.0, images=256, every=10), points=_WHOLE
    ),
    "cifar10-resnet18": _on_a_card("cifar10-resnet18", 6),
    "cifar10-resnet50": _on_a_card("cifar10-resnet50", 3),
    "cifar100-resnet50": _on_a_card("cifar100-resnet50", 3),
    "imagenet-resnet50": _on_a_card("imagenet-resnet50", 3),
}
"""Every preset by its name."""


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
