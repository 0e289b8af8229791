"""Sharp MinMax against its rivals: distance to the retrained network (tug of war), and what it costs."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments.retrained import METHODS, scored
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statements import STATEMENTS
from theory.statistics import Estimate, from_replicates, worst_of

__all__ = ["CLAIMS"]

_OURS = "Sharp MinMax"


def _leads(data: xarray.Dataset, method: str) -> np.ndarray:
    """Tug of war of a method, less that of every other, (replicates, others)."""
    tow = data["tow"].transpose("seed", "unlearner")
    others = [name for name in METHODS if name != method]
    return (tow.sel(unlearner=method, drop=True) - tow.sel(unlearner=others)).transpose("seed", "unlearner").values


def _details(data: xarray.Dataset) -> dict[str, Estimate]:
    words = {"tow": "ToW", "test_error": "test error", "steps": "steps to forget", "forgotten": "runs forgotten"}
    return {
        f"{words[name]}, {method}": from_replicates(data[name].sel(unlearner=method).values)
        for name in words
        for method in METHODS
    }


def _measure(lab: Lab, pretraining: str) -> Evidence:
    data = lab.once(scored)
    here = data.sel(pretraining=pretraining)
    places = np.arange(len(METHODS))
    bars = [from_replicates(here["tow"].sel(unlearner=method).values) for method in METHODS]
    low, high = (np.array(ends) for ends in zip(*(bar.interval() for bar in bars), strict=True))
    return Evidence(
        effect=worst_of(_leads(here, _OURS), np.argmin),
        control=worst_of(_leads(here, "random label SAM") - 0.1, np.argmin),
        n_runs=data.attrs["n_runs"],
        details=_details(here),
        conditions=data.attrs["conditions"],
        picture=Picture(
            "",
            "tug of war",
            (Curve("mean", places, np.array([bar.value for bar in bars]), low, high),),
            ticks=tuple(name.replace(" ", "\n", 1) for name in METHODS),
        ),
        remark=(
            "Test error enters the score as an absolute difference: a test error below the retrained one costs, too."
        ),
    )


CLAIMS = tuple(
    Claim(
        name=f"sharp-minmax-best-after-{pretraining.lower()}",
        number=12,
        title=f"Sharp MinMax comes closest to the retrained network (pretraining with {pretraining})",
        source=(
            "Main result of the unlearning paper, on deep networks [S]; that the small network shows it is not claimed"
        ),
        statement=STATEMENTS["tug_of_war"].latex,
        effect="ToW of Sharp MinMax, less that of the best other method",
        supported=Region(low=0.0),
        refuted_if="Some other method has the higher ToW.",
        experiment=(
            "d = 8,000, n = 40, |F| = 10, m = 10, ‖φ‖ = 4, p = 0.1; six methods at α = 0.7: joint SAM, SAM on "
            "the retain "
            "set, SGD, Sharp MinMax (half of the filters), random labels with SGD and SAM."
        ),
        stopping_rule=(
            "Each run stops when its forget accuracy is at most that of the network retrained with the same seed "
            "(4,000 "
            "steps at most); 64 replicates (quick), 400 (full)."
        ),
        statistic=(
            "Paired differences to every other method; the smallest mean, its interval widened for having been picked."
        ),
        control=Control(name="random labels with SAM lead all others by 0.1", region=Region(low=0.0)),
        measure=partial(_measure, pretraining=pretraining),
    )
    for pretraining in ("SGD", "SAM")
)
