"""The floor of the test error: the label noise p, once the signal is strong."""

from __future__ import annotations

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.forgetting.floor import FAR, FLIPS, NEAR, over_label_noise
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.words import INSIDE, MATCHED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, allowing_for_rare, between_halves, exact, from_replicates, worst_of

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Boundaries after unlearning"

_GUESSING = 0.5
"""Test error of a network whose signal was unlearned: a few in a hundred, which a few replicates may not meet."""


def _excess(data: xarray.Dataset, place: float) -> np.ndarray:
    """Test error less p, (replicates, label noises)."""
    error = data["test_error"].sel(place=place)
    return np.asarray((error - error["p"]).transpose("seed", "p").values)


def _details(lab: Lab, data: xarray.Dataset) -> dict[str, Estimate]:
    forgotten = Course(lab).forgotten(data.sel(place=FAR)).mean("seed")
    clean = data["log_clean_error"].sel(place=FAR) / np.log(10.0)
    return {
        **{f"test error - p at p = {p:g}": from_replicates(_excess(data, FAR)[:, k]) for k, p in enumerate(FLIPS)},
        **{
            f"median log10 of the error without flips, p = {p:g}": exact(float(clean.sel(p=p).median()))
            for p in FLIPS
        },
        "fraction of the runs forgotten, in the worst cell": exact(float(forgotten.min())),
    }  # fmt: skip


def _picture(data: xarray.Dataset) -> Picture:
    curves = tuple(
        Curve(f"{place:g} times the boundary", np.array(FLIPS), data["test_error"].sel(place=place).mean("seed").values)
        for place in (NEAR, FAR)
    )
    floor = Curve("p", np.array(FLIPS), np.array(FLIPS), style="line")
    return Picture("label noise $p$", "test error after unlearning", (*curves, floor))


def _measure(lab: Lab) -> Evidence:
    data = lab.once(over_label_noise)
    far = _excess(data, FAR)
    return Evidence(
        effect=allowing_for_rare(worst_of(far, np.argmax), len(far), most=_GUESSING),
        control=worst_of(_excess(data, NEAR), np.argmax),
        null=between_halves(far.mean(axis=1)),
        n_runs=data.attrs["n_runs"],
        details=_details(lab, data),
        conditions=conditions_of(data.sel(place=[FAR])),
        endings=data.attrs["endings"],
        picture=_picture(data),
        remark=(
            "That the error is not below p is an identity here, p + (1 - 2p) times the error without flips; what is "
            "measured is how near to p it comes."
        ),
    )


CLAIMS = (
    Claim(
        name="floor-of-label-noise",
        number=26,
        title="Far above the boundary the test error after unlearning falls to p, within 0.005",
        source="Kou et al. 2023 and Chen et al. 2023, p + ε after training [M 90%]; after unlearning it is asked here",
        statement=STATEMENTS["benign_bound"].latex,
        effect="test error - p at 4 times d^¼ n^-¼ q, for the p of 0.05, 0.1, 0.2 at which it is largest",
        supported=Region(high=0.005),
        refuted_if="For some p the mean test error exceeds p + 0.005.",
        experiment=(
            "SGD to a loss of 0.05, then NegGrad with SGD at α = 0.7; d = 2,000, n = 20, |F| = 4, m = 10, p = 0.05, "
            f"0.1, 0.2; {INSIDE}."
        ),
        stopping_rule=MATCHED + replicated(20, 200),
        statistic=(
            "Mean over replicates at the worst p, its interval widened for having been picked, and for a network that "
            "guesses, too rare to be met in so few."
        ),
        control=Control(name="on the boundary it has fallen to p, too", region=Region(high=0.005)),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.01)),
        hypotheses=HYPOTHESES,
        choices=(*choices.unlearning_without(choices.FLIP), choices.DIMENSION),
        measure=_measure,
        family="ours",
    ),
)
