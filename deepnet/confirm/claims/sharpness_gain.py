"""Main result: sharpness-aware optimizers improve every method, in pretraining as in unlearning."""

from __future__ import annotations

from functools import partial
from typing import Literal

from deepnet.confirm.groups import OPTIMIZERS, Group
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, TOW, doing_nothing, evidence, lead
from deepnet.confirm.panels import by_forget_set
from deepnet.methods import METHODS
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

Role = Literal["pretraining", "unlearning"]
_TRIED = ("neggrad", "random-label", "salun", "l1-sparse", "scrub", "sharp-minmax")
_ROLES: tuple[Role, ...] = ("pretraining", "unlearning")


def _groups(method: str, role: Role) -> tuple[Group, Group, Group]:
    """A method with SGD, SAM and ASAM in a role, SGD in the other."""
    if role == "pretraining":
        plain, sam, asam = (Group(method, pretrain=optimizer) for optimizer in OPTIMIZERS)
    else:
        plain, sam, asam = (Group(method, optimizer) for optimizer in OPTIMIZERS)
    return plain, sam, asam


def _claim(method: str, role: Role) -> Claim:
    title = METHODS[method].title
    plain, sam, asam = _groups(method, role)
    return Claim(
        name=f"asam-improves-{method}-{role}",
        number=1,
        title=f"{title}: ASAM as optimizer of {role} improves ToW over SGD",
        source=(
            "Unlearning paper as its published summary states it: sharpness-aware optimizers improve ToW of all "
            "methods, in pretraining and in unlearning [S]"
        ),
        statement=rf"{TOW},\quad \mathrm{{ToW}}_{{\mathrm{{ASAM}}}} - \mathrm{{ToW}}_{{\mathrm{{SGD}}}} \geq 0",
        effect=f"ToW of {title} with ASAM in {role}, less that with SGD, the other role being SGD's",
        supported=Region(low=0.0),
        refuted_if="ToW is lower with ASAM.",
        experiment=f"{EXPERIMENT} {title} on every forget set; SGD in the other role.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(
            name=f"on the most memorized forget set the pretrained model is as good as {title}", region=Region(low=0.0)
        ),
        measure=partial(
            evidence,
            effect=lead("tow", asam, plain),
            control=doing_nothing(plain),
            groups=(plain, sam, asam, Group("pretrained")),
            more={"gain of SAM": lead("tow", sam, plain)},
            picture=by_forget_set("tow", "tug of war", (plain, sam, asam)),
            remark="The reference is retrained with SGD whatever the optimizer of pretraining.",
        ),
        family="paper",
    )


CLAIMS = tuple(_claim(method, role) for method in _TRIED for role in _ROLES)
