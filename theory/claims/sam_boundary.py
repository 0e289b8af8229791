"""Theorem 3.3: with SAM the boundary does not move with d. And where it lies, which the paper leaves open."""

from __future__ import annotations

import numpy as np

from theory.experiments import sam
from theory.experiments.boundaries import LEVELS, Lines
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statements import STATEMENTS
from theory.statistics import Estimate, bootstrap

__all__ = ["CLAIMS"]

_SCALES = "σ_0 = 1 / (P σ_p √d), τ = m √n / (P σ_p √d)"
_TRAINING = (
    "SAM for a time η T = 2 m / q², the same at every d, or to a training loss of 0.4; then SGD to 0.01. A longer SAM "
    "stage would learn any signal whatever, and there would be no boundary at all."
)
_STATISTIC = (
    "Ratio of exponents in the pooled model te = p + (1 - 2p) Φ(-a ‖φ‖^b x^e), fitted to all cells; standard error by "
    "bootstrap over replicates."
)


def _picture(lines: Lines, factor: str, label: str) -> Picture:
    curves = tuple(Curve(f"test error {level:g}", *lines.critical(factor, level), style="both") for level in LEVELS)
    return Picture(label, r"critical signal over $(P-1)\sigma_p$", curves, x_log=True, y_log=True)


def _onset(lines: Lines, factor: str, lab: Lab) -> dict[str, Estimate]:
    """Where the error passes p + 0.1 at each size, in units of the noise."""
    values = lines.critical(factor, 0.2)[0]
    return {
        f"harmful below this signal, {factor} = {value:g}": bootstrap(
            lambda rows, number=number: float(lines.critical(factor, 0.2, rows)[1][number]),  # type: ignore[misc]
            len(lines.error),
            lab.rng("onset"),
        )
        for number, value in enumerate(values)
    }


def _dimension(lab: Lab) -> Evidence:
    lines = lab.once(sam.over_dimension)
    effect = lines.exponents(lab.rng("surface"), "d")["d"]
    levels = {
        f"exponent at test error {level:g} alone": lines.level_slope("d", level, lab.rng("level")) for level in LEVELS
    }
    stage = np.array([data["phase_steps"].isel(phase=0).median() for data in lines.data.values()])
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=lines.n_runs,
        details={**levels, **_onset(lines, "d", lab)},
        conditions=lines.conditions,
        picture=_picture(lines, "d", "dimension $d$"),
        remark=f"Median length of the SAM stage: {stage[0]:.0f} steps over all cells.",
    )


def _samples(lab: Lab) -> Evidence:
    lines = lab.once(sam.over_samples)
    effect = lines.exponents(lab.rng("surface"), "n")["n"]
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=lines.n_runs,
        details=_onset(lines, "n", lab),
        conditions=lines.conditions,
        picture=_picture(lines, "n", "samples $n$"),
    )


CLAIMS = (
    Claim(
        name="sam-boundary-d",
        number=7,
        title="SAM, then SGD: the signal it needs does not grow with d",
        source=(
            "Theorem 3.3 of the unlearning paper as its summaries state it [S]; Chen et al. 2023, Theorem 4.1 [M 80%]"
        ),
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="exponent of d in the critical signal",
        supported=Region.around(0.0, 0.05),
        refuted_if="The exponent differs from 0 by more than 0.05 (equivalence test).",
        experiment=f"{_SCALES}, n = 20, m = 10, p = 0.1, d = 10^4 to 10^6 (quick), to 10^8 (full). {_TRAINING}",
        stopping_rule="8 signals of 0.15 to 1.5 (P-1)σ_p at each d, 8 replicates (quick), 24 (full).",
        statistic=_STATISTIC,
        control=Control(name="it grows as d to the 1/4, as with SGD", region=Region.around(0.25, 0.05)),
        measure=_dimension,
    ),
    Claim(
        name="sam-weak-signal-onset",
        number=14,
        title="SAM at a signal of order one: harmful overfitting begins at a multiple of (P-1)σ_p that n does not move",
        source="Open in the paper (its limitations [S]); the form of the answer is ours",
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="exponent of n in the critical signal",
        supported=Region.around(0.0, 0.1),
        refuted_if="The exponent differs from 0 by more than 0.1 (equivalence test).",
        experiment=f"{_SCALES}, d = 10^5, m = 10, p = 0.1, n = 20, 40, 80. {_TRAINING}",
        stopping_rule="8 signals of 0.15 to 1.5 (P-1)σ_p at each n, 14 replicates (quick), 80 (full).",
        statistic=_STATISTIC,
        control=Control(name="it falls as n to the -1/4, as with SGD", region=Region.around(-0.25, 0.1)),
        measure=_samples,
        core=False,
    ),
)
