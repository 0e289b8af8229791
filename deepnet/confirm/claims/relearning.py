"""Relearning: does maximised sharpness leave forgotten samples easier to learn again?"""

from __future__ import annotations

from functools import partial

import numpy as np

from deepnet.confirm.findings import Findings, Row
from deepnet.confirm.groups import Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, evidence, lead, mean
from deepnet.confirm.panels import curve
from theory.ledger import Claim, Control, Curve, Picture, Region

__all__ = ["CLAIMS"]

_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_MINMAX = each_optimizer("sharp-minmax")
_BEFORE, _RETRAINED = Group("pretrained"), Group("retrain")


def _after(place: int, row: Row) -> float | None:
    """Accuracy on the forget set at a place of the attack's record."""
    recorded = row.get("relearn_curve")
    return None if recorded is None else recorded["accuracy"][place]


def _attack(findings: Findings, group: Group) -> Curve:
    """Accuracy on the forget set while it is learned again, on one forget set."""
    chosen = group.on_hardest(findings)
    steps = next(row["relearn_curve"]["steps"] for row in _recorded(findings, chosen))
    values = [mean(partial(_after, place), chosen)(findings) for place in range(len(steps))]
    return curve(group.label, np.array(steps, dtype=float), values, joined=True)


def _recorded(findings: Findings, group: Group) -> list[Row]:
    return [row for row in findings.found(**group.where(findings)) if row.get("relearn_curve")]


def _picture(findings: Findings) -> Picture | None:
    drawn = []
    for group in (_RETRAINED, _MINMAX[-1], _ASAM, _PLAIN, _BEFORE):
        chosen = group.on_hardest(findings)
        if findings.has(**chosen.where(findings)) and _recorded(findings, chosen):
            drawn.append(_attack(findings, group))
    return Picture("steps of relearning", "accuracy on the forget set", tuple(drawn)) if drawn else None


CLAIMS = (
    Claim(
        name="sharp-minmax-easier-to-relearn",
        number=11,
        title="Sharpness maximisation makes forgotten samples easier to relearn",
        source="A worry one may have about Sharp MinMax; not a claim of the paper",
        statement=(
            r"r = \mathrm{mean}_t(\mathrm{acc}_F(t) - \mathrm{acc}_F^\mathrm{retrained}(t)),\quad "
            r"r_\mathrm{MinMax} - r_\mathrm{NegGrad} \geq 0"
        ),
        effect="lead over the retrained model while relearning, Sharp MinMax less NegGrad, both with ASAM",
        supported=Region(low=0.0),
        refuted_if="What Sharp MinMax has forgotten comes back more slowly than what NegGrad has.",
        experiment=f"{EXPERIMENT} Every model, also the retrained, is then trained on its forget set alone, with SGD.",
        stopping_rule=STOPPING,
        statistic=f"Mean over the steps of the attack of forget accuracy less that of the retrained model. {PAIRED}",
        control=Control(
            name="on the most memorized forget set the pretrained model relearns no faster than the retrained one",
            region=Region(high=0.0),
        ),
        measure=partial(
            evidence,
            effect=lead("relearn", _MINMAX[-1], _ASAM),
            control=mean("relearn", _BEFORE, hardest=True),
            groups=(*_MINMAX, _PLAIN, _SAM, _ASAM, _BEFORE, _RETRAINED),
            columns={"relearn": "lead while relearning"},
            picture=_picture,
            remark="The lead counts where an attack starts as well as how fast it goes: see the forget accuracies.",
        ),
        family="ours",
    ),
)
