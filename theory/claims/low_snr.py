"""The opposing claim: weaker signal, and hence more memorisation, makes forgetting easier."""

from __future__ import annotations

import numpy as np
from scipy import stats

from simulate.house import ties
from theory.experiments.lab import Lab
from theory.experiments.unlearning import phase_from_end, snr_line
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import from_replicates

__all__ = ["CLAIMS"]


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's, tied y of one rank; 0 where all y are tied, which orders nothing."""
    rank = ties.levels(y)
    return 0.0 if np.ptp(rank) == 0 else float(stats.spearmanr(x, rank).statistic)


def _measure(lab: Lab) -> Evidence:
    data = lab.once(snr_line)
    signal = data["signal"].values
    steps = phase_from_end(data, "phase_steps").transpose("seed", "signal").values
    effect = from_replicates(np.array([_rank_correlation(signal, row) for row in steps]))
    excess = data["test_error"].transpose("seed", "signal").values
    means = [from_replicates(column) for column in steps.T]
    low, high = (np.array(ends) for ends in zip(*(mean.interval() for mean in means), strict=True))
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=data.attrs["n_runs"],
        details={
            "rank correlation of signal and test error after": from_replicates(
                np.array([_rank_correlation(signal, row) for row in excess])
            ),
            "steps at the strongest signal over the weakest": from_replicates(steps[:, -1] / steps[:, 0]),
        },
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=Picture(
            r"signal $\|\varphi\|$",
            "steps to forget",
            (Curve("mean", signal, np.array([mean.value for mean in means]), low, high),),
            x_log=True,
        ),
        remark="Steps are of one size and start from one training loss. A tie in steps counts half.",
    )


CLAIMS = (
    Claim(
        name="low-snr-forgets-easier",
        number=16,
        title="A lower signal-to-noise ratio makes forgetting easier: fewer steps",
        source="Abstract of arXiv 2602.02986 [S]; steps as the measure of ease are our reading",
        statement=STATEMENTS["snr"].latex,
        effect="rank correlation of signal strength and steps to forget",
        supported=Region(low=0.0),
        refuted_if="Weaker signals need more steps.",
        experiment=(
            "d = 8,000, n = 40, |F| = 4, m = 10, p = 0.1, SAM's weights, ‖φ‖ = 1 to 11; SGD to a loss of 0.05, "
            "then NegGrad "
            "with SGD at α = 0.7."
        ),
        stopping_rule="Forget accuracy at most 0.5 (4,000 steps at most); 150 replicates (quick), 800 (full).",
        statistic="Spearman correlation over the seven signals in every replicate; Student's interval over replicates.",
        control=Control(name="the signal alone orders the steps: a rank correlation of 0.9", region=Region(low=0.9)),
        measure=_measure,
        family="ours",
    ),
)
