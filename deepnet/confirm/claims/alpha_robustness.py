"""Which optimizer bears a small weight α of the retain set."""

from __future__ import annotations

from functools import partial

import numpy as np

from deepnet.confirm.findings import Findings, NotMeasuredError
from deepnet.confirm.groups import OPTIMIZERS, Group, Optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, TOW, Measured, evidence, mean, unless_tied
from deepnet.confirm.panels import curve
from simulate.house import ties
from theory.ledger import Claim, Control, Picture, Region
from theory.statistics import Estimate, from_replicates

__all__ = ["CLAIMS"]

_STUDY, _WORD = "alpha", "alpha="


def _alphas(findings: Findings) -> list[float]:
    """The α that were tried, from large to small."""
    words = {str(row["variant"]) for row in findings.study(_STUDY)}
    found = sorted((float(word.removeprefix(_WORD)) for word in words if word.startswith(_WORD)), reverse=True)
    if len(found) < 2:
        raise NotMeasuredError("NegGrad was not tried with several α")
    return found


def _group(alpha: float, optimizer: Optimizer) -> Group:
    return Group("neggrad", optimizer, study=_STUDY, variant=f"{_WORD}{alpha:g}")


def _losses(findings: Findings, *optimizers: Optimizer) -> np.ndarray:
    """ToW at the largest α less that at the smallest, (seeds, optimizers)."""
    alphas = _alphas(findings)
    groups = [_group(alpha, optimizer) for alpha in (alphas[0], alphas[-1]) for optimizer in optimizers]
    tow = findings.paired("tow", *(group.where(findings) for group in groups))
    return tow[:, : len(optimizers)] - tow[:, len(optimizers) :]


def _loss(optimizer: Optimizer) -> Measured:
    return lambda findings: from_replicates(_losses(findings, optimizer)[:, 0])


def _loses_more(one: Optimizer, other: Optimizer) -> Measured:
    def measured(findings: Findings) -> Estimate:
        losses = _losses(findings, one, other)
        return unless_tied(from_replicates(ties.difference(losses[:, 0], losses[:, 1], scale=1.0)))

    return measured


def _picture(findings: Findings) -> Picture:
    alphas = _alphas(findings)
    curves = [
        curve(name, np.array(alphas), [mean("tow", _group(alpha, name))(findings) for alpha in alphas], joined=True)
        for name in OPTIMIZERS
    ]
    return Picture(r"$\alpha$", "tug of war", tuple(curves))


def _ends(findings: Findings) -> list[Group]:
    """NegGrad at the largest and the smallest α, with each optimizer."""
    alphas = _alphas(findings)
    return [_group(alpha, name) for name in OPTIMIZERS for alpha in (alphas[0], alphas[-1])]


_PAIRS: tuple[tuple[Optimizer, Optimizer], ...] = (("SGD", "SAM"), ("SAM", "ASAM"))

CLAIMS = tuple(
    Claim(
        name=f"small-alpha-hurts-{one.lower()}-more-than-{other.lower()}",
        number=3,
        title=f"Lowering α costs {one} more ToW than {other}",
        source="Ablation of the unlearning paper as its published summary states it: SGD collapses first [S]",
        statement=(
            rf"{TOW},\quad \delta_{{\mathrm{{{one}}}}} \geq \delta_{{\mathrm{{{other}}}}},\quad "
            r"\delta = \mathrm{ToW}(\alpha_{\mathrm{max}}) - \mathrm{ToW}(\alpha_{\mathrm{min}})"
        ),
        effect=f"ToW that NegGrad loses from the largest α to the smallest with {one}, less what it loses with {other}",
        supported=Region(low=0.0),
        refuted_if=f"{other} loses more.",
        experiment=f"{EXPERIMENT} NegGrad over α after pretraining with SGD, the first forget set.",
        stopping_rule=STOPPING,
        statistic=PAIRED,
        control=Control(name="α does not matter: SGD loses no ToW within 0.02", region=Region.around(0.0, 0.02)),
        measure=partial(
            evidence,
            effect=_loses_more(one, other),
            control=_loss("SGD"),
            groups=_ends,
            more={f"loss of ToW, {name}": _loss(name) for name in OPTIMIZERS},
            picture=_picture,
            remark="Largest against smallest α that was tried; the picture has those between.",
        ),
        family="paper",
    )
    for one, other in _PAIRS
)
