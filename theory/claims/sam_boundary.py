"""Theorem 3.3: with SAM the boundary does not move with d. And where it lies, which the paper leaves open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from theory.experiments import choices
from theory.experiments.boundaries import LEVELS, Lines
from theory.experiments.lab import Lab
from theory.experiments.training import sam
from theory.experiments.words import HALVES, replicated
from theory.formulas.conditions import SCANNED
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, bootstrap, bootstrap_between_halves, slope

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Where SAM's boundary lies"

_SCALES = "σ_0 = 1 / (P σ_p √d), τ = m √n / (P σ_p √d)"
_TRAINING = (
    "SAM for a time η T = 2 m / q², q = (P-1)σ_p, the same at every d, or to a training loss of 0.4; then SGD to 0.05; "
    "the largest steps inside the hypotheses. A longer SAM stage learns weaker signals, and without a limit there is "
    "no boundary at all."
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
    stage = lines.data["d"]["phase_steps"].isel(phase=0)
    lengths = [f"{float(stage.sel(d=d).median()):,.0f} at d = {d:,}" for d in stage["d"].values]
    return Evidence(
        effect=effect,
        control=effect,
        null=lines.exponent_of_halves(lab.rng("halves"), "d")["d"],
        n_runs=lines.n_runs,
        details={**levels, **_onset(lines, "d", lab)},
        conditions=lines.conditions,
        endings=lines.endings,
        picture=_picture(lines, "d", "dimension $d$"),
        remark=(
            f"Median steps of the SAM stage: {'; '.join(lengths)}. See sam-boundary-time for the role of its length."
        ),
    )


def _samples(lab: Lab) -> Evidence:
    lines = lab.once(sam.over_samples)
    effect = lines.exponents(lab.rng("surface"), "n")["n"]
    return Evidence(
        effect=effect,
        control=effect,
        null=lines.exponent_of_halves(lab.rng("halves"), "n")["n"],
        n_runs=lines.n_runs,
        details=_onset(lines, "n", lab),
        conditions=lines.conditions,
        endings=lines.endings,
        picture=_picture(lines, "n", "samples $n$"),
    )


def _endings(runs: Sequence[Lines]) -> dict[str, float]:
    """How the trainings ended, over experiments of one size."""
    words = sorted({word for lines in runs for word in lines.endings})
    return {word: sum(lines.endings.get(word, 0.0) for lines in runs) / len(runs) for word in words}


def _time(lab: Lab) -> Evidence:
    runs = lab.once(sam.over_time)
    times = np.array(sam.TIMES)

    def critical(rows: np.ndarray) -> np.ndarray:
        return np.array([float(lines.critical("d", 0.3, rows)[1][0]) for lines in runs])

    def exponent(rows: np.ndarray) -> float:
        signal = critical(rows)
        return slope(np.log(times), np.log(signal)) if np.all((signal > 0) & np.isfinite(signal)) else np.nan

    effect = bootstrap(exponent, len(runs[0].error), lab.rng("time"))
    measured = critical(np.arange(len(runs[0].error)))
    line = measured[1] * (times / times[1]) ** -0.5
    return Evidence(
        effect=effect,
        control=effect,
        null=bootstrap_between_halves(exponent, len(runs[0].error), lab.rng("halves")),
        n_runs=sum(lines.n_runs for lines in runs),
        conditions=runs[1].conditions,
        endings=_endings(runs),
        picture=Picture(
            r"length of the SAM stage, $\eta T(P-1)^2\sigma_p^2/m$",
            r"critical signal over $(P-1)\sigma_p$",
            (Curve("test error 0.3", times, measured), Curve("exponent -0.5", times, line, style="line")),
            x_log=True,
            y_log=True,
        ),
        remark="The longer the SAM stage, the weaker the signal that suffices: Ω(1) holds at a time of order 1.",
    )


CLAIMS = (
    Claim(
        name="sam-boundary-time",
        number=7,
        title="SAM: the signal it needs falls as the square root of the length of its stage",
        source="[D]: κ grows as η‖φ‖²T/m while noise neurons are off; Chen et al. 2023 let T go as 1/‖φ‖² [M 65%]",
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="exponent of ηT in the critical signal at test error 0.3",
        supported=Region.around(-0.5, 0.1),
        refuted_if="The exponent differs from -1/2 by more than 0.1 (equivalence test).",
        experiment=f"{_SCALES}, d = 1,000, n = 20, m = 10, p = 0.1; SAM for ηT q²/m = 0.5, 2, 8, then SGD to 0.05.",
        stopping_rule="9 signals of 0.15 to 2.2 (P-1)σ_p at each time; " + replicated(6, 40),
        statistic="Slope of the critical signals; standard error by bootstrap over replicates.",
        control=Control(name="the time does not matter", region=Region.around(0.0, 0.1)),
        measure=_time,
        family="ours",
        null=HALVES,
        hypotheses=SCANNED,
        choices=choices.TRAINING,
    ),
    Claim(
        name="sam-boundary-d",
        number=7,
        title="SAM for a time ηT = 2m/q², then SGD: the signal it needs does not grow with d",
        source=(
            "Theorem 3.3 of the unlearning paper as its summaries state it [S]; Chen et al. 2023, Theorem 4.1 [M 80%]"
        ),
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="exponent of d in the critical signal",
        supported=Region(high=0.05),
        refuted_if="The exponent exceeds 0.05. A signal of Ω(1) suffices, the theorem says: one that falls is no "
        "contradiction.",
        experiment=f"{_SCALES}, n = 20, m = 10, p = 0.1, d = 1,000 and 2,000 (quick), to 8,000 (full). {_TRAINING}",
        stopping_rule="8 signals of 0.15 to 1.5 (P-1)σ_p at each d; " + replicated(6, 24),
        statistic=_STATISTIC,
        control=Control(name="it grows as d to the 1/4, as with SGD", region=Region.around(0.25, 0.05)),
        measure=_dimension,
        family="ours",
        null=HALVES,
        hypotheses=SCANNED,
        choices=choices.TRAINING,
    ),
    Claim(
        name="sam-weak-signal-onset",
        number=14,
        title="SAM for ηT = 2m/q², weak signal: where harmful overfitting begins does not depend on n",
        source="Open in the paper (its limitations [S]); the form of the answer is ours",
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="exponent of n in the critical signal",
        supported=Region.around(0.0, 0.1),
        refuted_if="The exponent differs from 0 by more than 0.1 (equivalence test).",
        experiment=(
            f"{_SCALES}, d = 1,000 (quick), 2,000 (full), m = 10, p = 0.1, n = 10, 20 (quick), 40 (full). {_TRAINING}"
        ),
        stopping_rule="8 signals of 0.15 to 1.5 (P-1)σ_p at each n; " + replicated(8, 40),
        statistic=_STATISTIC,
        control=Control(name="it falls as n to the -1/4, as with SGD", region=Region.around(-0.25, 0.1)),
        measure=_samples,
        family="open",
        null=HALVES,
        hypotheses=SCANNED,
        choices=choices.TRAINING,
    ),
)
