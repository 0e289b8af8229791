"""Which class pays for unlearning, and when."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.forgetting.classes import ENDS, better_and_worse, by_class, errors_by_class, gap
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.words import MATCHED, UNLEARNED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, between_halves, from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Which class pays"

_RETRAINED, _MATCHED, _HALF = ENDS
_NEAR = 0.05
"""How near to the mean test error a run has to be to be described by it."""


def _picture(data: xarray.Dataset) -> Picture:
    """Distributions over replicates: errors in ascending order."""
    share = (np.arange(data.sizes["seed"]) + 0.5) / data.sizes["seed"]
    worse = tuple(
        Curve(f"worse class, {end}", share, np.sort(better_and_worse(data, end)[:, 1]), style="both") for end in ENDS
    )
    better = Curve(f"better class, {_HALF}", share, np.sort(better_and_worse(data, _HALF)[:, 0]), style="both")
    return Picture("share of the replicates below", "test error without label flips", (*worse, better))


def _near_the_mean(error: np.ndarray) -> Estimate:
    """Share of the replicates near the mean of all."""
    return from_fractions((np.abs(error - error.mean()) <= _NEAR).astype(float), 1)


def _details(data: xarray.Dataset) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for end in ENDS:
        here = data.sel(end=end)
        found |= {
            f"test error, {end}": from_replicates(here["test_error"].values),
            f"share of the runs within {_NEAR:g} of the mean test error, {end}": _near_the_mean(
                here["test_error"].values
            ),
            f"clean error of the worse class, {end}": from_replicates(better_and_worse(data, end)[:, 1]),
            f"share of the runs whose worse class errs in a quarter, {end}": from_fractions(
                (better_and_worse(data, end)[:, 1] >= 0.25).astype(float), 1
            ),
        }
    return found


def _measure(lab: Lab, end: str, against: str) -> Evidence:
    data = lab.once(by_class)
    effect = from_replicates(gap(data, end) - gap(data, against), range=(-1.0, 1.0))
    ended = Course(lab).forgotten(data.sel(end=_MATCHED)).values.astype(float)
    return Evidence(
        effect=effect,
        control=effect,
        null=from_replicates(gap(data, against), range=(0.0, 1.0)) if against == _RETRAINED else _again(data),
        n_runs=data.attrs["n_runs"],
        details={**_details(data), "fraction of the runs forgotten": from_fractions(ended, 1)},
        distributions={k: v for end in ENDS for k, v in errors_by_class(data.sel(end=end), end).items()},
        conditions=conditions_of(data),
        endings=data.attrs["endings"],
        picture=_picture(data),
        remark="The picture shows the errors of all replicates in order: a distribution, not its mean.",
    )


def _again(data: xarray.Dataset) -> Estimate:
    """The matched networks against themselves with other seeds."""
    return between_halves(gap(data, _MATCHED))


_COMMON: dict[str, Any] = {
    "number": 22,
    "statement": STATEMENTS["signal_balance"].latex,
    "experiment": UNLEARNED + " SGD in both; the same on until accuracy 1/2 on F; and a network retrained without F.",
    "stopping_rule": MATCHED + replicated(32, 300),
    "hypotheses": HYPOTHESES,
    "choices": (*choices.unlearning_without(choices.STOP), choices.DIMENSION),
    "family": "ours",
}

CLAIMS = (
    Claim(
        name="error-by-class-at-the-match",
        title="Unlearning to the match costs no class more than the other, by 0.05",
        source="Not a claim of the paper, which reports no errors by class; asked here",
        effect="clean error of the worse class less that of the better one, less the same of the retrained network",
        supported=Region(high=0.05),
        refuted_if="The classes differ by more than 0.05 beyond what they do in the retrained network.",
        statistic="Paired difference in every replicate, Student's interval.",
        control=Control(name="they differ by 0.2 or more", region=Region(low=0.2)),
        null=Control(name="in the retrained network they hardly differ", region=Region(high=0.05)),
        measure=partial(_measure, end=_MATCHED, against=_RETRAINED),
        **_COMMON,
    ),
    Claim(
        name="error-by-class-beyond-the-match",
        title="To go on until F is guessed is paid for by one class",
        source="[D], seen in a prototype [N]: with the noise of F forgotten, only the signal is left to unlearn",
        effect="clean error of the worse class less that of the better one: at accuracy 1/2, less that at the match",
        supported=Region(low=0.0),
        refuted_if="The classes differ less at accuracy 1/2 than at the match.",
        statistic="Paired difference in every replicate, Student's interval.",
        control=Control(name="it pays with a fifth of its samples, or more", region=Region(low=0.2)),
        null=Control(name="the match against itself with other seeds", region=Region.around(0.0, 0.1)),
        measure=partial(_measure, end=_HALF, against=_MATCHED),
        **_COMMON,
    ),
)
