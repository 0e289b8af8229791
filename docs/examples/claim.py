"""Do wrong labels lengthen training?"""

from dataclasses import replace

import numpy as np

from simulate import Cell, with_sam_weights, with_small_weights
from theory import Lab
from theory.experiments import fit
from theory.experiments.unlearning import STANDARD
from theory.ledger import Choice, Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import from_replicates

__all__ = ["CLAIMS"]

FLIPS = (0.0, 0.1, 0.2, 0.3)
FITTED = Choice(
    name="fitted",
    words="training loss that is waited for",
    primary=0.01,
    others=(0.05, 0.3),
    reason="All labels are fitted; until 0.3 the clean ones alone may do.",
)
SIGNAL = Choice(
    name="signal",
    words="signal ‖φ‖",
    primary=1.0,
    others=(3.2, 7.9),
    reason="Far below the boundary of benign overfitting, so that noise has to fit; the others lie at it and above.",
)
WEIGHTS = Choice(
    name="weights",
    words="initial weights",
    primary=with_small_weights,
    others=(with_sam_weights,),
    reason="Those of SGD's theorem; SAM's asks for others.",
    labels={with_small_weights: "SGD's", with_sam_weights: "SAM's"},
)


def _measure(lab: Lab) -> Evidence:
    def make(seed: int, flip: float) -> Cell:
        problem = lab.pick(WEIGHTS)(replace(STANDARD, signal=lab.pick(SIGNAL), label_flip=flip))
        return Cell(problem, (fit(problem, loss=lab.pick(FITTED)),), seed)

    data = lab.grid("flips and fitting", make, {"flip": FLIPS}, replicates=lab.choose(quick=20, full=200))
    slower = np.log(data["steps"] / data["steps"].sel(flip=0.0)).transpose("flip", "seed").values
    effect = from_replicates(slower[-1])
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=data.attrs["n_runs"],
        conditions=data.attrs["conditions"],
        picture=Picture(
            "label flips $p$",
            "steps over those at $p = 0$",
            (Curve("geometric mean", np.array(FLIPS), np.exp(slower.mean(axis=1)), style="both"),),
        ),
    )


CLAIMS = (
    Claim(
        name="flips-do-not-slow-fitting",
        number=33,
        title="Three wrong labels in ten do not lengthen the training of SGD",
        source="[D] noise neurons fit every label alike; ours, not a claim of the paper",
        statement=r"\log\,T(p = 0.3) - \log\,T(p = 0) = 0",
        effect="log of the steps to a loss of 0.01, p = 0.3 over p = 0",
        supported=Region.around(0.0, 0.1),
        refuted_if="The numbers of steps differ by more than a tenth.",
        experiment="d = 2,000, n = 20, m = 10, ‖φ‖ = 1, small weights, full-batch SGD.",
        stopping_rule="Training loss 0.01, 5,000 steps at most; 20 replicates (quick), 200 (full).",
        statistic="Log ratio paired by seed, mean, Student's interval.",
        control=Control(name="training takes twice as long", region=Region.around(np.log(2.0), 0.1)),
        measure=_measure,
        family="ours",
        choices=(FITTED, SIGNAL, WEIGHTS),
    ),
)
