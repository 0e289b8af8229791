"""Can a network pretrained with SAM be made to forget at every dimension?"""

from __future__ import annotations

from theory.experiments.lab import Lab
from theory.experiments.protocols import FORGOTTEN
from theory.experiments.unlearning import forgettable
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import from_fractions

__all__ = ["CLAIMS"]


def _measure(lab: Lab) -> Evidence:
    data = lab.once(forgettable)
    forgotten = (data["forget_accuracy"] <= FORGOTTEN).transpose("pretraining", "d", "seed").values.astype(float)
    d = data["d"].values.astype(float)
    curves = tuple(
        Curve(f"{name} pretraining", d, forgotten[number].mean(axis=1), style="both")
        for number, name in enumerate(data["pretraining"].values)
    )
    effect = from_fractions(forgotten[1, -1], 1)
    return Evidence(
        effect=effect,
        control=from_fractions(forgotten[1, 0], 1),
        n_runs=data.attrs["n_runs"],
        details={
            f"{name} pretraining, d = {size:,}": from_fractions(forgotten[i, k], 1)
            for i, name in enumerate(data["pretraining"].values)
            for k, size in enumerate(data["d"].values)
        },
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=Picture("dimension $d$", "fraction of the runs forgotten", curves, x_log=True),
        remark=(
            "After pretraining few noise neurons of the other class are active, the fewer the larger d. Once "
            "ascent has "
            "switched off those of the own class, only the signal is left to forget with, and its step shrinks as 1/d."
        ),
    )


CLAIMS = (
    Claim(
        name="sam-pretrained-forgets-at-every-d",
        number=19,
        title="NegGrad with SGD makes a SAM-pretrained network forget at every dimension",
        source="Taken for granted by Theorem 3.3 in the reading of group 8; the doubt is ours [N]",
        statement=STATEMENTS["signal_balance"].latex,
        effect="fraction of the runs forgotten at d = 10^6",
        supported=Region(low=0.9),
        refuted_if="Less than nine tenths of the runs are forgotten.",
        experiment=(
            "Pretraining to a loss of 0.05 with SGD or SAM at SAM's weights, ‖φ‖ = 1.5 (P-1)σ_p, then NegGrad "
            "with SGD at "
            "α = 0.7; n = 40, |F| = 4, m = 10, p = 0.1, d = 10^4, 10^5, 10^6."
        ),
        stopping_rule="Forget accuracy 0.5 or 4,000 steps of size ∝ 1/d; 24 replicates (quick), 200 (full).",
        statistic="Fraction over replicates, Student's interval of at least the binomial width.",
        control=Control(name="at d = 10^4 not even half of them are", region=Region(high=0.5)),
        measure=_measure,
        family="ours",
    ),
)
