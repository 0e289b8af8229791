"""One number format for all trainings of a study: asked for, suited to the device, or found on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from deepnet.learning.training import Training
from deepnet.networks.precision import PRECISIONS, Precision
from deepnet.studies.study import Evaluation, Study
from simulate.house import checks

__all__ = ["each_training", "in_precision", "on_device", "precisions_of", "relearned", "used_in"]


def each_training(study: Study, change: Callable[[Training], Training]) -> Study:
    """A study with a change of every training in it."""
    scores = study.memorization
    return replace(
        study,
        pretrain=change(study.pretrain),
        retrain=study.retrain and change(study.retrain),
        unlearners=tuple(replace(one, training=change(one.training)) for one in study.unlearners),
        evaluation=relearned(study.evaluation, change),
        memorization=replace(scores, training=scores.training and change(scores.training)),
    )


def relearned(evaluation: Evaluation, change: Callable[[Training], Training]) -> Evaluation:
    """An evaluation with a change of its relearning attack."""
    return replace(evaluation, relearning=evaluation.relearning and change(evaluation.relearning))


def in_precision(study: Study, precision: Precision) -> Study:
    """A study whose trainings are all in one precision.

    Raises:
        ValueError: if there is none of this name.
    """
    checks.choice("precision", precision, PRECISIONS)
    return each_training(study, lambda training: replace(training, precision=precision))


def on_device(study: Study, device: torch.device) -> Study:
    """A study whose trainings say what "auto" is on a device, so that it is part of what results are kept under."""
    return each_training(study, lambda training: training.on(device))


def used_in(study: Study, *folders: Path) -> Study:
    """A study whose trainings say what "auto" was where it was run, whatever device is here.

    Args:
        study: The study.
        folders: Its folder of results, and those of studies that share models with it; the first that has a
            `study.json` is believed. Without one "auto" stays.
    """
    for folder in folders:
        pairs = zip(precisions_of(study), _recorded(folder / "study.json"), strict=False)
        used = [there for asked, there in pairs if asked == "auto" and there in PRECISIONS]
        if used:
            return each_training(study, partial(_instead_of_auto, used[0]))
    return study


def _instead_of_auto(used: Precision, training: Training) -> Training:
    return replace(training, precision=used) if training.precision == "auto" else training


def precisions_of(study: Study) -> tuple[Precision, ...]:
    """The precisions of the trainings of a study, in the order in which its fields name them."""
    found: list[Precision] = []

    def note(training: Training) -> Training:
        found.append(training.precision)
        return training

    each_training(study, note)
    return tuple(found)


def _recorded(path: Path) -> list[Precision]:
    """The precisions of pretraining, retraining and the methods that stand in `study.json`; none if it is missing."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        trainings = [record["pretrain"], record["retrain"], *(one["training"] for one in record["unlearners"])]
        return [one["precision"] for one in trainings if one is not None]
    except (OSError, ValueError, LookupError, TypeError):
        return []
