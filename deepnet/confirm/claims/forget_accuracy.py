"""The other side of the main result: plain SGD forgets more."""

from __future__ import annotations

from functools import partial

from deepnet.confirm.groups import Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, evidence, lead
from deepnet.confirm.panels import by_forget_set
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_GROUPS = (Group("retrain"), _PLAIN, _SAM, _ASAM, Group("finetune"), Group("pretrained"))

CLAIMS = (
    Claim(
        name="sgd-forgets-more",
        number=2,
        title="SGD reaches a lower forget accuracy than ASAM in NegGrad",
        source="Key finding of the unlearning paper as its published summary states it: SGD sometimes does [S]",
        statement=r"\mathrm{acc}_F(\mathrm{SGD}) - \mathrm{acc}_F(\mathrm{ASAM}) \leq 0",
        effect="forget accuracy of NegGrad with SGD, less that with ASAM",
        supported=Region(high=0.0),
        refuted_if="Forget accuracy is lower with ASAM.",
        experiment=f"{EXPERIMENT} NegGrad with each optimizer after pretraining with SGD, every forget set.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(
            name="on the most memorized forget set the pretrained model has a lower one than NegGrad with SGD",
            region=Region(high=0.0),
        ),
        measure=partial(
            evidence,
            effect=lead("forget_accuracy", _PLAIN, _ASAM),
            control=lead("forget_accuracy", Group("pretrained"), _PLAIN, hardest=True),
            groups=_GROUPS,
            picture=by_forget_set("forget_accuracy", "accuracy on the forget set", _GROUPS),
            remark="Lower is not better: the retrained model's forget accuracy is the aim, and stands beside it.",
        ),
        family="paper",
    ),
)
