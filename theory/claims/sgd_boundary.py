"""Theorem 3.2 at its boundary: the exponents of d, n and the noise, and the role of the initial weights."""

from __future__ import annotations

import numpy as np

from theory.experiments import choices
from theory.experiments.boundaries import LEVELS, Lines
from theory.experiments.lab import Lab
from theory.experiments.training import sgd
from theory.experiments.words import HALVES, replicated
from theory.formulas.conditions import SCANNED
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Where SGD's boundary lies"

_SOURCE = (
    "Chen et al. 2023, Theorem 3.2 [M 90%], for plain training; the unlearning paper's Theorem 3.2 has the same "
    "threshold "
    "after NegGrad [S], for which see group 8"
)
_IDENTITY = (
    "; by rescaling the data, and since copied patches act as one longer vector, the runs at different (P-1)σ_p "
    "are the "
    "same run in other units: an identity [D], kept as a check of the simulator"
)
_STATISTIC = (
    "Ratio of exponents in the pooled model te = p + (1 - 2p) Φ(-a ‖φ‖^b d^e n^c q^f), fitted to all cells; standard "
    "error by bootstrap over replicates."
)
_STOPPING = (
    "Each run stops at a training loss of 0.05 (125,000 steps at most); the experiment after 8 signals on each point "
    "of three lines; " + replicated(10, 60) + " No interim looks."
)
_EXPERIMENT = (
    "SGD from small weights, σ_0 = 0.1 √n / (q d) with q = (P-1) σ_p, p = 0.1, m = 10, at the largest step inside the "
    "hypotheses, along lines that cross at d = 6,400, n = 20, q = 1: d = 1,000 to 32,000 (quick to 16,000), n = 10 to "
    "80, q = 1/4 to 4 (through σ_p and through P)."
)
_CHOICES = (choices.PRETRAINED, choices.BATCH, choices.FILTERS, choices.PATCHES, choices.LAW, choices.STEP)
_LABELS = {"d": "dimension $d$", "n": "samples $n$", "noise": r"noise scale $(P-1)\sigma_p$"}


def _picture(lines: Lines, factor: str, predicted: float) -> Picture:
    curves = []
    for level in LEVELS:
        values, signal = lines.critical(factor, level)
        inside = (signal > 0) & np.isfinite(signal)
        if not inside.any():
            continue
        values, signal = values[inside], signal[inside]
        curves.append(Curve(f"test error {level:g}", values, signal))
        middle = np.exp(np.mean(np.log(signal) - predicted * np.log(values)))
        curves.append(Curve(f"exponent {predicted:g}", values, middle * values**predicted, style="line"))
    return Picture(_LABELS[factor], r"critical signal $\|\varphi\|$", tuple(curves), x_log=True, y_log=True)


def _evidence(lab: Lab, lines: Lines, factor: str, predicted: float, *pooled: str) -> Evidence:
    where = lines.line == "noise" if factor == "noise" else None
    effect = lines.exponents(lab.rng("surface"), *pooled, where=where)[factor]
    levels = {
        f"exponent at test error {level:g} alone": lines.level_slope(factor, level, lab.rng("level", factor))
        for level in LEVELS
    }
    return Evidence(
        effect=effect,
        control=effect,
        null=lines.exponent_of_halves(lab.rng("halves"), *pooled, where=where)[factor],
        n_runs=lines.n_runs,
        details=levels | ({} if factor == "noise" else lines.drift(factor, lab.rng("drift", factor))),
        conditions=lines.conditions if where is None else lines.conditions_where(where),
        endings=lines.endings,
        picture=_picture(lines, factor, predicted),
    )


def _exponent(factor: str, words: str, law: str, predicted: float, margin: float, control: float) -> Claim:
    return Claim(
        name=f"sgd-boundary-{factor}",
        number=4,
        title=f"SGD: the signal it needs {law}, within {margin:g}",
        source=_SOURCE + (_IDENTITY if factor == "noise" else ""),
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect=f"exponent of {words} in the critical signal",
        supported=Region.around(predicted, margin),
        refuted_if=f"The exponent differs from {predicted:g} by more than {margin:g} (equivalence test).",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        control=Control(name=f"the exponent is {control:g}", region=Region.around(control, margin)),
        measure=lambda lab: _evidence(
            lab, lab.once(sgd.small_weights), factor, predicted, *(("noise",) if factor == "noise" else ("d", "n"))
        ),
        family="ours",
        null=HALVES,
        hypotheses=SCANNED,
        choices=_CHOICES,
    )


CLAIMS = (
    _exponent("d", "d", "grows as the fourth root of d", 0.25, 0.05, 0.5),
    _exponent("n", "n", "falls as the fourth root of n", -0.25, 0.1, 0.0),
    _exponent("noise", "(P-1) σ_p", "grows in proportion to (P−1)σ_p, an identity", 1.0, 0.05, 0.5),
    Claim(
        name="sgd-boundary-d-large-weights",
        number=4,
        title="SGD: the growth as the fourth root of d survives the initial weights of SAM's theorem",
        source=f"{_SOURCE}; that it might not is [D+N]",
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="exponent of d in the critical signal",
        supported=Region.around(0.25, 0.05),
        refuted_if="The exponent differs from 0.25 by more than 0.05 (equivalence test).",
        experiment=(
            "SGD from σ_0 = 1 / (P σ_p √d), which Theorem 3.3 asks for and the conditions of Theorem 3.2 exclude, "
            "d = 1,000 to 16,000, n = 20, m = 10, p = 0.1."
        ),
        stopping_rule=(
            "Each run stops at a training loss of 0.05 (125,000 steps at most); the experiment after 7 signals at 3 "
            "dimensions (quick), 5 (full); " + replicated(10, 60)
        ),
        statistic=_STATISTIC,
        control=Control(name="the boundary does not move with d", region=Region.around(0.0, 0.05)),
        measure=lambda lab: _evidence(lab, lab.once(sgd.large_weights), "d", 0.25, "d"),
        family="ours",
        null=HALVES,
        hypotheses=SCANNED,
        choices=_CHOICES,
    ),
)
