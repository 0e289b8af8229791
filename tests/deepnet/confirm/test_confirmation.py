"""The grids of a confirmation, written out by hand: which models there are, and that their names say what they are."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

pytest.importorskip("torch")

from deepnet.confirm.confirmation import CONFIRMATIONS, confirmation
from deepnet.studies.running import runs_of
from deepnet.studies.study import Study

PLAIN, SAM, ASAM = "sgd", "sam-0.1", "asam-0.5"
ALL, ENDS = (PLAIN, SAM, ASAM), (PLAIN, ASAM)
NARROW = ((PLAIN,), {"neggrad": ENDS, "sharp-minmax": ENDS})
"""Pretraining optimizers; unlearning optimizers of each method or variant."""
GRIDS = {
    "main": (
        ALL,
        dict.fromkeys(("neggrad", "sharp-minmax", "salun", "scrub", "l1-sparse", "random-label"), ALL)
        | dict.fromkeys(("finetune", "ascent", "influence", "selection"), (PLAIN,))
        | {"retain-sam": (SAM, ASAM)},
    ),
    "curvature": (ALL, {"neggrad": ALL}),
    "alpha": ((PLAIN,), {f"neggrad alpha={alpha}": ALL for alpha in (0.98, 0.95, 0.9, 0.8)}),
    "mask": (
        (PLAIN,),
        {f"sharp-minmax {how}": ENDS for how in ("fraction=0.1", "fraction=0.3", "fraction=0.5", "smallest")}
        | {"sharp-minmax fraction=0": ENDS},
    ),
    "selection": (
        (PLAIN,),
        {f"selection {order} {size}": (PLAIN,) for order in ("largest", "smallest") for size in (0.05, 0.2)},
    ),
    "gallery": (ENDS, NARROW[1]),
    **{
        f"quirk-{name}": NARROW
        for name in (
            "mask_polarity",
            "max_leak",
            "adamw",
            "split_seed",
            "m_entropy",
            "decay_through_masks",
            "forget_statistics",
            "cycled_forget",
        )
    },
    "quirk-scrub_epoch": ((PLAIN,), {"scrub": ENDS}),
    **{f"quirk-{name}": NARROW for name in ("own_maximum", "whole_shadow")},
}
"""The digits."""


def unlearned(study: Study) -> list[tuple[str, ...]]:
    """Forget set, optimizer of pretraining, method with its variant, and optimizer of each unlearned model."""
    first = [run for run in runs_of(study)[1] if run.seed == study.seeds[0] and run.unlearner and run.sharpness]
    return [
        (run.forget.label, run.pretrain.label, f"{run.unlearner.method.name} {run.unlearner.variant}".strip(),
         run.sharpness.label)
        for run in first if run.unlearner and run.sharpness
    ]  # fmt: skip


def test_every_study_of_the_digits_is_the_grid_it_is_said_to_be() -> None:
    studies = confirmation("digits").studies()
    assert list(studies) == list(GRIDS)
    for name, (pretrained, how) in GRIDS.items():
        sets = ("high", "low") if name == "main" else ("high",)
        expected = {
            (forget, before, method, optimizer)
            for forget, before in product(sets, pretrained)
            for method, optimizers in how.items()
            for optimizer in optimizers
        }
        found = unlearned(studies[name])
        assert set(found) == expected, name
        assert len(found) == len(expected), name
        assert studies[name].seeds == ((0,) if name == "gallery" else tuple(range(10))), name


def said(variant: str) -> dict[str, str]:
    """What a variant's name says of its method's fields: "largest 0.2" is an order and a fraction."""
    words = [word if "=" in word else f"{'order' if word.isalpha() else 'fraction'}={word}" for word in variant.split()]
    return dict(word.split("=") for word in words)  # type: ignore[misc]


@pytest.mark.parametrize("name", CONFIRMATIONS)
def test_variants_are_what_they_are_called(name: str) -> None:
    for study in confirmation(name, Path("anywhere")).studies().values():
        usual = "smallest" if study.name == "quirk-mask_polarity" else "largest"
        for one in study.unlearners:
            says = ({"order": usual} if one.method.name in ("sharp-minmax", "salun") else {}) | said(one.variant)
            found = {key: getattr(one.method, key) for key in says}
            assert {key: f"{v:g}" if isinstance(v, float) else v for key, v in found.items()} == says, one.variant


def test_polarity_is_compared_at_the_fraction_of_the_middle() -> None:
    mask = {one.variant: one.method for one in confirmation("digits").studies()["mask"].unlearners}
    assert (mask["smallest"].fraction, mask["fraction=0.3"].fraction) == (0.3, 0.3)


@pytest.mark.parametrize("name", CONFIRMATIONS)
def test_a_study_of_a_quirk_has_this_quirk_alone(name: str) -> None:
    chosen = confirmation(name, Path("anywhere"))
    found = {study.name: study.compat for study in chosen.studies().values()}
    quirks = [quirk for quirk in chosen.quirks if quirk != "signed_tow"]
    assert {study: compat for study, compat in found.items() if compat} == {f"quirk-{one}": (one,) for one in quirks}


@pytest.mark.parametrize("name", CONFIRMATIONS)
def test_the_first_forget_set_is_the_most_memorized(name: str) -> None:
    forget = confirmation(name, Path("anywhere"), Path("scores.npz")).base.forget
    assert [one.kind for one in forget][:2] == ["high", "low"]
    assert all((one.scores is None) == (one.kind == "random") for one in forget)


def test_curvature_and_pictures_are_measured_where_they_are_asked_for() -> None:
    chosen = confirmation("digits")
    for study in chosen.studies().values():
        asked = study.evaluation
        curved, drawn = study.name == "curvature", study.name == "gallery"
        assert (asked.curvature > 0, asked.landscape > 0, asked.feature_map > 0) == (curved, drawn, drawn), study.name
        if curved:
            assert asked.geometry_seeds == len(study.seeds)
