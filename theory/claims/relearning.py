"""Relearning: is what was unlearned learned again faster than by a network that never knew it?"""

from __future__ import annotations

import numpy as np
import xarray

from theory.experiments.retrained import METHODS, scored
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statements import STATEMENTS
from theory.statistics import Estimate, from_replicates

__all__ = ["CLAIMS"]

_PRETRAINING = "SGD"


def _log_steps(data: xarray.Dataset, method: str) -> np.ndarray:
    """log(1 + steps) to relearn the forget set, (replicates,)."""
    name, chosen = "relearn_steps", {"pretraining": _PRETRAINING, "unlearner": method}
    if method == "retrained":
        name, chosen = "retrained_relearn_steps", {"pretraining": _PRETRAINING}
    return np.log1p(data[name].sel(chosen).values)


def _against(data: xarray.Dataset, method: str, other: str) -> Estimate:
    return from_replicates(_log_steps(data, method) - _log_steps(data, other))


def _picture(data: xarray.Dataset) -> Picture:
    names = ("retrained", *METHODS)
    bars = [from_replicates(_log_steps(data, name)) for name in names]
    low, high = (np.exp(np.array(ends)) for ends in zip(*(bar.interval() for bar in bars), strict=True))
    middle = np.exp(np.array([bar.value for bar in bars]))
    words = tuple(name.replace(" ", "\n", 1) for name in names)
    curve = Curve("geometric mean", np.arange(len(names)), middle, low, high)
    return Picture("", "steps to relearn", (curve,), y_log=True, ticks=words)


def _evidence(lab: Lab, method: str, other: str, control: tuple[str, str]) -> Evidence:
    data = lab.once(scored)
    return Evidence(
        effect=_against(data, method, other),
        control=_against(data, *control),
        n_runs=data.attrs["n_runs"],
        details={f"log steps over retrained, {name}": _against(data, name, "retrained") for name in METHODS},
        conditions=data.attrs["conditions"],
        picture=_picture(data),
    )


_EXPERIMENT = (
    "The networks of sharp-minmax-best-after-sgd learn the forget set alone, with SGD at one step size, and so "
    "does the "
    "network retrained without it."
)
_STOPPING = "Loss on the forget set 0.05 (4,000 steps at most); 64 replicates (quick), 400 (full)."
_STATISTIC = "Mean log ratio of steps (plus one), paired by seed; Student's interval."

CLAIMS = (
    Claim(
        name="relearning-faster-than-retrained",
        number=17,
        title="After NegGrad the forget set is relearned faster than by a network that never saw it",
        source="Asked by the relearning-attack literature; not a claim of the paper",
        statement=STATEMENTS["neggrad_loss"].latex,
        effect="log of the steps to relearn, NegGrad with SGD over retrained",
        supported=Region(high=0.0),
        refuted_if="The unlearned network needs more steps.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        control=Control(name="so does NegGrad with SAM, by a factor of ten", region=Region(high=-2.3)),
        measure=lambda lab: _evidence(lab, "NegGrad SGD", "retrained", ("NegGrad SAM", "retrained")),
        core=False,
    ),
    Claim(
        name="relearning-faster-after-sharp-minmax",
        number=17,
        title="Maximised sharpness makes forgotten samples easier to relearn: Sharp MinMax against NegGrad with SGD",
        source="A worry one may have about Sharp MinMax; not a claim of the paper",
        statement=STATEMENTS["sharp_minmax"].latex,
        effect="log of the steps to relearn, Sharp MinMax over NegGrad with SGD",
        supported=Region(high=0.0),
        refuted_if="Sharp MinMax needs more steps.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        control=Control(name="it is faster by a factor of ten", region=Region(high=-2.3)),
        measure=lambda lab: _evidence(lab, "Sharp MinMax", "NegGrad SGD", ("Sharp MinMax", "NegGrad SGD")),
        core=False,
    ),
)
