"""Open in the paper: do α and the fraction of the forget part act independently of each other?"""

from __future__ import annotations

import numpy as np
import xarray

from theory.experiments.retrained import interaction
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.protocols import FORGOTTEN
from theory.statements import STATEMENTS
from theory.statistics import Estimate, bootstrap, from_replicates

__all__ = ["CLAIMS"]


def _matched(data: xarray.Dataset) -> xarray.Dataset:
    """The fractions at which every run forgets: with fewer filters in the forget part some never do."""
    everywhere = (data["forget_accuracy"] <= FORGOTTEN).mean("seed") >= 0.95
    return data.isel(fraction=everywhere.all("alpha").values)


def _left_by_small_parts(data: xarray.Dataset) -> np.ndarray:
    """Forget accuracy with the smallest forget part, less that with the largest, mean over α, (replicates,)."""
    accuracy = data["forget_accuracy"].mean("alpha")
    return np.asarray((accuracy.isel(fraction=0) - accuracy.isel(fraction=-1)).values)


def _shares(table: np.ndarray) -> dict[str, float]:
    """Shares of the variance between cells (α, fractions): either factor alone, and their interaction."""
    centred = table - table.mean()
    alpha, fraction = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - alpha[:, None] - fraction
    total = (centred**2).mean()
    parts = {"alpha": alpha, "fraction": fraction, "interaction": rest}
    return {name: float((part**2).mean() / total) for name, part in parts.items()}


def _measure(lab: Lab) -> Evidence:
    whole = lab.once(interaction)
    data = _matched(whole)
    error = data["test_error"].transpose("seed", "alpha", "fraction").values
    if data.sizes["fraction"] < 2:
        error = np.full((len(error), 2, 2), np.nan)

    def share(name: str) -> Estimate:
        return bootstrap(lambda rows: _shares(error[rows].mean(axis=0))[name], len(error), lab.rng("shares", name))

    mean = whole["test_error"].mean("seed")
    curves = tuple(
        Curve(f"α = {alpha:g}", whole["fraction"].values, mean.sel(alpha=alpha).values, style="both")
        for alpha in whole["alpha"].values
    )
    ridge = whole["alpha"].values[mean.transpose("alpha", "fraction").values.argmin(axis=0)]
    forgotten = (whole["forget_accuracy"] <= FORGOTTEN).mean(("seed", "alpha")).values
    return Evidence(
        effect=share("interaction"),
        control=from_replicates(_left_by_small_parts(whole)),
        n_runs=whole.attrs["n_runs"],
        details={f"share of {name} alone": share(name) for name in ("alpha", "fraction")},
        conditions=whole.attrs["conditions"],
        picture=Picture("fraction of the filters in the forget part", "test error after unlearning", curves),
        remark="; ".join(
            f"at fraction {fraction:g} the best α is {alpha:g} and {part:.0%} of the runs are forgotten"
            for fraction, alpha, part in zip(whole["fraction"].values, ridge, forgotten, strict=True)
        )
        + ".",
    )


CLAIMS = (
    Claim(
        name="alpha-fraction-independent",
        number=13,
        title="Sharp MinMax: α and the fraction of the forget part can be chosen independently",
        source="Open in the paper (its limitations [S]); the hypothesis of no interaction is ours",
        statement=STATEMENTS["sharp_minmax"].latex,
        effect="share of the interaction in the variance of the test error between cells",
        supported=Region(high=0.05),
        refuted_if="The interaction carries more than 5 % of the variance.",
        experiment=(
            "d = 8,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 6, p = 0.1, SGD pretraining; α = 0.1 to 0.9 by fraction "
            "0.1 to 0.9, "
            "compared at the fractions at which 95 % of the runs are forgotten."
        ),
        stopping_rule="Forget accuracy at most 0.5 (4,000 steps at most); 16 replicates (quick), 100 (full).",
        statistic="Two-way decomposition of the mean test error; bootstrap over replicates.",
        control=Control(name="the smallest forget part forgets as much as the largest", region=Region.around(0.0, 0.1)),
        measure=_measure,
        core=False,
    ),
)
