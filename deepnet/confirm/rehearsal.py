"""A confirmation in miniature, which shows that a long run will not stop half-way. Its numbers mean nothing.

Every study, method, optimizer and metric is there, over so few images that a CPU is through with it in minutes. What
stays is the grid, the reading of the images and the blocks of the network. What shrinks is the number of images,
epochs, seeds, forget sets and probes; ResNets begin with the stem of ImageNet, which makes feature maps sixteen times
smaller; and curvature, which takes a hundred products with the Hessian a model, is measured of plain models alone.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from deepnet.confirm.confirmation import Confirmation
from deepnet.learning.training import Training
from deepnet.methods import Method
from deepnet.studies.study import Evaluation, Study, Unlearner

__all__ = ["rehearsal"]

_IMAGES = 60
"""Training images, and as many test images."""
_FORGOTTEN = 10
"""Samples to forget: the fewest that membership inference takes."""
_BATCH = 40
"""Two steps of pretraining, and one of each method."""
_FEW = 4
"""Samples behind curvature, loss surfaces and diagonal Hessians, and random vectors or batches behind an estimate."""


def rehearsal(confirmation: Confirmation) -> Confirmation:
    """The same confirmation with next to no data: its first seed, and its first two forget sets.

    Args:
        confirmation: What is to be rehearsed.

    Returns:
        A confirmation with the same studies, whose grids are whole but for that of curvature. Its `scale`, which each
        row of the ledger states, says that it is a rehearsal. The hashes of its configurations are others, so that
        its results cannot pass for those of the real one.
    """
    small = _study(confirmation.base)
    glances = {
        one.name: _glance(value)
        for one in fields(confirmation)
        if isinstance(value := getattr(confirmation, one.name), Evaluation)
    }
    scale = f"REHEARSAL, the numbers mean nothing ({_IMAGES} images, one epoch, of: {confirmation.scale})"
    same = {one.name: getattr(confirmation, one.name) for one in fields(confirmation)}
    return _Rehearsal(**{**same, "base": small, "scale": scale, **glances})


class _Rehearsal(Confirmation):
    """A confirmation whose study of curvature is short."""

    def studies(self) -> dict[str, Study]:
        """The studies by name, in the order in which they are run."""
        found, plain = super().studies(), self.optimizers[:1]
        long = found["curvature"]
        unlearners = tuple(replace(one, sharpness=plain) for one in long.unlearners)
        return found | {"curvature": replace(long, pretrain_sharpness=plain, unlearners=unlearners)}


def _study(study: Study) -> Study:
    return replace(
        study,
        data=replace(study.data, subset=_IMAGES, test_subset=_IMAGES),
        model=replace(study.model, stem="imagenet"),
        forget=tuple(replace(one, size=_FORGOTTEN, fraction=None) for one in study.forget[:2]),
        pretrain=_short(study.pretrain),
        retrain=None if study.retrain is None else _short(study.retrain),
        unlearners=tuple(_brief(one) for one in study.unlearners),
        evaluation=_glance(study.evaluation),
        memorization=replace(study.memorization, models=2, training=None),
        seeds=study.seeds[:1],
    )


def _short(training: Training) -> Training:
    """One epoch; none stays none, for methods that only edit."""
    return replace(training, epochs=min(training.epochs, 1), batch_size=_BATCH)


def _brief(unlearner: Unlearner) -> Unlearner:
    return replace(unlearner, training=_short(unlearner.training), method=_coarse(unlearner.method))


def _coarse(method: Method) -> Method:
    """A method whose estimates rest on few samples."""
    names = {one.name for one in fields(method)}
    few: dict[str, Any] = {name: _FEW for name in ("probes", "samples", "batches", "batch_size") if name in names}
    return replace(method, **few)


def _glance(evaluation: Evaluation) -> Evaluation:
    """What is measured at all, of few samples."""
    relearning = evaluation.relearning
    return replace(
        evaluation,
        shadow=min(evaluation.shadow, _IMAGES),
        shadow_sets=min(evaluation.shadow_sets, 2),
        entangled=min(evaluation.entangled, _IMAGES),
        relearning=None if relearning is None else _short(relearning),
        curvature=min(evaluation.curvature, _FEW),
        landscape=min(evaluation.landscape, _FEW),
        landscape_points=3,
        feature_map=min(evaluation.feature_map, _IMAGES),
        geometry_seeds=min(evaluation.geometry_seeds, 1),
    )
