"""The bounds on the noise coefficients, looked at all along a training."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from theory.experiments import choices
from theory.experiments.lab import Lab, lies_outside
from theory.experiments.training.memory import LEAST, POINTS, Path, paths
from theory.experiments.words import INSIDE, SIZES, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import between_halves, exact, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "The decomposition and its bounds"


def _margins(found: list[Path]) -> dict[str, tuple[float, float]]:
    """Margins of the hypotheses: all trainings are of one problem."""
    return {name: (margin, float(lies_outside(margin))) for name, margin in found[0].margins.items()}


def _picture(found: list[Path]) -> Picture:
    """The training whose memory comes nearest to its bound."""
    path = max(found, key=lambda each: each.of_bound)
    late = path.steps >= LEAST
    steps = path.steps[late].astype(float)
    bound = 4.0 * np.log(steps)
    return Picture(
        "steps $T$", r"$\zeta$",
        (
            Curve("largest, own class", steps, path.own[late, 1], style="both"),
            Curve("least, opposite class", steps, path.opposite[late, 0], style="both"),
            Curve(r"$4\log T$", steps, bound, style="line"),
            Curve(r"$-4\log T$", steps, -bound, style="line"),
        ),
        x_log=True,
    )  # fmt: skip


def _measure(lab: Lab, name: str) -> Evidence:
    found = lab.once(_PATHS[name])
    share = np.array([path.of_bound for path in found])
    ends = np.array([path.own[-1, 1] for path in found])
    return Evidence(
        effect=from_replicates(share),
        control=from_replicates(share),
        null=between_halves(share),
        n_runs=len(found),
        details={
            "largest own-class ζ at the end": from_replicates(ends),
            "worst training": exact(float(share.max())),
            "wrong sign, over the largest |ζ|, worst training": exact(max(path.wrong_sign for path in found)),
        },
        conditions=_margins(found),
        picture=_picture(found),
        remark=(
            f"Looked at from step {LEAST} on, at {POINTS} moments a phase. That own-class coefficients are at least 0 "
            "and the others at most 0 follows from the recursions while a network is trained: an identity."
        ),
    )


_PATHS: dict[str, Any] = {name: partial(paths, pretraining=name) for name in ("SGD", "SAM")}

CLAIMS = tuple(
    Claim(
        name=f"memory-bounds-{name.lower()}",
        number=25,
        title=f"Trained with {name}, no noise coefficient ever exceeds 4 log T",
        source="Kou et al. 2023 and Chen et al. 2023 [M 70%], with the most steps there can be as T; ours is smaller",
        statement=STATEMENTS["memory_bounds"].latex,
        effect="largest |ζ| over 4 log T, over samples, filters and moments",
        supported=Region(high=1.0),
        refuted_if="Some coefficient exceeds the bound in the mean over trainings.",
        experiment=f"{words} to a loss of 0.05 at d = 2,000, {SIZES}, ‖φ‖ = 2.5 d^¼ n^-¼ q; {INSIDE}.",
        stopping_rule="Training loss 0.05. " + replicated(40, 200),
        statistic="Largest ratio of every training, mean over replicates, Student's interval.",
        control=Control(name="a twentieth of the bound would do", region=Region(high=0.05)),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.1)),
        hypotheses=HYPOTHESES,
        choices=(
            choices.FORGET, choices.FLIP, choices.BATCH, choices.PRETRAINED, choices.WEIGHTS, choices.FILTERS,
            choices.PATCHES, choices.LAW, choices.STEP, choices.DIMENSION,
        ),
        measure=partial(_measure, name=name),
        family="ours",
    )
    for name, words in (("SGD", "SGD"), ("SAM", "SAM for a time, then SGD,"))
)  # fmt: skip
