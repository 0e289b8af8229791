"""KLoM: is the distribution of the models themselves nearer to that of retrained ones?"""

from __future__ import annotations

from functools import partial

import numpy as np

from deepnet.confirm.findings import Findings, NotMeasuredError
from deepnet.confirm.groups import Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, STOPPING, evidence, unless_tied
from deepnet.confirm.panels import bars
from deepnet.house.seeding import generator
from deepnet.metrics.klom import klom, klom_null
from simulate.house import ties
from theory.ledger import Claim, Control, Region
from theory.statistics import Estimate, bootstrap, exact

__all__ = ["CLAIMS"]

_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_TUNED, _RETRAINED = Group("finetune"), Group("retrain")
_LEAST = 2
"""Fewest models of a histogram."""
_LEAST_OF_NULL = 4


def _margins(findings: Findings, *groups: Group) -> list[list[np.ndarray]]:
    """For each forget set the margins of each group and then of the retrained models, all (models, samples)."""
    every = (*groups, _RETRAINED)
    sets = findings.forget_sets(**groups[0].where(findings))
    found = [[findings.margins(**group.on(name).where(findings)) for group in every] for name in sets]
    if not found:
        raise NotMeasuredError(f"no model of {groups[0].label}")
    if len({len(margins) for one in found for margins in one}) > 1:
        raise NotMeasuredError("the groups that are compared have different numbers of models")
    return found


def _farther(findings: Findings, one: Group, other: Group) -> Estimate:
    """KLoM of one group less that of another, mean over forget sets; bootstrap over seeds."""
    sets = _margins(findings, one, other)
    models = len(sets[0][0])
    if models < _LEAST or not all(np.isfinite(margins).all() for each in sets for margins in each):
        return Estimate(np.nan, np.nan, models - 1)

    def statistic(chosen: np.ndarray) -> float:
        differences = []
        for mine, theirs, retrained in sets:
            reference = retrained[chosen]
            found = [klom(margins[chosen], reference).mean for margins in (mine, theirs)]
            differences.append(ties.difference(*found))
        return float(np.mean(differences))

    return unless_tied(bootstrap(statistic, models, generator(0, "klom", one.label, other.label)))


def _floor(findings: Findings) -> Estimate:
    """KLoM between halves of the retrained models, which differ by chance alone."""
    kept = [one[-1] for one in _margins(findings, _RETRAINED)]
    known = [each for each in kept if len(each) >= _LEAST_OF_NULL and np.isfinite(each).all()]
    if not known:
        raise NotMeasuredError(f"halves of retrained models need {_LEAST_OF_NULL} of them")
    return exact(float(np.mean([klom_null(each).mean for each in known])))


def _remark(findings: Findings) -> str:
    models = len({row["seed"] for row in findings.found(**_ASAM.where(findings))})
    return (
        f"{models} models a group. KLoM of few models is mostly noise: its originators use a hundred a side, and the "
        "noise floor stands beside it. Samples of the forget and the test set count alike."
    )


CLAIMS = (
    Claim(
        name="asam-nearer-by-klom",
        number=12,
        title="NegGrad with ASAM is nearer to the retrained models than with SGD, by KLoM",
        source="Not a claim of the paper; the measure is that of Rinberg et al. 2025",
        statement=(
            r"\mathrm{KLoM} = \mathrm{mean}_x\,D_\mathrm{KL}(p_\mathrm{unlearned}\,\Vert\,p_\mathrm{retrained}),\quad "
            r" \mathrm{KLoM}_\mathrm{ASAM} - \mathrm{KLoM}_\mathrm{SGD} \leq 0"
        ),
        effect="KLoM of NegGrad with ASAM, less that with SGD",
        supported=Region(high=0.0),
        refuted_if="It is farther from the retrained models with ASAM.",
        experiment=f"{EXPERIMENT} Margins of the forget and test samples of every seed's model, every forget set.",
        stopping_rule=STOPPING,
        statistic=(
            "Mean over forget sets; bootstrap over seeds, which draws the models of all groups together, with "
            "Student's interval (Bonferroni over the ledger)."
        ),
        control=Control(
            name="fine-tuning is nearer to the retrained models than NegGrad with SGD, by 3 nats or more",
            region=Region(high=-3.0),
        ),
        measure=partial(
            evidence,
            effect=partial(_farther, one=_ASAM, other=_PLAIN),
            control=partial(_farther, one=_TUNED, other=_PLAIN),
            groups=(_RETRAINED, _PLAIN, _SAM, _ASAM, _TUNED),
            more={"KLoM of retrained against retrained (noise)": _floor},
            picture=bars("klom", "KLoM, mean over forget sets", (_PLAIN, _SAM, _ASAM, _TUNED, Group("pretrained"))),
            remark=_remark,
        ),
        family="ours",
    ),
)
