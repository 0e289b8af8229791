"""Are memorized samples harder to unlearn?"""

from __future__ import annotations

from functools import partial

from deepnet.confirm.groups import Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, TOW, difference, evidence, lead
from deepnet.confirm.panels import by_forget_set
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

_PLAIN = Group("neggrad")
_RETRAINED = Group("retrain")
_TOLD = (*each_optimizer("neggrad"), Group("sharp-minmax", "ASAM"), Group("pretrained"))

CLAIMS = (
    Claim(
        name="memorized-samples-harder",
        number=8,
        title="The most memorized samples are harder to unlearn than the least memorized",
        source="Unlearning paper as its published summary states it [S], after Zhao et al. 2024 (RUM)",
        statement=rf"{TOW},\quad \mathrm{{ToW}}(F_\mathrm{{high}}) - \mathrm{{ToW}}(F_\mathrm{{low}}) \leq 0",
        effect="ToW of NegGrad with SGD on the most memorized forget set, less that on the least memorized",
        supported=Region(high=0.0),
        refuted_if="ToW is higher on the most memorized set.",
        experiment=f"{EXPERIMENT} NegGrad with SGD on the forget sets of the highest and lowest memorization scores.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(
            name="the retrained model is right on as many of the ones as of the others, within 0.05",
            region=Region.around(0.0, 0.05),
        ),
        measure=partial(
            evidence,
            effect=lead("tow", _PLAIN.on("high"), _PLAIN.on("low")),
            control=difference("forget_accuracy", _RETRAINED.on("high"), _RETRAINED.on("low")),
            groups=tuple(group.on(name) for name in ("high", "low") for group in (_RETRAINED, *_TOLD)),
            picture=by_forget_set("tow", "tug of war", _TOLD),
            remark="On the least memorized set little is to be done: the pretrained model may have the best ToW there.",
        ),
        family="paper",
    ),
)
