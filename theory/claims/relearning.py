"""Relearning: is what was unlearned learned again faster than by a network that never knew it?"""

from __future__ import annotations

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.forgetting.retrained import METHODS, RELEARN_STEPS, scored
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.words import replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Relearning"

_PRETRAINING = "SGD"


def _steps(data: xarray.Dataset, method: str) -> np.ndarray:
    """Steps to relearn the forget set, (replicates,); the last step where it was not learned by then."""
    name, chosen = "relearn_steps", {"pretraining": _PRETRAINING, "unlearner": method}
    if method == "retrained":
        name, chosen = "retrained_relearn_steps", {"pretraining": _PRETRAINING}
    return np.asarray(data[name].sel(chosen).values)


def _slower(data: xarray.Dataset, method: str, other: str) -> Estimate:
    """Share of the pairs in which a method needs more steps, less the share in which it needs fewer.

    Which of two is slower is known when one of them has relearned at all; two that have not count as equal.
    """
    return from_replicates(np.sign(_steps(data, method) - _steps(data, other)), range=(-1.0, 1.0))


def _against_itself(steps: np.ndarray) -> Estimate:
    """The same between one method and itself with other seeds."""
    pairs = len(steps) // 2
    return from_replicates(np.sign(steps[: 2 * pairs : 2] - steps[1 : 2 * pairs : 2]), range=(-1.0, 1.0))


def _never(data: xarray.Dataset, method: str) -> Estimate:
    return from_fractions(_steps(data, method) >= RELEARN_STEPS, 1)


def _picture(data: xarray.Dataset) -> Picture:
    names = ("retrained", *METHODS)
    bars = [from_replicates(np.log1p(_steps(data, name))) for name in names]
    low, high = (np.exp(np.array(ends)) for ends in zip(*(bar.interval() for bar in bars), strict=True))
    middle = np.exp(np.array([bar.value for bar in bars]))
    words = tuple(name.replace(" ", "\n", 1) for name in names)
    curve = Curve("geometric mean", np.arange(len(names)), middle, low, high)
    return Picture("", "steps to relearn", (curve,), y_log=True, ticks=words)


def _evidence(lab: Lab, method: str, other: str) -> Evidence:
    data = lab.once(scored)
    effect = _slower(data, method, other)
    return Evidence(
        effect=effect,
        control=effect,
        null=_against_itself(_steps(data, other)),
        n_runs=data.attrs["n_runs"],
        details={
            **{f"slower than retrained, {name}": _slower(data, name, "retrained") for name in METHODS},
            **{f"never relearned, {name}": _never(data, name) for name in ("retrained", *METHODS)},
        },
        conditions=conditions_of(
            data.sel(pretraining=_PRETRAINING, unlearner=[name for name in (method, other) if name in METHODS])
        ),
        endings=data.attrs["endings"],
        picture=_picture(data),
        remark="Some samples cannot be learned again: ascent has switched off every neuron that sees their noise.",
    )


_EXPERIMENT = (
    "The networks of sharp-minmax-best-after-sgd learn the forget set alone, with SGD at one step size, and so does "
    "the network retrained without it."
)
_STOPPING = "Loss on the forget set 0.05 (10,000 steps at most); " + replicated(10, 60)
_STATISTIC = "Sign of the difference of steps, paired by seed; runs that never relearn are slower than any that does."

CLAIMS = (
    Claim(
        name="relearning-faster-than-retrained",
        number=17,
        title="After NegGrad the forget set is relearned faster than by a network that never saw it",
        source="Asked by the relearning-attack literature; not a claim of the paper",
        statement=STATEMENTS["neggrad_loss"].latex,
        effect=(
            "share of the pairs in which NegGrad with SGD is slower than retrained, less share in which it is faster"
        ),
        supported=Region(high=0.0),
        refuted_if="The unlearned network is slower in more pairs than it is faster.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        control=Control(name="in nine pairs of ten it is slower", region=Region(low=0.8)),
        measure=lambda lab: _evidence(lab, "NegGrad SGD", "retrained"),
        family="ours",
        null=Control(name="one method against itself with other seeds", region=Region.around(0.0, 0.5)),
        hypotheses=HYPOTHESES,
        choices=choices.UNLEARNING,
    ),
    Claim(
        name="relearning-faster-after-sharp-minmax",
        number=17,
        title="Maximised sharpness makes forgotten samples easier to relearn: Sharp MinMax against NegGrad with SGD",
        source="A worry one may have about Sharp MinMax; not a claim of the paper",
        statement=STATEMENTS["sharp_minmax"].latex,
        effect=(
            "share of the pairs in which Sharp MinMax is slower than NegGrad with SGD, less share in which it is faster"
        ),
        supported=Region(high=0.0),
        refuted_if="Sharp MinMax is slower in more pairs than it is faster.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        control=Control(name="in nine pairs of ten it is faster", region=Region(high=-0.8)),
        measure=lambda lab: _evidence(lab, "Sharp MinMax", "NegGrad SGD"),
        family="ours",
        null=Control(name="one method against itself with other seeds", region=Region.around(0.0, 0.5)),
        hypotheses=HYPOTHESES,
        choices=(*choices.UNLEARNING, choices.RADIUS),
    ),
)
