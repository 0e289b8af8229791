"""SAM tolerates smaller α: as pretraining optimizer, as unlearning optimizer, as both."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments.lab import Lab
from theory.experiments.protocols import FORGOTTEN
from theory.experiments.thresholds import critical_alpha
from theory.experiments.unlearning import ALPHAS, STANDARD, alpha_grid
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import bootstrap, from_replicates

__all__ = ["CLAIMS"]

_LEVEL = STANDARD.label_flip + 0.05
_ROLES = {
    "pretraining": ("SAM", "SGD"),
    "unlearning": ("SGD", "SAM"),
    "both": ("SAM", "SAM"),
}
"""Pretraining and unlearning optimizer in each role of SAM."""


def _matched(data: xarray.Dataset, pair: tuple[str, str]) -> xarray.DataArray:
    """Test error at matched forgetting, (seed, alpha): 1/2, that of guessing, where the samples were not forgotten."""
    chosen = data.sel(pretraining=pair[0], optimizer=pair[1])
    forgotten = chosen["forget_accuracy"] <= FORGOTTEN
    return chosen["test_error"].where(forgotten, 0.5).transpose("seed", "alpha")


def _threshold(data: xarray.Dataset, pair: tuple[str, str], rows: np.ndarray) -> float:
    chosen = data.sel(pretraining=pair[0], optimizer=pair[1]).isel(seed=rows)
    forgotten = (chosen["forget_accuracy"] <= FORGOTTEN).mean("seed").values
    return critical_alpha(np.array(ALPHAS), chosen["test_error"].mean("seed").values, forgotten, _LEVEL)


def _measure(lab: Lab, role: str) -> Evidence:
    data = lab.once(alpha_grid)
    replicates = data.sizes["seed"]
    small = [alpha for alpha in ALPHAS if alpha <= 0.5]
    gain = (_matched(data, ("SGD", "SGD")) - _matched(data, _ROLES[role])).sel(alpha=small).mean("alpha")
    effect = from_replicates(gain.values)
    first, second = _ROLES[role]
    error = data["test_error"].sel(alpha=small).mean("alpha")
    raw = error.sel(pretraining="SGD", optimizer="SGD") - error.sel(pretraining=first, optimizer=second)
    pairs = [("SGD", "SGD"), *_ROLES.values()]
    curves = tuple(
        Curve(
            f"{first} then {second}",
            np.array(ALPHAS),
            _matched(data, (first, second)).mean("seed").values,
            style="both",
        )
        for first, second in pairs
    )
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=data.attrs["n_runs"],
        details={
            "the same with runs that were not forgotten as they are": from_replicates(raw.values),
            **{
                f"fraction forgotten at small α, {first} then {second}": from_replicates(
                    (data["forget_accuracy"] <= FORGOTTEN)
                    .sel(pretraining=first, optimizer=second, alpha=small)
                    .mean("alpha")
                    .values
                )
                for first, second in pairs
            },
            **{
                f"α needed, {first} then {second}": bootstrap(
                    partial(_threshold, data, (first, second)), replicates, lab.rng("alpha", first, second)
                )
                for first, second in pairs
            },
        },
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", "test error after unlearning", curves),
        remark=(
            "A threshold without a number is censored: every, or no, α at which nine runs in ten are forgotten "
            "brings the "
            "test error to p + 0.05."
        ),
    )


CLAIMS = tuple(
    Claim(
        name=f"smaller-alpha-{role}",
        number=11,
        title=f"SAM tolerates a smaller α than SGD: as optimizer of {role}",
        source="Lemma 3.4 and key findings of the unlearning paper as its summaries state them [S]",
        statement=STATEMENTS["signal_balance"].latex,
        effect="test error of SGD, less that of SAM, mean over α from 0.02 to 0.5",
        supported=Region(low=0.0),
        refuted_if="At small α the test error is higher with SAM.",
        experiment=(
            "d = 8,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 6, p = 0.1, SAM's weights; NegGrad over α = 0.02 to 0.98 "
            "with SGD and "
            "SAM in pretraining (theory's radius) and unlearning (1/√m of it)."
        ),
        stopping_rule="Forget accuracy at most 0.5 (4,000 steps at most); 40 replicates (quick), 200 (full).",
        statistic=(
            "Paired difference in every replicate, runs that were not forgotten counted as guessing; Student's "
            "interval. "
            "Thresholds of α by monotone regression are given beside it."
        ),
        control=Control(name="the test error is lower by 0.25 or more", region=Region(low=0.25)),
        measure=partial(_measure, role=role),
        family="paper",
    )
    for role in _ROLES
)
