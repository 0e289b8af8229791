"""The number of filters m does not enter Theorem 3.2's threshold: does the boundary stay where it is?"""

from __future__ import annotations

from functools import partial

import numpy as np

from theory.experiments import choices
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.training.filters import FEW, boundary_by_filters
from theory.experiments.training.places import log_critical, shift, shift_of_chance
from theory.experiments.words import replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import bootstrap

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Where SGD's boundary lies"

_START = 5
"""From so many filters on nearly every sample has an active noise neuron of its class."""


def _measure(lab: Lab) -> Evidence:
    data = lab.once(boundary_by_filters)
    count = data["m"].values
    effect = shift(data, "m", (_START, count[-1]), lab.rng("filters"))
    critical = np.exp(log_critical(data, "m", np.arange(data.sizes["seed"])))
    return Evidence(
        effect=effect,
        control=shift(data, "m", (FEW, count[-1]), lab.rng("filters")),
        null=shift_of_chance(data, "m", (_START, count[-1]), lab.rng("filter chance")),
        n_runs=data.attrs["n_runs"],
        details={
            f"critical signal over d^¼ n^-¼ q, m = {m}": bootstrap(
                partial(_critical, data.sel(m=[m])), data.sizes["seed"], lab.rng("filters"), resamples=60
            )
            for m in count
        },
        conditions=conditions_of(data.sel(m=count[count >= _START])),
        endings=data.attrs["endings"],
        picture=Picture(
            "filters $m$ of each sign",
            r"critical signal over $d^{1/4}n^{-1/4}(P-1)\sigma_p$",
            (Curve("measured", count.astype(float), critical, style="both"),),
            x_log=True,
        ),
        remark=(
            "A sample without an active noise neuron of its class, 1 in 2^m, cannot be memorised until the signal has "
            "fitted it: few filters overfit less."
        ),
    )


def _critical(data: object, rows: np.ndarray) -> float:
    return float(np.exp(log_critical(data, "m", rows)[0]))  # type: ignore[arg-type]


CLAIMS = (
    Claim(
        name="sgd-boundary-filters",
        number=21,
        title="SGD: from m = 5 on its boundary does not move with the number of filters, within 10 %",
        source="Chen et al. 2023, Theorem 3.2 [M 90%]: m is asked to be large and then drops out",
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="log of the critical signal at the largest m over that at m = 5",
        supported=Region.around(0.0, 0.1),
        refuted_if="The critical signals differ by more than 10 %.",
        experiment=(
            "SGD from small weights, d = 1,000, n = 10, p = 0.1, m = 2, 5, 20 (quick), 2, 5, 10, 20, 50 (full), 5 "
            "signals; the largest step inside the hypotheses."
        ),
        stopping_rule="Training loss 0.05 (250,000 steps at most); " + replicated(16, 200),
        statistic="Log ratio of the critical signals of the mean test errors (level 0.3); bootstrap over replicates.",
        control=Control(
            name="two filters need twice the signal of many", region=Region.around(-float(np.log(2.0)), 0.1)
        ),
        null=Control(name="which of the two is which is left to chance", region=Region.around(0.0, 0.15)),
        hypotheses=tuple(name for name in HYPOTHESES if name != "signal_noise"),
        choices=(choices.PRETRAINED, choices.BATCH, choices.PATCHES, choices.LAW, choices.STEP),
        measure=_measure,
        family="ours",
    ),
)
