"""Main result: Sharp MinMax comes closest to the retrained model."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from deepnet.confirm.findings import Findings, NotMeasuredError
from deepnet.confirm.groups import OPTIMIZERS, Group, each_optimizer
from deepnet.confirm.paired_evidence import (
    EXPERIMENT,
    PAIRED,
    STOPPING,
    TOW,
    doing_nothing,
    evidence,
    lead,
    mean,
    unless_tied,
)
from deepnet.confirm.panels import Drawn, by_forget_set, panel
from deepnet.methods import METHODS
from simulate.house import ties
from simulate.house.words.counting import counted
from theory.ledger import Claim, Control, Region
from theory.statistics import Estimate, worst_of

__all__ = ["CLAIMS"]

_OURS = Group("sharp-minmax", "ASAM")
_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_OTHERS = [name for name in METHODS if name not in ("pretrain", "retrain", "sharp-minmax")]
_EVERY = tuple(Group(name, optimizer) for name in _OTHERS for optimizer in OPTIMIZERS)


def _rivals(findings: Findings) -> list[Group]:
    """All that was run of the other methods, with each optimizer."""
    return [group for group in _EVERY if findings.has(**group.where(findings))]


def _lead_over_best(findings: Findings) -> Estimate:
    """ToW less that of the group with the best mean; its interval allows for the picking."""
    rivals = _rivals(findings)
    if not rivals:
        raise NotMeasuredError("no other method was run")
    tow = findings.paired("tow", *(group.where(findings) for group in (_OURS, *rivals)))
    return unless_tied(worst_of(ties.difference(tow[:, :1], tow[:, 1:]), np.argmin))


def _best(findings: Findings) -> str:
    means = {group.label: mean("tow", group)(findings).value for group in _rivals(findings)}
    known = {label: value for label, value in means.items() if np.isfinite(value)}
    if not known:
        return ""
    return f"The best of the {counted(len(means), 'other')} is {max(known, key=lambda label: known[label])}."


_PANEL: Drawn = panel(
    "tug of war",
    {
        optimizer: {METHODS[name].title: mean("tow", Group(name, optimizer)) for name in ("sharp-minmax", *_OTHERS)}
        for optimizer in OPTIMIZERS
    },
)


def _claim(**fields: Any) -> Claim:
    """A claim with what both have in common."""
    return Claim(
        number=7,
        source="Main result of the unlearning paper as its published summary states it [S]",
        supported=Region(low=0.0),
        stopping_rule=STOPPING,
        control=Control(
            name="on the most memorized forget set the pretrained model is as good as NegGrad with SGD",
            region=Region(low=0.0),
        ),
        **fields,
    )


CLAIMS = (
    _claim(
        name="sharp-minmax-beats-neggrad-asam",
        title="Sharp MinMax with ASAM has a higher ToW than NegGrad with ASAM",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{MinMax}} \geq \mathrm{{ToW}}_\mathrm{{NegGrad}}",
        effect="ToW of Sharp MinMax, less that of NegGrad, both with ASAM",
        refuted_if="NegGrad has the higher ToW.",
        experiment=f"{EXPERIMENT} Both after pretraining with SGD, every forget set.",
        statistic=PAIRED,
        measure=partial(
            evidence,
            effect=lead("tow", _OURS, _ASAM),
            control=doing_nothing(_PLAIN),
            groups=(*each_optimizer("sharp-minmax"), _PLAIN, _SAM, _ASAM, Group("pretrained")),
            picture=by_forget_set("tow", "tug of war", (_OURS, _ASAM, _PLAIN)),
        ),
    ),
    _claim(
        name="sharp-minmax-best-of-all",
        title="Sharp MinMax with ASAM has a higher ToW than every other method with any optimizer",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{MinMax}} \geq \max_{{m,\,o}} \mathrm{{ToW}}_{{m,\,o}}",
        effect="ToW of Sharp MinMax with ASAM, less that of the best other method and optimizer",
        refuted_if="Some other method has the higher ToW.",
        experiment=f"{EXPERIMENT} All methods with all optimizers they are tried with, after pretraining with SGD.",
        statistic=(
            f"{PAIRED} The rival with the best mean is picked with the data at hand, so the interval is widened to "
            "cover for all of them (Bonferroni over the rivals, too)."
        ),
        measure=partial(
            evidence,
            effect=_lead_over_best,
            control=doing_nothing(_PLAIN),
            groups=(_OURS, *_EVERY, Group("pretrained")),
            picture=_PANEL,
            remark=_best,
        ),
    ),
)
