"""Membership inference on the forget set, judged against the retrained model, whose value is the optimum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from deepnet.confirm.findings import Row
from deepnet.confirm.groups import Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, Measured, evidence, lead, mean
from deepnet.confirm.panels import by_forget_set
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_BEFORE = Group("pretrained")
_GROUPS = (Group("retrain"), _PLAIN, _SAM, _ASAM, _BEFORE)


def _distance(column: str) -> Callable[[Row], float | None]:
    """|column| of a row."""

    def measured(row: Row) -> float | None:
        value = row.get(column)
        return None if value is None else abs(value)

    return measured


def _claim(name: str, words: str, column: str, control: Control, false: Measured) -> Claim:
    return Claim(
        name=name,
        number=4,
        title=f"Membership inference on the forget set weakens with ASAM: {words} nearer to the retrained model's",
        source="Unlearning paper as its published summary states it, there without the retrained model beside it [S]",
        statement=r"|\mathrm{MIA} - \mathrm{MIA}_\mathrm{retrained}|_\mathrm{SGD} \geq "
        r"|\mathrm{MIA} - \mathrm{MIA}_\mathrm{retrained}|_\mathrm{ASAM}",
        effect=f"distance of the {words} of NegGrad with SGD from the retrained model's, less that with ASAM",
        supported=Region(low=0.0),
        refuted_if="With ASAM it is farther from the retrained model's.",
        experiment=f"{EXPERIMENT} NegGrad after pretraining with SGD, every forget set.",
        stopping_rule=STOPPING,
        statistic=f"Absolute gap to the retrained model of the same seed. {PAIRED}",
        control=control,
        measure=partial(
            evidence,
            effect=lead(_distance(column), _PLAIN, _ASAM),
            control=false,
            groups=_GROUPS,
            columns={column.removesuffix("_gap"): words, column: f"gap of the {words}"},
            picture=by_forget_set(
                column, f"{words}, minus that of the retrained model", (_PLAIN, _SAM, _ASAM, _BEFORE)
            ),
            remark="0 is the optimum; a gap of either sign is a failure. Some forget sets are small: see their sizes.",
        ),
        family="paper",
    )


CLAIMS = (
    _claim(
        "asam-weakens-membership-inference",
        "attack by confidence (support vector machine)",
        "mia_gap",
        Control(
            name="on the most memorized forget set the pretrained model is as near to the retrained one as NegGrad "
            "with SGD",
            region=Region(high=0.0),
        ),
        lead(_distance("mia_gap"), _BEFORE, _PLAIN, hardest=True),
    ),
    _claim(
        "asam-weakens-membership-inference-auc",
        "attack by margin (area under the curve)",
        "mia_auc_gap",
        Control(
            name="on the most memorized forget set the attack sees the pretrained as it sees the retrained model, "
            "within 0.02",
            region=Region(high=0.02),
        ),
        mean(_distance("mia_auc_gap"), _BEFORE, hardest=True),
    ),
)
