"""SAM tolerates smaller α: as pretraining optimizer, as unlearning optimizer, as both."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments.unlearning import ALPHAS, STANDARD, alpha_grid
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statements import STATEMENTS
from theory.statistics import bootstrap
from theory.thresholds import critical_alpha

__all__ = ["CLAIMS"]

_LEVEL = STANDARD.label_flip + 0.05
_ROLES = {
    "pretraining": ("SAM", "SGD"),
    "unlearning": ("SGD", "SAM"),
    "both": ("SAM", "SAM"),
}
"""Pretraining and unlearning optimizer in each role of SAM."""


def _threshold(data: xarray.Dataset, pair: tuple[str, str], rows: np.ndarray) -> float:
    error = data["test_error"].sel(pretraining=pair[0], optimizer=pair[1]).isel(seed=rows).mean("seed")
    return critical_alpha(np.array(ALPHAS), error.values, _LEVEL)


def _measure(lab: Lab, role: str) -> Evidence:
    data = lab.once(alpha_grid)
    replicates = data.sizes["seed"]

    def gain(rows: np.ndarray) -> float:
        return _threshold(data, ("SGD", "SGD"), rows) - _threshold(data, _ROLES[role], rows)

    effect = bootstrap(gain, replicates, lab.rng("alpha", role))
    pairs = [("SGD", "SGD"), *_ROLES.values()]
    curves = tuple(
        Curve(
            f"{first} then {second}",
            np.array(ALPHAS),
            data["test_error"].sel(pretraining=first, optimizer=second).mean("seed").values,
            style="both",
        )
        for first, second in pairs
    )
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=data.attrs["n_runs"],
        details={
            f"α needed, {first} then {second}": bootstrap(
                partial(_threshold, data, (first, second)), replicates, lab.rng("alpha", first, second)
            )
            for first, second in pairs
        },
        conditions=data.attrs["conditions"],
        picture=Picture(r"$\alpha$", "test error after unlearning", curves),
        remark="A threshold of 0 or 1 is censored: no, or every, α up to the ends of the range is enough.",
    )


CLAIMS = tuple(
    Claim(
        name=f"smaller-alpha-{role}",
        number=11,
        title=f"SAM tolerates a smaller α than SGD: as optimizer of {role}",
        source="Lemma 3.4 and key findings of the unlearning paper as its summaries state them [S]",
        statement=STATEMENTS["signal_balance"].latex,
        effect="α that SGD needs, less the α that SAM needs, for a test error of p + 0.05",
        supported=Region(low=0.0),
        refuted_if="SAM needs the larger α.",
        experiment=(
            "d = 8,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 6, p = 0.1, SAM's weights; NegGrad over α = 0.02 to 0.98 with SGD and "
            "SAM in pretraining (theory's radius) and unlearning (1/√m of it)."
        ),
        stopping_rule="Forget accuracy at most 0.5 (4,000 steps at most); 16 replicates (quick), 150 (full).",
        statistic="Thresholds by monotone regression of the mean test error over α, in [0, 1]; bootstrap over replicates.",
        control=Control(name="the α it needs is smaller by 0.75 or more", region=Region(low=0.75)),
        measure=partial(_measure, role=role),
    )
    for role in _ROLES
)
