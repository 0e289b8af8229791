"""Each quirk changes what it says, and nothing else."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

pytest.importorskip("torch")

from deepnet.house.identity import as_json
from deepnet.studies.compat import QUIRKS, with_quirks
from deepnet.studies.presets import preset
from deepnet.studies.study import Study


def differences(one: object, other: object, path: str = "") -> set[str]:
    """Where two configurations differ, as dotted paths; positions in lists are left out."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set().union(*(differences(one[key], other[key], f"{path}.{key}") for key in one))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return set().union(*(differences(a, b, path) for a, b in zip(one, other, strict=True)))
    return set() if one == other else {path.removeprefix(".")}


def changed(name: str, study: Study | None = None) -> set[str]:
    study = study or preset("cifar10-resnet18")
    return differences(as_json(study), as_json(with_quirks(study, [name]))) - {"compat"}


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("mask_polarity", {"unlearners.method.order"}),
        ("max_leak", {"unlearners.sharpness.mask_site"}),
        ("adamw", {"unlearners.training.descent.rule", "retrain"}),
        ("split_seed", {"separate_val_seed"}),
        ("signed_tow", {"evaluation.official_tow"}),
        ("m_entropy", {"evaluation.m_entropy"}),
        ("randaugment", {"data.augment"}),
        ("decay_through_masks", {"holds_masked_weights"}),
        ("forget_statistics", {"forget_statistics"}),
        ("cycled_forget", {"cycles_forget_batches"}),
        ("scrub_epoch", {"unlearners.method.ascent_epochs"}),
        ("own_maximum", {"evaluation.transport_scale"}),
        ("whole_shadow", {"evaluation.shadow_sets"}),
    ],
)
def test_a_quirk_changes_what_it_says(name: str, where: set[str]) -> None:
    assert changed(name) == where


def test_every_quirk_is_tried_here_and_named() -> None:
    assert len(QUIRKS) == 13
    for name in QUIRKS:
        assert with_quirks(preset("digits"), [name]).compat == (name,)


def test_official_is_all_of_them() -> None:
    study = preset("digits")
    assert with_quirks(study, ["official"]) == with_quirks(study, reversed(list(QUIRKS)))
    assert with_quirks(study, ["official"]).compat == tuple(QUIRKS)


def test_masks_of_selection_are_not_the_released_codes() -> None:
    selection = [one.method for one in with_quirks(preset("digits"), ["mask_polarity"]).unlearners]
    assert {method.order for method in selection if method.name == "selection"} == {"largest"}
    assert {method.order for method in selection if method.name in ("salun", "sharp-minmax")} == {"smallest"}


def test_retraining_keeps_its_length_under_adamw() -> None:
    study = preset("digits")
    retrain = with_quirks(study, ["adamw"]).retrain
    assert retrain == replace(study.pretrain, descent=replace(study.pretrain.descent, rule="adamw"))


def test_unknown_quirks_are_named() -> None:
    with pytest.raises(ValueError, match=r"compat.*'nothing'"):
        with_quirks(preset("digits"), ["nothing"])


def test_no_quirk_is_the_study_itself() -> None:
    study = preset("digits")
    assert with_quirks(study, []) == study
    assert {field.name for field in fields(study)} >= {"compat"}
