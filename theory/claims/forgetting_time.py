"""How long forgetting takes: the time ηT to the match, over d, α and the number of samples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.forgetting import durations
from theory.experiments.forgetting.thresholds import LEAST_FORGOTTEN
from theory.experiments.lab import Lab
from theory.experiments.words import INSIDE, MATCHED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import bootstrap, bootstrap_between_halves, exact, from_replicates, slope

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How long forgetting takes"

_FACTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "d": lambda d: d,
    "alpha": lambda alpha: 1.0 - alpha,
    "n": lambda n: n,
}
"""What the time is a power of, from the values of each axis."""
_WORDS = {"d": "d", "alpha": "1 - α", "n": "n and |F| = n/5"}
_LABELS = {"d": "dimension $d$", "alpha": r"$1-\alpha$", "n": "samples $n$"}


def _exponent(x: np.ndarray, time: np.ndarray, forgotten: np.ndarray, rows: np.ndarray) -> float:
    """Exponent of x, (values,), in the mean time over some replicates; NaN where too few of a cell forget.

    Times and whether runs were forgotten are (replicates, values).
    """
    if forgotten[rows].mean(axis=0).min() < LEAST_FORGOTTEN:
        return np.nan
    return slope(np.log(x), np.log(time[rows].mean(axis=0)))


def _measure(lab: Lab, factor: str, experiment: Callable[[Lab], xarray.Dataset], predicted: float) -> Evidence:
    data = lab.once(experiment)
    x = _FACTORS[factor](data[factor].values.astype(float))
    statistic = partial(_exponent, x, *(data[name].transpose("seed", factor).values for name in ("time", "forgotten")))
    effect = bootstrap(statistic, data.sizes["seed"], lab.rng("time", factor))
    time = data["time"].mean("seed").values
    law = time[0] * (x / x[0]) ** predicted
    return Evidence(
        effect=effect,
        control=effect,
        null=bootstrap_between_halves(statistic, data.sizes["seed"], lab.rng("time halves", factor)),
        n_runs=data.attrs["n_runs"],
        details={
            **{
                f"mean time at {factor} = {value:g}": from_replicates(data["time"].sel({factor: value}).values)
                for value in data[factor].values
            },
            "fraction of the runs forgotten, in the worst cell": exact(float(data["forgotten"].mean("seed").min())),
        },
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=Picture(
            _LABELS[factor],
            r"time $\eta T$ to the match",
            (Curve("measured", x, time), Curve(f"exponent {predicted:g}", x, law, style="line")),
            x_log=True,
            y_log=True,
        ),
    )


def _claim(factor: str, experiment: Callable[[Lab], xarray.Dataset], predicted: float, margin: float) -> Claim:
    without: Any = {"d": choices.DIMENSION, "alpha": choices.ALPHA, "n": None}[factor]
    every = (*choices.UNLEARNING, choices.DIMENSION)
    return Claim(
        name=f"forgetting-time-{factor}",
        number=24,
        title=f"The time ηT to forget goes as the power {predicted:g} of {_WORDS[factor]}, within {margin:g}",
        source="[D]; how long unlearning takes is not told by the paper's summaries",
        statement=STATEMENTS["forgetting_time"].latex,
        effect=f"exponent of {_WORDS[factor]} in the mean time ηT",
        supported=Region.around(predicted, margin),
        refuted_if=f"The exponent differs from {predicted:g} by more than {margin:g}.",
        experiment=(
            "SGD to a loss of 0.05, then NegGrad with SGD; ‖φ‖ = 2.5 d^¼ n^-¼ q, m = 10, p = 0.1, |F| = n/5; d = "
            "2,000, n = 20, α = 0.7 but for what varies: d = 500 to 8,000, α = 0.5 to 0.9, or n = 20 to 40; "
            f"{INSIDE}."
        ),
        stopping_rule=MATCHED + replicated(16, 200),
        statistic="Slope of the log mean time over replicates; standard error by bootstrap over replicates.",
        control=Control(name="it does not depend on it", region=Region.around(0.0, margin)),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 1.0)),
        hypotheses=HYPOTHESES,
        choices=tuple(choice for choice in every if choice is not without),
        measure=partial(_measure, factor=factor, experiment=experiment, predicted=predicted),
        family="ours",
    )


CLAIMS = (
    _claim("d", durations.over_dimension, -1.0, 0.1),
    _claim("alpha", durations.over_alpha, -1.0, 0.2),
    _claim("n", durations.over_samples, 1.0, 0.2),
)
