"""Flat landscapes: of models pretrained with ASAM, and of models pretrained with SGD that have unlearned."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from deepnet.confirm.findings import Findings, Row
from deepnet.confirm.groups import OPTIMIZERS, Group
from deepnet.confirm.paired_evidence import EXPERIMENT, STOPPING, Measured, evidence, unless_tied
from deepnet.confirm.panels import panel
from simulate.house import ties
from theory.ledger import Claim, Control, Region
from theory.statistics import Estimate, from_replicates

__all__ = ["CLAIMS"]

_TOP, _FORGET = "hessian_top", "hessian_top_forget"
_BEFORE = tuple(Group("pretrained", pretrain=name, study="curvature") for name in OPTIMIZERS)
_AFTER = tuple(Group("neggrad", pretrain=name, study="curvature") for name in OPTIMIZERS)


def _log10(column: str) -> Callable[[Row], float | None]:
    """log10 of a column; none where it is not positive."""

    def measured(row: Row) -> float | None:
        value = row.get(column)
        return math.log10(value) if value is not None and value > 0 else None

    return measured


def _log_ratio(column: str, one: Group, other: Group) -> Measured:
    """log10 of a column of a group over that of another, at the seeds whose curvature was looked at."""

    def measured(findings: Findings) -> Estimate:
        seeds = findings.measured_seeds(column, one.study)
        values = findings.paired(_log10(column), one.where(findings), other.where(findings), seeds=seeds)
        return unless_tied(from_replicates(ties.difference(values[:, 0], values[:, 1])))

    return measured


def _log_mean(column: str, group: Group) -> Measured:
    def measured(findings: Findings) -> Estimate:
        seeds = findings.measured_seeds(column, group.study)
        return from_replicates(findings.paired(_log10(column), group.where(findings), seeds=seeds)[:, 0])

    return measured


def _numbers() -> dict[str, Measured]:
    """Curvatures, and their change by NegGrad, of models pretrained with each optimizer."""
    found: dict[str, Measured] = {}
    for column, words in ((_TOP, "retain"), (_FORGET, "forget")):
        for before, after in zip(_BEFORE, _AFTER, strict=True):
            found[f"log₁₀ λ of the {words} loss, {before.label}"] = _log_mean(column, before)
            found[f"log₁₀ λ of the {words} loss, {after.label}, after over before"] = _log_ratio(column, after, before)
    return found


_PICTURE = panel(
    "log₁₀ of the largest Hessian eigenvalue",
    {
        f"{words} loss": {group.label: _log_mean(column, group) for group in (*_BEFORE, *_AFTER)}
        for column, words in ((_TOP, "retain"), (_FORGET, "forget"))
    },
)


def _claim(
    name: str, title: str, source: str, statement: str, effect: str, refuted_if: str, one: Group, other: Group
) -> Claim:
    return Claim(
        name=name,
        number=6,
        title=title,
        source=source,
        statement=statement,
        effect=effect,
        supported=Region(high=0.0),
        refuted_if=refuted_if,
        experiment=f"{EXPERIMENT} Pretraining with each optimizer, NegGrad with SGD; the first forget set; Lanczos.",
        stopping_rule=STOPPING,
        statistic=(
            "log10 of the ratio, paired by seed, Student's interval (Bonferroni over the ledger), over the seeds whose "
            "curvature was looked at."
        ),
        control=Control(
            name="NegGrad with SGD leaves the curvature of the forget loss as it was: log₁₀ ratio within 0.1",
            region=Region.around(0.0, 0.1),
        ),
        measure=partial(
            evidence,
            effect=_log_ratio(_TOP, one, other),
            control=_log_ratio(_FORGET, _AFTER[0], _BEFORE[0]),
            groups=(*_BEFORE, *_AFTER, Group("retrain", study="curvature")),
            more=_numbers(),
            picture=_PICTURE,
            remark="Curvature of the loss at the weights as they are; a rescaling of the weights changes it.",
        ),
        family="paper",
    )


_LAMBDA = r"\lambda = \lambda_\mathrm{max}(\nabla^2 L_R)"
CLAIMS = (
    _claim(
        "asam-pretrains-flatter",
        "Models pretrained with ASAM are flatter than those pretrained with SGD",
        "Loss landscapes of the unlearning paper as its published summary states it [S]",
        rf"{_LAMBDA},\quad \log_{{10}}(\lambda_\mathrm{{ASAM}} / \lambda_\mathrm{{SGD}}) \leq 0",
        "log₁₀ of the largest Hessian eigenvalue of the retain loss after pretraining, ASAM over SGD",
        "It is larger after pretraining with ASAM.",
        _BEFORE[-1],
        _BEFORE[0],
    ),
    _claim(
        "sgd-flattens-by-unlearning",
        "Models pretrained with SGD become flatter by unlearning",
        "Observed by the unlearning paper and left unexplained, as its published summary states it [S]",
        rf"{_LAMBDA},\quad \log_{{10}}(\lambda_\mathrm{{after}} / \lambda_\mathrm{{before}}) \leq 0",
        "log₁₀ of the largest Hessian eigenvalue of the retain loss, after NegGrad with SGD over before",
        "It is larger after unlearning.",
        _AFTER[0],
        _BEFORE[0],
    ),
)
