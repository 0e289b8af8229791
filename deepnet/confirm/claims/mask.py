"""Sharp MinMax's partition of the weights: which of them forget, and how many."""

from __future__ import annotations

from functools import partial
from typing import Any

from deepnet.confirm.groups import Group
from deepnet.confirm.paired_evidence import (
    EXPERIMENT,
    PAIRED,
    STOPPING,
    TOW,
    Measured,
    difference,
    evidence,
    lead,
    mean,
)
from deepnet.confirm.panels import panel
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]


def _part(variant: str) -> Group:
    return Group("sharp-minmax", "ASAM", study="mask", variant=variant)


_USUAL, _SMALLEST, _EMPTY = _part("fraction=0.3"), _part("smallest"), _part("fraction=0")
_SMALL, _LARGE = _part("fraction=0.1"), _part("fraction=0.5")
_PRETRAINED = Group("pretrained", study="mask")
_ALL = (_EMPTY, _SMALL, _USUAL, _LARGE, _SMALLEST, _PRETRAINED)
_PLACES = {
    words: mean("tow", group)
    for words, group in zip(("empty", "10 %", "30 %", "50 %", "30 %, smallest", "pretrained"), _ALL, strict=True)
}
_PLAIN = tuple(Group("sharp-minmax", "SGD", study="mask", variant=group.variant) for group in _ALL[:-1])


def _claim(effect_of: Measured, **fields: Any) -> Claim:
    return Claim(
        number=9,
        source="Asked by reviewers of the unlearning paper; not a claim of it",
        experiment=f"{EXPERIMENT} Sharp MinMax with ASAM after pretraining with SGD, the first forget set.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(
            name="it forgets as well with no weights to forget with: forget accuracy is no higher with an empty part",
            region=Region(high=0.0),
        ),
        measure=partial(
            evidence,
            effect=effect_of,
            control=lead("forget_accuracy", _EMPTY, _USUAL),
            groups=(*_ALL, *_PLAIN),
            picture=panel("tug of war", {"mean, 95 % interval": _PLACES}),
        ),
        family="ours",
        **fields,
    )


CLAIMS = (
    _claim(
        lead("tow", _USUAL, _SMALLEST),
        name="mask-polarity",
        title="Sharp MinMax: weights with the largest gradients forget better than those with the smallest",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{largest}} - \mathrm{{ToW}}_\mathrm{{smallest}} \geq 0",
        effect="ToW with the forget part of the largest gradients, less that of the smallest, 30 % of the weights each",
        supported=Region(low=0.0),
        refuted_if="The forget part of the smallest gradients, the released code's, has the higher ToW.",
    ),
    _claim(
        difference("tow", _SMALL, _LARGE),
        name="mask-fraction",
        title="Sharp MinMax: the size of the forget part does not matter between 10 % and 50 %",
        statement=rf"{TOW},\quad |\mathrm{{ToW}}_{{0.1}} - \mathrm{{ToW}}_{{0.5}}| \leq 0.02",
        effect="ToW with a forget part of 10 % of the weights, less that with 50 %",
        supported=Region.around(0.0, 0.02),
        refuted_if="They differ by more than 0.02.",
    ),
)
