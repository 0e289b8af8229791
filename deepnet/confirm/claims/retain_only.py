"""Is it sharpness-awareness on the retain set that helps?"""

from __future__ import annotations

from functools import partial

from deepnet.confirm.groups import Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, TOW, difference, doing_nothing, evidence, lead
from deepnet.confirm.panels import by_forget_set
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_RETAIN_SAM, _RETAIN = each_optimizer("retain-sam", ("SAM", "ASAM"))

CLAIMS = (
    Claim(
        name="retain-only-asam-explains-the-gain",
        number=10,
        title="Sharpness-awareness on the retain set alone does what it does on both sets",
        source="Asked by reviewers of the unlearning paper; its Lemma 3.1 suggests it, but it is not a claim of it",
        statement=rf"{TOW},\quad |\mathrm{{ToW}}_\mathrm{{retain-only}} - \mathrm{{ToW}}_\mathrm{{both}}| \leq 0.02",
        effect="ToW of NegGrad with ASAM on the retain set alone, less that with ASAM on both",
        supported=Region.around(0.0, 0.02),
        refuted_if="They differ by more than 0.02.",
        experiment=f"{EXPERIMENT} NegGrad after pretraining with SGD, every forget set.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(
            name="on the most memorized forget set the pretrained model is as good as NegGrad with SGD",
            region=Region(low=0.0),
        ),
        measure=partial(
            evidence,
            effect=difference("tow", _RETAIN, _ASAM),
            control=doing_nothing(_PLAIN),
            groups=(_PLAIN, _SAM, _ASAM, _RETAIN_SAM, _RETAIN, Group("pretrained")),
            more={
                "gain of ASAM on both, over SGD": lead("tow", _ASAM, _PLAIN),
                "gain of ASAM on the retain set alone, over SGD": lead("tow", _RETAIN, _PLAIN),
                "the same claim for SAM": difference("tow", _RETAIN_SAM, _SAM),
            },
            picture=by_forget_set("tow", "tug of war", (_PLAIN, _SAM, _RETAIN_SAM, _ASAM, _RETAIN)),
            remark="Where ASAM gains nothing over SGD there is nothing to explain: see the gains.",
        ),
        family="ours",
    ),
)
