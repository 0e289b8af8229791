"""Are the features of forgotten and retained samples better separated after sharpness-aware unlearning?"""

from __future__ import annotations

from functools import partial

from deepnet.confirm.groups import Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, evidence, lead, mean
from deepnet.confirm.panels import by_forget_set
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_BEFORE = Group("pretrained")
_GROUPS = (Group("retrain"), _PLAIN, _SAM, _ASAM, _BEFORE)

CLAIMS = (
    Claim(
        name="asam-disentangles",
        number=5,
        title="Features of retained and forgotten samples are less entangled after NegGrad with ASAM than with SGD",
        source="Ablation of the unlearning paper as its published summary states it [S]",
        statement=r"E_W = 1 - W_1/2,\quad E_W(\mathrm{ASAM}) - E_W(\mathrm{SGD}) \leq 0",
        effect="entanglement after NegGrad with ASAM, less that with SGD",
        supported=Region(high=0.0),
        refuted_if="The features are more entangled with ASAM.",
        experiment=f"{EXPERIMENT} NegGrad after pretraining with SGD, every forget set; features of length one before "
        "the last layer.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(
            name="in the pretrained model they are apart: entanglement of 0.1 at most", region=Region(high=0.1)
        ),
        measure=partial(
            evidence,
            effect=lead("entanglement", _ASAM, _PLAIN),
            control=mean("entanglement", _BEFORE),
            groups=_GROUPS,
            columns={"entanglement": "entanglement", "entanglement_variance": "entanglement by variances"},
            picture=by_forget_set("entanglement", "entanglement 1 - W/2 of retained and forgotten features", _GROUPS),
            remark="Less is not better by itself: the retrained model's entanglement stands beside it.",
        ),
        family="paper",
    ),
)
