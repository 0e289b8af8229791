"""The opposing claim: weaker signal, and hence more memorisation, makes forgetting easier."""

from __future__ import annotations

import numpy as np
from scipy import stats

from simulate.house import ties
from theory.experiments import choices
from theory.experiments.lab import Lab
from theory.experiments.unlearning import phase_from_end, snr_line
from theory.experiments.words import INSIDE, MATCHED, SIZES, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import CORRELATIONS, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How long forgetting takes"


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's, tied y of one rank; 0 where all y are tied, which orders nothing."""
    rank = ties.levels(y)
    return 0.0 if np.ptp(rank) == 0 else float(stats.spearmanr(x, rank).statistic)


def _measure(lab: Lab) -> Evidence:
    data = lab.once(snr_line)
    signal = data["place"].values
    steps = phase_from_end(data, "phase_steps").transpose("seed", "place").values
    effect, rng = (
        from_replicates(np.array([_rank_correlation(signal, row) for row in steps]), range=CORRELATIONS),
        lab.rng("order"),
    )
    excess = data["test_error"].transpose("seed", "place").values
    means = [from_replicates(column) for column in steps.T]
    low, high = (np.array(ends) for ends in zip(*(mean.interval() for mean in means), strict=True))
    return Evidence(
        effect=effect,
        control=effect,
        null=from_replicates(
            np.array([_rank_correlation(rng.permutation(signal), row) for row in steps]), range=CORRELATIONS
        ),
        n_runs=data.attrs["n_runs"],
        details={
            "rank correlation of signal and test error after": from_replicates(
                np.array([_rank_correlation(signal, row) for row in excess]), range=CORRELATIONS
            ),
            "steps at the strongest signal over the weakest": from_replicates(steps[:, -1] / steps[:, 0]),
        },
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=Picture(
            r"signal over $d^{1/4}n^{-1/4}(P-1)\sigma_p$",
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
        experiment=f"{SIZES}, d = 2,000, ‖φ‖ = 0.7 to 3.5 d^¼ n^-¼ q; SGD, then NegGrad with SGD at α = 0.7; {INSIDE}.",
        stopping_rule=MATCHED + replicated(30, 200),
        statistic="Spearman correlation over the five signals in every replicate; Student's interval over replicates.",
        null=Control(name="signals in an order of chance", region=Region.around(0.0, 0.3)),
        hypotheses=HYPOTHESES,
        choices=(*choices.UNLEARNING, choices.DIMENSION),
        control=Control(name="the signal alone orders the steps: a rank correlation of 0.9", region=Region(low=0.9)),
        measure=_measure,
        family="ours",
    ),
)
