"""Quirks of the paper's released code, each its own switch, so that it can be seen which conclusions hang on it.

A quirk is a change of a study's configuration; nothing in the training or the metrics knows of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from deepnet.data.augment import Augment
from deepnet.house.quirks import TITLES
from deepnet.studies.study import Study, Unlearner

__all__ = ["QUIRKS", "Quirk", "with_quirks"]


@dataclass(frozen=True)
class Quirk:
    """One thing the released code does otherwise than the paper says, or than it should."""

    title: str
    """What it is, in one line."""
    apply: Callable[[Study], Study]
    """The study with it switched on."""


def with_quirks(study: Study, names: Iterable[str]) -> Study:
    """A study with quirks switched on; "official" stands for all of them.

    Raises:
        ValueError: if a name is unknown.
    """
    names = tuple(names)
    for name in names:
        if name != "official" and name not in QUIRKS:
            known = ", ".join(["official", *QUIRKS])
            raise ValueError(f"Argument `compat` must hold names out of {known}, but has {name!r}.")
    wanted = tuple(QUIRKS) if "official" in names else tuple(name for name in QUIRKS if name in names)
    for name in wanted:
        study = QUIRKS[name].apply(study)
    return replace(study, compat=wanted)


def _each(study: Study, change: Callable[[Unlearner], Unlearner]) -> Study:
    return replace(study, unlearners=tuple(change(unlearner) for unlearner in study.unlearners))


def _smallest_gradients(unlearner: Unlearner) -> Unlearner:
    method: Any = unlearner.method
    if method.name not in ("salun", "sharp-minmax"):
        return unlearner
    return replace(unlearner, method=replace(method, order="smallest"))


def _leaking(unlearner: Unlearner) -> Unlearner:
    return replace(unlearner, sharpness=tuple(replace(how, mask_site="second") for how in unlearner.sharpness))


def _one_more_ascent(unlearner: Unlearner) -> Unlearner:
    method: Any = unlearner.method
    if method.name != "scrub":
        return unlearner
    return replace(unlearner, method=replace(method, ascent_epochs=method.ascent_epochs + 1))


def _evaluated(study: Study, **changes: Any) -> Study:
    return replace(study, evaluation=replace(study.evaluation, **changes))


def _adamw(study: Study) -> Study:
    def override(unlearner: Unlearner) -> Unlearner:
        training = replace(unlearner.training, descent=replace(unlearner.training.descent, rule="adamw"))
        return replace(unlearner, training=training)

    retrain = study.retrain or study.pretrain
    study = replace(study, retrain=replace(retrain, descent=replace(retrain.descent, rule="adamw")))
    return _each(study, override)


def _randaugment(study: Study) -> Study:
    augment = replace(study.data.augment or Augment(), random="randaugment")
    return replace(study, data=replace(study.data, augment=augment))


QUIRKS: dict[str, Quirk] = {
    "mask_polarity": Quirk(
        TITLES["mask_polarity"],
        lambda study: _each(study, _smallest_gradients),
    ),
    "max_leak": Quirk(
        TITLES["max_leak"],
        lambda study: _each(study, _leaking),
    ),
    "adamw": Quirk(TITLES["adamw"], _adamw),
    "split_seed": Quirk(
        TITLES["split_seed"],
        lambda study: replace(study, separate_val_seed=study.split_seed + 1),
    ),
    "signed_tow": Quirk(
        TITLES["signed_tow"],
        lambda study: _evaluated(study, official_tow=True),
    ),
    "m_entropy": Quirk(
        TITLES["m_entropy"],
        lambda study: _evaluated(study, m_entropy="official"),
    ),
    "randaugment": Quirk(TITLES["randaugment"], _randaugment),
    "decay_through_masks": Quirk(
        TITLES["decay_through_masks"],
        lambda study: replace(study, holds_masked_weights=False),
    ),
    "forget_statistics": Quirk(
        TITLES["forget_statistics"],
        lambda study: replace(study, forget_statistics=True),
    ),
    "cycled_forget": Quirk(
        TITLES["cycled_forget"],
        lambda study: replace(study, cycles_forget_batches=True),
    ),
    "scrub_epoch": Quirk(TITLES["scrub_epoch"], lambda study: _each(study, _one_more_ascent)),
    "own_maximum": Quirk(
        TITLES["own_maximum"],
        lambda study: _evaluated(study, transport_scale="own maximum"),
    ),
    "whole_shadow": Quirk(
        TITLES["whole_shadow"],
        lambda study: _evaluated(study, shadow_sets=0),
    ),
}
"""Every quirk by its name."""
