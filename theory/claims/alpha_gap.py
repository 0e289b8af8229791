"""Lemma 3.4's corollary: how much smaller an α SAM needs than SGD."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments.signals import alpha_needed
from theory.experiments.unlearning import STANDARD
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statements import STATEMENTS
from theory.statistics import Estimate, bootstrap
from theory.thresholds import critical_alpha

__all__ = ["CLAIMS"]

_LEVEL = STANDARD.label_flip + 0.05


def _thresholds(data: xarray.Dataset, rows: np.ndarray) -> xarray.DataArray:
    """α needed over pretraining, d and n; 0 and 1 are censored."""
    error = data["test_error"].isel(seed=rows).mean("seed")
    values = np.apply_along_axis(
        lambda e: critical_alpha(data["alpha"].values, e, _LEVEL), error.get_axis_num("alpha"), error.values
    )
    return error.isel(alpha=0, drop=True).copy(data=values)


def _gap(data: xarray.Dataset, rows: np.ndarray) -> xarray.DataArray:
    needed = _thresholds(data, rows)
    return needed.sel(pretraining="SGD") - needed.sel(pretraining="SAM")


def _mean_gap(data: xarray.Dataset, rows: np.ndarray) -> float:
    return float(_gap(data, rows).mean())


def _gap_over_bound(data: xarray.Dataset, rows: np.ndarray) -> float:
    """Largest |gap| over √(d/n)."""
    gap = _gap(data, rows)
    return float((abs(gap) / np.sqrt(gap["d"] / gap["n"])).max())


def _details(data: xarray.Dataset, lab: Lab) -> dict[str, Estimate]:
    return {
        f"α needed after {name}, d = {d:,}, n = {n}": bootstrap(
            lambda rows, where=(name, d, n): float(  # type: ignore[misc]
                _thresholds(data, rows).sel(pretraining=where[0], d=where[1], n=where[2])
            ),
            data.sizes["seed"],
            lab.rng("alpha gap"),
            resamples=100,
        )
        for name in ("SGD", "SAM")
        for d in data["d"].values
        for n in data["n"].values
    }


def _picture(data: xarray.Dataset) -> Picture:
    needed = _thresholds(data, np.arange(data.sizes["seed"]))
    curves = tuple(
        Curve(f"{name}, n = {n}", np.sqrt(data["d"].values / n), needed.sel(pretraining=name, n=n).values, style="both")
        for name in ("SGD", "SAM")
        for n in data["n"].values
    )
    return Picture(r"$\sqrt{d/n}$", r"$\alpha$ needed", curves, x_log=True)


def _measure(lab: Lab, testable: bool) -> Evidence:
    data = lab.once(alpha_needed)
    replicates, rng = data.sizes["seed"], lab.rng("gap")
    mean = bootstrap(partial(_mean_gap, data), replicates, rng)
    bound = bootstrap(partial(_gap_over_bound, data), replicates, rng)
    return Evidence(
        effect=mean if testable else None,
        control=mean if testable else bound,
        n_runs=data.attrs["n_runs"],
        details=_details(data, lab) if testable else {"largest |gap| over √(d/n)": bound},
        conditions=data.attrs["conditions"],
        picture=_picture(data),
        remark=(
            "A threshold of 0 or 1 is censored: every, or no, α of the range is enough."
            if testable
            else "Two α in [0, 1] differ by 1 at most, which is below √(d/n) wherever d > n: with a constant that "
            "nobody knows, the bound forbids no gap at all."
        ),
    )


_EXPERIMENT = (
    "n = 20, 40, |F| = n/10, m = 10, p = 0.1, d = 2,000 to 32,000, ‖φ‖ = 2.5 d^¼ n^-¼ q (benign for both "
    "before); SGD and "
    "SAM pretrain at their own theorem's weights, NegGrad with SGD unlearns over α = 0.02 to 0.98."
)
_STOPPING = "Forget accuracy at most 0.5 (4,000 steps at most); 24 replicates (quick), 200 (full)."
_STATISTIC = "Thresholds by monotone regression of the mean test error over α, in [0, 1]; bootstrap over replicates."
_LEMMA = "Lemma 3.4 of the unlearning paper as its summaries state it [S]"

CLAIMS = (
    Claim(
        name="alpha-gap-sign",
        number=10,
        title="In the benign regime SGD needs the larger α",
        source=f"{_LEMMA}; that the gap is between pretraining optimizers is our reading",
        statement=STATEMENTS["lemma_3_4_alpha_gap"].latex,
        effect="α needed after SGD, less α needed after SAM, mean over sizes (test error p + 0.05)",
        supported=Region(low=0.0),
        refuted_if="SAM needs the larger α.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        control=Control(name="SGD needs an α larger by 0.5 or more", region=Region(low=0.5)),
        measure=partial(_measure, testable=True),
    ),
    Claim(
        name="alpha-gap-order",
        number=10,
        title="In the benign regime the gap between the α of SGD and of SAM is O(√(d/n))",
        source=_LEMMA,
        statement=STATEMENTS["lemma_3_4_alpha_gap"].latex,
        effect="gap over √(d/n)",
        supported=Region(high=1.0),
        refuted_if="Nothing that can be measured: see the remark.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=_STATISTIC,
        control=Control(name="the gap is √(d/n) or more", region=Region(low=1.0)),
        measure=partial(_measure, testable=False),
    ),
)
