"""Lemma 3.4's corollary: how much smaller an α SAM needs than SGD."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.forgetting.classes import errors_by_class
from theory.experiments.forgetting.thresholds import critical_alpha
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.training.signals import alpha_needed
from theory.experiments.words import INSIDE, MATCHED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, between_halves, bootstrap, exact, from_replicates, slope

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How small α may be"


def _gain(lab: Lab, data: xarray.Dataset) -> np.ndarray:
    """Test error after SGD, less that after SAM, at the protocol's α, mean over sizes, (replicates,)."""
    here = data.sel(alpha=Course(lab).alpha)
    error = here["test_error"].mean(("d", "n"))
    return np.asarray((error.sel(pretraining="SGD") - error.sel(pretraining="SAM")).values)


def _thresholds(lab: Lab, data: xarray.Dataset, rows: np.ndarray) -> xarray.DataArray:
    """α needed over pretraining, d and n; NaN where it is censored."""
    some = data.isel(seed=rows)
    forgotten = Course(lab).forgotten(some).mean("seed").transpose(..., "alpha")
    error = some["test_error"].mean("seed").transpose(..., "alpha")
    size = data.sizes["alpha"]
    pairs = zip(error.values.reshape(-1, size), forgotten.values.reshape(-1, size), strict=True)
    needed = [critical_alpha(data["alpha"].values, *pair, lab.pick(choices.FLIP) + 0.05) for pair in pairs]
    return error.isel(alpha=0, drop=True).copy(data=np.reshape(needed, error.shape[:-1]))


def _log_odds_slope(lab: Lab, data: xarray.Dataset, rows: np.ndarray) -> float:
    """Exponent of d/n in the gap of α/(1 - α), over the sizes at which SGD needs the larger one; NaN if too few."""
    needed = _thresholds(lab, data, rows)
    odds = needed / (1.0 - needed)
    gap = odds.sel(pretraining="SGD") - odds.sel(pretraining="SAM")
    ratio = gap["d"] / gap["n"]
    chosen = (gap > 0).values
    if np.count_nonzero(chosen) < 3:
        return np.nan
    return slope(np.log(ratio.transpose(*gap.dims).values[chosen]), np.log(gap.values[chosen]))


def _details(data: xarray.Dataset, lab: Lab) -> dict[str, Estimate]:
    resampled = cache(lambda rows: _thresholds(lab, data, np.array(rows)))  # every cell looks at the same resamples
    needed = {
        f"α needed after {name}, d = {d:,}, n = {n}": bootstrap(
            lambda rows, where=(name, d, n): float(  # type: ignore[misc]
                resampled(tuple(rows)).sel(pretraining=where[0], d=where[1], n=where[2])
            ),
            data.sizes["seed"],
            lab.rng("alpha gap"),
            resamples=60,
        )
        for name in ("SGD", "SAM")
        for d in data["d"].values
        for n in data["n"].values
    }
    exponent = bootstrap(partial(_log_odds_slope, lab, data), data.sizes["seed"], lab.rng("odds"), resamples=60)
    forgotten = Course(lab).forgotten(data).mean("seed")
    return {
        "exponent of d/n in the gap of α/(1 - α)": exponent,
        "fraction of the runs forgotten, in the worst cell": exact(float(forgotten.min())),
        **needed,
    }


def _picture(lab: Lab, data: xarray.Dataset) -> Picture:
    needed = _thresholds(lab, data, np.arange(data.sizes["seed"]))
    curves = tuple(
        Curve(f"{name}, n = {n}", np.sqrt(data["d"].values / n), needed.sel(pretraining=name, n=n).values, style="both")
        for name in ("SGD", "SAM")
        for n in data["n"].values
    )
    return Picture(r"$\sqrt{d/n}$", r"$\alpha$ needed", curves, x_log=True)


def _distributions(lab: Lab, data: xarray.Dataset) -> dict[str, np.ndarray]:
    """Errors of both classes at the protocol's α, all sizes together."""
    chosen = data.sel(alpha=Course(lab).alpha)
    tables = [errors_by_class(chosen.sel(pretraining=name), f"after {name}") for name in ("SGD", "SAM")]
    return {label: values for found in tables for label, values in found.items()}


def _null(lab: Lab, data: xarray.Dataset) -> Estimate:
    """SGD against itself: half of its replicates less the other half."""
    error = data["test_error"].sel(alpha=Course(lab).alpha, pretraining="SGD").mean(("d", "n"))
    return between_halves(error.values)


def _measure(lab: Lab, testable: bool) -> Evidence:
    data = lab.once(alpha_needed)
    gain = from_replicates(_gain(lab, data))
    return Evidence(
        effect=gain if testable else None,
        control=gain,
        null=_null(lab, data),
        n_runs=data.attrs["n_runs"],
        details=_details(data, lab) if testable else {},
        distributions=_distributions(lab, data) if testable else {},
        conditions=conditions_of(data.sel(alpha=[Course(lab).alpha])),
        endings=data.attrs["endings"],
        picture=_picture(lab, data),
        remark=(
            "A threshold without a number is censored: every, or no, α of the range at which the runs are forgotten is "
            "enough. The exponent of the gap has a number only where SGD needs the larger α at three sizes or more."
            if testable
            else "Two α in [0, 1] differ by 1 at most, which is below √(d/n) wherever d > n: with a constant that "
            "nobody knows, the bound forbids no gap at all. For α/(1 - α) see alpha-gap-sign. The control is "
            "that row's."
        ),
    )


_EXPERIMENT = (
    "n = 20, 30, |F| = n/5, m = 10, p = 0.1, d = 1,000 to 4,000, ‖φ‖ = 2.5 d^¼ n^-¼ q (benign for both before); SGD "
    f"and SAM pretrain to a loss of 0.05, NegGrad with SGD unlearns; {INSIDE}."
)
_STOPPING = MATCHED + replicated(8, 50)
_STATISTIC = (
    "Paired difference in every replicate; Student's interval. Thresholds of α at a test error of p + 0.05 are given "
    "beside it."
)
_LEMMA = "Lemma 3.4 of the unlearning paper as its summaries state it [S]"

_AGAIN = Control(name="SGD against itself with other seeds", region=Region.around(0.0, 0.02))
_CHOICES = choices.unlearning_without(choices.WEIGHTS)

CLAIMS = (
    Claim(
        name="alpha-gap-sign",
        number=10,
        title="In the benign regime SGD needs the larger α",
        source=f"{_LEMMA}; that the gap is between pretraining optimizers is our reading",
        statement=STATEMENTS["lemma_3_4_alpha_gap"].latex,
        effect="test error after SGD, less that after SAM, at α = 0.7, mean over sizes",
        supported=Region(low=0.0),
        refuted_if="At the same α and matched forgetting the test error is higher after SAM.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        null=_AGAIN,
        hypotheses=HYPOTHESES,
        choices=_CHOICES,
        control=Control(name="the test error after SGD is higher by 0.1 or more", region=Region(low=0.1)),
        measure=partial(_measure, testable=True),
        family="paper",
    ),
    Claim(
        name="alpha-gap-order",
        number=10,
        title="In the benign regime the gap between the α of SGD and of SAM is O(√(d/n))",
        source=_LEMMA,
        statement=STATEMENTS["lemma_3_4_alpha_gap"].latex,
        effect="none: no number could contradict the claim",
        supported=Region(high=0.0),
        refuted_if="Nothing that can be measured: see the remark.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        null=_AGAIN,
        hypotheses=HYPOTHESES,
        choices=_CHOICES,
        control=Control(name="the test error after SGD is higher by 0.1 or more", region=Region(low=0.1)),
        measure=partial(_measure, testable=False),
        family="paper",
    ),
)
