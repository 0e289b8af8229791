"""What a study asks of the sizes of its sets, looked at before its first model: what cannot be measured is said then.

Each requirement names the field, what is wrong, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deepnet.data.datasets import Dataset
from deepnet.data.scores import ESTIMATED
from deepnet.data.splits import Split
from deepnet.data.streams import smallest_batch
from deepnet.house.packages import CURVLINOPS, POT, UMAP, installing, is_installed
from deepnet.house.parallel import world_size
from deepnet.learning.training import Training
from deepnet.metrics.attacks import MIN_SIDE
from deepnet.metrics.feature_map import MIN_POINTS
from deepnet.networks.architectures import PACKAGES
from deepnet.studies.planning.appraisal import Appraisal
from deepnet.studies.stages import Stages
from deepnet.studies.study import Study
from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["check_measurable", "check_validated"]


def check_measurable(stages: Stages) -> None:
    """Require that every model of a study can be trained, and all that is asked for be measured of it.

    Raises:
        ValueError: if the sizes of the sets do not allow it, or a package is missing; the message names the field and
            the remedy.
    """
    _check_packages(stages.study)
    if stages.study.checkpoint:
        stages.given(stages.study.seeds[0])
    narrowest = Appraisal.of(stages).narrowest
    for forget in stages.study.forget:
        dataset, split = stages.sketch(forget)
        words = stages.set_words(forget)
        _check_attacks(stages.study, dataset, split, words)
        _check_map(stages.study, split, words)
        for name, training, rows in _trained(stages, dataset, split):
            _check_batches(name, training, rows, words, narrowest)


def check_comparable(stages: Stages, scores: np.ndarray) -> None:
    """Require that memorization scores can be estimated of enough images, and compared with others.

    Args:
        stages: The study whose models estimate them.
        scores: The others, one for each training image, NaN where there is none.

    Raises:
        ValueError: if the parts of the images that models see leave too few with both scores.
    """
    how, known = stages.study.memorization, np.isfinite(stages.unseen_scores()) & np.isfinite(scores)
    if np.count_nonzero(known) < 3:
        checks.fail("models", f"be so many that 3 images with a score in the file are seen by some models and not by "
                    f"others ({np.count_nonzero(known)} are)", how.models)  # fmt: skip
    training = how.training or stages.study.pretrain
    seen = round(how.fraction * len(stages.dataset.train))
    _check_batches("memorization", training, seen, "estimated", Appraisal.of(stages).narrowest)


def check_validated(stages: Stages) -> None:
    """Require validation images, which a search for hyper-parameters judges by.

    Raises:
        ValueError: if there are none.
    """
    for forget in stages.study.forget:
        if not len(stages.sketch(forget)[1].val):
            checks.fail(
                "val_fraction", "set aside at least one validation image of some class", stages.study.val_fraction
            )


_MEASURED_BY = {"entangled": POT, "curvature": CURVLINOPS, "feature_map": UMAP}
"""Packages that metrics need, by the field of an evaluation that asks for the metric."""


def _check_packages(study: Study) -> None:
    for name, package in _MEASURED_BY.items():
        if getattr(study.evaluation, name) and not is_installed(package):
            raise ValueError(
                f"Argument `evaluation.{name}` must be 0, or the package {package} be installed, but it is not; "
                f"{installing(package)} does that."
            )
    model = study.model
    origin = PACKAGES.get(model.factory.partition(":")[0] if model.factory else model.architecture)
    if origin is not None and not is_installed(origin):
        field = "factory" if model.factory else "architecture"
        raise ValueError(
            f'Argument `{field}` must be another than "{model.name}", or the package {origin} be '
            f"installed, but it is not; {installing(origin)} does that."
        )
    for method in (one.method for one in study.unlearners):
        for package in method.packages:
            if not is_installed(package):
                raise ValueError(
                    f"Argument `methods` must leave {method.name} out, or the package {package} be installed, but it "
                    f"is not; {installing(package)} does that."
                )


def _check_attacks(study: Study, dataset: Dataset, split: Split, words: str) -> None:
    for name, size in (("test", len(dataset.test)), (f"forget ({words})", len(split.forget))):
        if study.evaluation.shadow and size < MIN_SIDE:
            raise ValueError(
                f"Argument `evaluation.shadow` must be 0 (no membership inference), or the {name} set have at least "
                f"{MIN_SIDE} images, but it has {size}."
            )


def _check_map(study: Study, split: Split, words: str) -> None:
    asked = study.evaluation.feature_map
    looked = asked and study.evaluation.geometry_seeds
    if not looked or not any(one.method.start == "pretrained" for one in study.unlearners):
        return
    shown = min(asked, _retained(split)) + min(asked, len(split.forget))
    if 2 * shown < MIN_POINTS:  # each image before and after
        least = -(-MIN_POINTS // 2)
        raise ValueError(
            f"Argument `evaluation.feature_map` must be 0 (no map of features), or show at least {least} images of the "
            f"retain and forget ({words}) sets together, but {asked} of each are {shown}."
        )


def _retained(split: Split) -> int:
    return len(split.retain) + len(split.corrected)


def _trained(stages: Stages, dataset: Dataset, split: Split) -> Iterator[tuple[str, Training, int]]:
    """Each training of a study by the field that asks for it, with the number of images of a set it goes through."""
    study, forgotten, retained = stages.study, len(split.forget), _retained(split)
    scores = study.memorization
    if any(forget.scores == ESTIMATED for forget in study.forget):
        yield "memorization", scores.training or study.pretrain, round(scores.fraction * len(dataset.train))
    if not study.checkpoint:
        yield "pretrain", study.pretrain, len(split.pretrain)
    yield "retrain", study.retrain or study.pretrain, retained
    for one in study.unlearners:
        sizes = {"forget": forgotten, "retain": retained, "relabelled": retained + forgotten}
        for part in one.method.normalises:
            yield f"methods ({one.method.name})", one.training, sizes[part]
    if study.evaluation.relearning is not None:
        yield "evaluation.relearning", study.evaluation.relearning, forgotten


_REMEDIES = {
    "evaluation.relearning": "be None (no relearning attack)",
    "methods": "leave this one out",
}
"""What helps where a set is too small, by the field; elsewhere it is another size of the batches."""


def _check_batches(name: str, training: Training, images: int, words: str, narrowest: int) -> None:
    """Require batches that can be normalised, and have an image for each process that shares them."""
    least, found = max(world_size(), 2 if narrowest == 1 else 1), smallest_batch(images, training.batch_size)
    if found >= least or not training.epochs:
        return
    why = "its network normalises some layers by one pixel an image" if found == 1 else f"{least} processes share them"
    remedy = _REMEDIES.get(name.partition(" ")[0])
    if remedy is None or images >= least:  # there are images enough, for batches of another size
        remedy = "have another `batch_size`" if remedy is None else f"have another `batch_size`, or {remedy}"
    raise ValueError(
        f"Argument `{name}` must {remedy}, or more images be forgotten: with the forget set {words} a batch of it has "
        f"{counted(found, 'image')}, but needs {least}, since {why}."
    )
