"""Can a network pretrained with SAM be made to forget at every dimension?"""

from __future__ import annotations

from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.protocols import has_forgotten
from theory.experiments.unlearning import forgettable, never_learned
from theory.experiments.words import INSIDE, MATCHED, SIZES, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import from_fractions

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How long forgetting takes"


def _measure(lab: Lab) -> Evidence:
    data = lab.once(forgettable)
    forgotten = Course(lab).forgotten(data).transpose("pretraining", "d", "seed").values.astype(float)
    d = data["d"].values.astype(float)
    curves = tuple(
        Curve(f"{name} pretraining", d, forgotten[number].mean(axis=1), style="both")
        for number, name in enumerate(data["pretraining"].values)
    )
    effect = from_fractions(forgotten[1, -1], 1)
    return Evidence(
        effect=effect,
        control=from_fractions(forgotten[1, 0], 1),
        null=from_fractions(
            has_forgotten(lab.once(never_learned), choices.STOP.primary).sel(pretraining="SAM").values.astype(float), 1
        ),
        n_runs=data.attrs["n_runs"],
        details={
            f"{name} pretraining, d = {size:,}": from_fractions(forgotten[i, k], 1)
            for i, name in enumerate(data["pretraining"].values)
            for k, size in enumerate(data["d"].values)
        },
        conditions=conditions_of(data.sel(pretraining="SAM", d=data["d"].values[-1:])),
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
        effect="fraction of the runs forgotten at the largest d",
        supported=Region(low=0.9),
        refuted_if="Less than nine tenths of the runs are forgotten.",
        experiment=(
            "Pretraining to a loss of 0.05 with SGD or SAM, ‖φ‖ = 2 (P-1)σ_p, then NegGrad with SGD at α = 0.7; "
            f"{SIZES}, d = 500 to 2,000 (quick), 8,000 (full); {INSIDE}."
        ),
        stopping_rule=MATCHED + replicated(10, 60),
        statistic="Fraction over replicates, Student's interval of at least the binomial width.",
        control=Control(name="at the smallest d not even half of them are", region=Region(high=0.5)),
        null=Control(name="what was never learned is forgotten in all runs", region=Region(low=0.8)),
        hypotheses=HYPOTHESES,
        choices=choices.UNLEARNING,
        measure=_measure,
        family="ours",
    ),
)
