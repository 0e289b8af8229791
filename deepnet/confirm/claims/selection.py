"""Selection by curvature: which weights a small budget of updates is best spent on."""

from __future__ import annotations

from functools import partial
from typing import Any

from deepnet.confirm.findings import Findings
from deepnet.confirm.groups import Group
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, TOW, Measured, evidence, lead, mean
from deepnet.confirm.panels import panel
from theory.ledger import Claim, Control, Region

__all__ = ["CLAIMS"]

_FRACTIONS = (0.05, 0.2)
_ORDERS = ("largest", "smallest")
_PRETRAINED, _RETRAINED = Group("pretrained", study="selection"), Group("retrain", study="selection")


def _selected(order: str, fraction: float) -> Group:
    return Group("selection", study="selection", variant=f"{order} {fraction:g}")


_ALL = tuple(_selected(order, fraction) for fraction in _FRACTIONS for order in _ORDERS)
_PICTURE = panel(
    "tug of war",
    {
        order: {f"{fraction:.0%} of the weights": mean("tow", _selected(order, fraction)) for fraction in _FRACTIONS}
        for order in _ORDERS
    },
)


def _beside(findings: Findings) -> list[Group]:
    """The selections, and what they are to be seen beside, on the same forget set."""
    neggrad = [Group("neggrad").on(name) for name in findings.forget_sets("selection")]
    return [*_ALL, _PRETRAINED, _RETRAINED, *neggrad]


def _claim(effect_of: Measured, **fields: Any) -> Claim:
    return Claim(
        number=15,
        source="Malekmohammadi et al.: largest as the abstract has it, smallest as a published summary has it [S]",
        supported=Region(low=0.0),
        experiment=(
            f"{EXPERIMENT} NegGrad with SGD by the selected weights alone, after pretraining with SGD; the "
            "first forget set; diagonal of the Hessian of the learned loss."
        ),
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(
            name="the pretrained model has forgotten as much as NegGrad does by the largest 20 %",
            region=Region(high=0.0),
        ),
        measure=partial(
            evidence,
            effect=effect_of,
            control=lead("forget_accuracy", _PRETRAINED, _selected("largest", 0.2)),
            groups=_beside,
            more={f"forget accuracy lost, {each.label}": lead("forget_accuracy", _PRETRAINED, each) for each in _ALL},
            picture=_PICTURE,
            remark="NegGrad beside it updates all weights, at its own α.",
        ),
        family="ours",
        **fields,
    )


CLAIMS = (
    *(
        _claim(
            lead("tow", _selected("largest", fraction), _selected("smallest", fraction)),
            name=f"largest-curvature-better-{fraction:g}",
            title=f"The {fraction:.0%} of the weights with the largest diagonal Hessian entries unlearn better than "
            "the smallest",
            statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{largest}} - \mathrm{{ToW}}_\mathrm{{smallest}} \geq 0",
            effect=f"ToW with the largest entries, less that with the smallest, {fraction:.0%} of the weights each",
            refuted_if="The smallest entries have the higher ToW.",
        )
        for fraction in reversed(_FRACTIONS)
    ),
    _claim(
        lead("forget_accuracy", _selected("smallest", 0.05), _selected("largest", 0.05)),
        name="largest-curvature-forgets-more",
        title="For the same budget of updates the largest diagonal Hessian entries forget more than the smallest",
        statement=r"e = \mathrm{acc}_F^\mathrm{pretrained} - \mathrm{acc}_F,\quad "
        r"e_\mathrm{largest} - e_\mathrm{smallest} \geq 0",
        effect="forget accuracy lost by the 5 % of the largest entries, less that lost by the 5 % of the smallest",
        refuted_if="The smallest entries forget more.",
    ),
)
