"""Families of arms that presets are made of: each a list of arms that a claim compares."""

from __future__ import annotations

from dataclasses import replace

from deepnet.house.quirks import UNLEARNING_QUIRKS
from deepnet.learning.sharpness import Sharpness
from deepnet.matched.study import Arm
from deepnet.methods import (
    CurvatureSelection,
    GradientSelection,
    LastLayer,
    Method,
    NegGrad,
    RandomSelection,
    Scrub,
    SharpMinMax,
)

__all__ = [
    "ALPHA",
    "ALPHAS",
    "by_alpha",
    "controls",
    "core",
    "fewest",
    "neggrad",
    "others",
    "quirky",
    "selecting",
    "twins",
]

ALPHAS = (0.99, 0.95, 0.9, 0.8, 0.5)
"""Weights α of the retain set that NegGrad is tried with."""
ALPHA = 0.95
"""That of all other arms."""


def arm(name: str, method: Method, unlearning: Sharpness, pretraining: Sharpness) -> Arm:
    """An arm whose name says with which optimizers."""
    words = [how.label.partition("-")[0] for how in (unlearning, pretraining)]
    return Arm(
        name=f"{name}-{words[0]}-after-{words[1]}", method=method, unlearning=unlearning, pretraining=pretraining
    )


def neggrad(plain: Sharpness, forget: str = "high", alpha: float = ALPHA) -> Arm:
    """NegGrad with plain SGD, which most other arms are held against."""
    return replace(arm("neggrad", NegGrad(alpha=alpha), plain, plain), forget=forget)


def controls(plain: Sharpness, forget: str = "high", alpha: float = ALPHA) -> list[Arm]:
    """The same once more: with other batches, and with a tenth more of its rate."""
    usual = neggrad(plain, forget, alpha)
    again = replace(usual, name="control-other-batches", batches=1, tuned=usual.name)
    return [again, replace(usual, name="control-rate-1.1", tuned=usual.name, factor=1.1)]


def core(plain: Sharpness, aware: Sharpness, minmax: SharpMinMax | None = None) -> list[Arm]:
    """The arms of claims 1 to 4: the optimizer of NegGrad, Sharp MinMax, its "max" term, and pretraining."""
    minmax = minmax or SharpMinMax(alpha=ALPHA)
    flat = replace(minmax, forget_goal="none")
    both = (plain, aware)
    return [
        *(arm("neggrad", NegGrad(alpha=minmax.alpha), how, before) for before in both for how in both),
        *(arm("minmax", minmax, how, before) for before in both for how in both),
        *(arm("minmax-no-max", flat, aware, before) for before in both),
    ]


def fewest(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """What claims 1 to 4 compare, and no more."""
    spared = ("minmax-sgd-after-asam", "minmax-no-max-asam-after-asam")
    return [one for one in core(plain, aware) if one.name not in spared]


def others(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """What claims 5 to 9 compare, and the controls: SCRUB, the other mask, the random forget set."""
    return [
        *(arm("scrub", Scrub(), plain, before) for before in (plain, aware)),
        arm("minmax-reversed", SharpMinMax(alpha=ALPHA, order="smallest"), aware, plain),
        replace(neggrad(plain, "random"), name="neggrad-random-sgd-after-sgd"),
        *controls(plain),
    ]


def with_sam(plain: Sharpness, other: Sharpness) -> Arm:
    """NegGrad with SAM in the place of ASAM."""
    return arm("neggrad", NegGrad(alpha=ALPHA), other, plain)


def by_alpha(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """NegGrad over α."""
    return [
        arm(f"neggrad-alpha-{alpha:g}", NegGrad(alpha=alpha), how, plain)
        for alpha in ALPHAS
        for how in (plain, aware)
        if alpha != ALPHA
    ]


def twins(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """Other methods on the random set, and SCRUB with ASAM: further settings of the claims on both."""
    return [
        replace(arm("neggrad-random", NegGrad(alpha=ALPHA), aware, plain), forget="random"),
        replace(arm("minmax-random", SharpMinMax(alpha=ALPHA), aware, plain), forget="random"),
        *(arm("scrub", Scrub(), aware, before) for before in (plain, aware)),
    ]


def quirky(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """Arms that unlearn with one quirk of the released code each; `minmax-reversed` is that of the mask."""
    minmax, scrub = arm("minmax", SharpMinMax(alpha=ALPHA), aware, plain), arm("scrub", Scrub(), plain, plain)
    of_minmax = [name for name in UNLEARNING_QUIRKS if name not in ("mask_polarity", "scrub_epoch")]
    return [
        *(replace(minmax, name=f"quirk-{name}-{minmax.name}", quirk=name) for name in of_minmax),
        replace(scrub, name=f"quirk-scrub_epoch-{scrub.name}", quirk="scrub_epoch"),
    ]


def by_fraction(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """Sharp MinMax with a smaller and a larger forget part."""
    return [
        arm(f"minmax-fraction-{fraction:g}", SharpMinMax(alpha=ALPHA, fraction=fraction), aware, plain)
        for fraction in (0.1, 0.5)
    ]


def by_rate(plain: Sharpness, aware: Sharpness) -> list[Arm]:
    """The arms that claims 1 to 4 compare first, at half and twice their rates; NegGrad with ASAM at that of SGD."""
    minmax = SharpMinMax(alpha=ALPHA)
    first = (
        neggrad(plain),
        arm("neggrad", NegGrad(alpha=ALPHA), aware, plain),
        arm("neggrad", NegGrad(alpha=ALPHA), plain, aware),
        arm("minmax", minmax, aware, plain),
        arm("minmax-no-max", replace(minmax, forget_goal="none"), aware, plain),
    )
    factors = {"half": 0.5, "twice": 2.0}
    at_others = [_at_rate(one, word, factor) for one in first for word, factor in factors.items()]
    return [*at_others, replace(_at_rate(first[1], "sgd", 1.0), tuned=first[0].name)]


def _at_rate(one: Arm, word: str, factor: float) -> Arm:
    method, how, _, before = one.name.rsplit("-", 3)
    return replace(one, name=f"{method}-at-{word}-rate-{how}-after-{before}", tuned=one.name, factor=factor)


def selecting(plain: Sharpness, forget: str = "high") -> list[Arm]:
    """NegGrad by a tenth of the weights, for each reason to choose them, and by the last layer."""
    methods = {
        "select-largest": CurvatureSelection(alpha=ALPHA),
        "select-smallest": CurvatureSelection(alpha=ALPHA, order="smallest"),
        "select-gradient": GradientSelection(alpha=ALPHA),
        "select-random": RandomSelection(alpha=ALPHA),
        "last-layer": LastLayer(alpha=ALPHA),
    }
    return [replace(arm(name, method, plain, plain), forget=forget) for name, method in methods.items()]
