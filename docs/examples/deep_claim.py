"""Does ascent need the retain set at all?"""

from __future__ import annotations

from functools import partial

from deepnet.confirm import EXPERIMENT, PAIRED, STOPPING, Group, by_forget_set, evidence, lead
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

_ASCENT, _NEGGRAD, _PRETRAINED = Group("ascent"), Group("neggrad"), Group("pretrained")

CLAIMS = (
    Claim(
        name="ascent-alone-costs-test-accuracy",
        number=16,
        title="Ascent without the retain set costs more test accuracy than NegGrad",
        source="Not a claim of the paper: its objective takes the retain set for granted",
        statement=r"\mathrm{acc}_T(\mathrm{ascent}) - \mathrm{acc}_T(\mathrm{NegGrad}) \leq 0",
        effect="test accuracy of gradient ascent less that of NegGrad, both with SGD",
        supported=Region(high=0.0),
        refuted_if="Gradient ascent keeps the higher test accuracy.",
        experiment=f"{EXPERIMENT} Both after pretraining with SGD, every forget set.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(name="the pretrained model has forgotten as much as NegGrad", region=Region(high=0.0)),
        measure=partial(
            evidence,
            effect=lead("test_accuracy", _ASCENT, _NEGGRAD),
            control=lead("forget_accuracy", _PRETRAINED, _NEGGRAD, hardest=True),
            groups=(_ASCENT, _NEGGRAD, _PRETRAINED),
            picture=by_forget_set("test_accuracy", "accuracy on the test set", (_PRETRAINED, _NEGGRAD, _ASCENT)),
        ),
        family="ours",
    ),
)
