"""A matched study in miniature, which shows that a long run will not stop half-way. Its numbers mean nothing.

Every arm, stop and measurement is there, over so few images that a CPU is through with it in minutes. What stays is the
reading of the images and the network; what shrinks is the number of images, epochs and replicates.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from deepnet.learning.training import Training
from deepnet.matched.study import MatchedStudy
from deepnet.methods import Method

__all__ = ["rehearsal"]

_IMAGES = 60
"""Training images, and as many test images."""
_FORGOTTEN = 10
"""Samples to forget."""
_BATCH = 40
"""Two steps of pretraining, and one or two of each arm."""
_FEW = 4
"""Samples, random vectors or batches behind an estimate."""


def rehearsal(study: MatchedStudy) -> MatchedStudy:
    """The same study with next to no data, and its first replicate alone.

    The name says that it is a rehearsal, and so does every row; the hashes of its configurations are others, so that
    its results cannot pass for those of the real one.
    """
    watching, relearning = study.watching, study.watching.relearning
    return replace(
        study,
        name=f"{study.name}-rehearsal",
        about=f"REHEARSAL, the numbers mean nothing ({_IMAGES} images, one epoch, of: {study.about})",
        data=replace(study.data, subset=_IMAGES, test_subset=_IMAGES),
        images=None,
        forget=tuple(replace(one, size=_FORGOTTEN, fraction=None) for one in study.forget),
        memorization=replace(study.memorization, models=2, training=None),
        pretrain=_short(study.pretrain),
        unlearn=_short(study.unlearn),
        arms=tuple(replace(arm, method=_coarse(arm.method)) for arm in study.arms),
        replicates=study.replicates[:1],
        watching=replace(watching, epochs=(1,), relearning=relearning and _short(relearning)),
    )


def _short(training: Training) -> Training:
    """One epoch of small batches."""
    return replace(training, epochs=min(training.epochs, 1), batch_size=_BATCH)


def _coarse(method: Method) -> Method:
    """A method whose estimates rest on few samples."""
    names = {one.name for one in fields(method)}
    few: dict[str, Any] = {name: _FEW for name in ("probes", "samples", "batches", "batch_size") if name in names}
    return replace(method, **few)
