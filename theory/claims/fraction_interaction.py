"""Open in the paper: do α and the fraction of the forget part act independently of each other?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray

from simulate.house import ties
from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.forgetting.retrained import interaction
from theory.experiments.forgetting.thresholds import LEAST_FORGOTTEN
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.words import MATCHED, UNLEARNED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, between_halves, from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Sharp MinMax"

_FRACTIONS = (0.6, 0.9)
_ALPHAS = (0.5, 0.9)


def _gain(data: xarray.Dataset, fraction: float) -> xarray.DataArray:
    """How much lower the test error is at the larger α, (seed,)."""
    error = data["test_error"].sel(fraction=fraction)
    return error.sel(alpha=_ALPHAS[0], drop=True) - error.sel(alpha=_ALPHAS[1], drop=True)


def _forgotten(lab: Lab, data: xarray.Dataset) -> xarray.DataArray:
    """Fraction of the runs forgotten, (alpha, fraction)."""
    share: xarray.DataArray = Course(lab).forgotten(data).mean("seed").transpose("alpha", "fraction")
    return share


def _ridge(lab: Lab, data: xarray.Dataset) -> str:
    """The best α at each fraction, of those at which the runs are forgotten."""
    error = data["test_error"].mean("seed").where(_forgotten(lab, data) >= LEAST_FORGOTTEN)
    words = []
    for fraction in data["fraction"].values:
        column = error.sel(fraction=fraction).values
        best = "none, as too few runs are forgotten"
        if np.isfinite(column).any():
            best = f"{data['alpha'].values[ties.first_of(column, np.nanargmin)]:g}"
        words.append(f"{fraction:g}: {best}")
    return "; ".join(words)


def _measure(lab: Lab) -> Evidence:
    data = lab.once(interaction)
    gains = [_gain(data, fraction) for fraction in _FRACTIONS]
    effect = from_replicates((gains[0] - gains[1]).values)
    compared = float(_forgotten(lab, data).sel(fraction=list(_FRACTIONS), alpha=list(_ALPHAS)).min())
    if compared < LEAST_FORGOTTEN:
        effect = replace(effect, value=np.nan)
    curves = tuple(
        Curve(f"α = {alpha:g}", data["fraction"].values, row.values, style="both")
        for alpha, row in zip(
            data["alpha"].values, data["test_error"].mean("seed").transpose("alpha", ...), strict=True
        )
    )
    gained: dict[str, Estimate] = {
        f"gain from α = 0.5 to 0.9 at fraction {fraction:g}": from_replicates(_gain(data, fraction).values)
        for fraction in data["fraction"].values
    }
    left = {
        f"fraction of the runs forgotten at {fraction:g}, α = 0.5": from_fractions(
            Course(lab).forgotten(data.sel(fraction=fraction, alpha=0.5)).values.astype(float), 1
        )
        for fraction in data["fraction"].values
    }
    return Evidence(
        effect=effect,
        control=effect,
        null=between_halves((gains[0] - gains[1]).values),
        n_runs=data.attrs["n_runs"],
        details={**gained, **left},
        conditions=conditions_of(data.sel(fraction=list(_FRACTIONS), alpha=list(_ALPHAS))),
        endings=data.attrs["endings"],
        picture=Picture("fraction of the filters in the forget part", "test error after unlearning", curves),
        remark=f"Ridge, the best α at each fraction: {_ridge(lab, data)}.",
    )


CLAIMS = (
    Claim(
        name="alpha-fraction-independent",
        number=13,
        title="Sharp MinMax: what a larger α gains does not depend on the fraction of the forget part",
        source="Open in the paper (its limitations [S]); the hypothesis of no interaction is ours",
        statement=STATEMENTS["sharp_minmax"].latex,
        effect="gain in test error from α = 0.5 to 0.9 at fraction 0.6, less that at 0.9",
        supported=Region.around(0.0, 0.01),
        refuted_if="The gains differ by more than 0.01.",
        experiment=(
            UNLEARNED.replace("NegGrad at α = 0.7", "Sharp MinMax at α = 0.3 to 0.9 by fractions 0.1 to 0.9")
            + " Nine runs in ten have to be forgotten in the cells that are compared."
        ),
        stopping_rule=MATCHED + replicated(8, 40),
        statistic="Difference of differences in every replicate, Student's interval.",
        control=Control(name="the gain at fraction 0.6 is larger by 0.15 or more", region=Region(low=0.15)),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.05)),
        hypotheses=HYPOTHESES,
        choices=choices.unlearning_without(choices.ALPHA),
        measure=_measure,
        family="open",
    ),
)
