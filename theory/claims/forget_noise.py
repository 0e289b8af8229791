"""Does SAM overfit the forget set like SGD? Noise memorised at matched forgetting."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments.lab import Lab
from theory.experiments.protocols import FORGOTTEN
from theory.experiments.unlearning import ALPHA, ALPHAS, alpha_grid, phase_from_end
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import from_replicates

__all__ = ["CLAIMS"]


def _learned_in_unlearning(data: xarray.Dataset, relation: str) -> xarray.DataArray:
    """What unlearning adds to the mean ζ on the forget set, over the mean own-class ζ it began with."""
    zeta, before = (phase_from_end(data, "zeta_mean", back).sel(set="forget") for back in (1, 2))
    return (zeta.sel(relation=relation) - before.sel(relation=relation)) / before.sel(relation="own", drop=True)


def _difference(data: xarray.Dataset, relation: str, pretraining: str) -> np.ndarray:
    """SAM less SGD in the replicates in which both were forgotten."""
    added = _learned_in_unlearning(data, relation).sel(pretraining=pretraining, alpha=ALPHA)
    difference = (added.sel(optimizer="SAM") - added.sel(optimizer="SGD")).values
    return np.asarray(difference[_both_forgotten(data, pretraining)])


def _both_forgotten(data: xarray.Dataset, pretraining: str) -> np.ndarray:
    """Replicates in which SGD and SAM both reach the accuracy, (seed,)."""
    reached = data["forget_accuracy"].sel(pretraining=pretraining, alpha=ALPHA) <= FORGOTTEN
    return np.asarray(reached.all("optimizer").values)


def _measure(lab: Lab, pretraining: str) -> Evidence:
    data = lab.once(alpha_grid)
    unlearned = data["forget_accuracy"].sel(pretraining=pretraining, alpha=ALPHA)
    curves = tuple(
        Curve(
            f"{optimizer}, {relation} class",
            np.array(ALPHAS),
            _learned_in_unlearning(data, relation)
            .sel(pretraining=pretraining, optimizer=optimizer)
            .mean("seed")
            .values,
            style="both",
        )
        for optimizer in ("SGD", "SAM")
        for relation in ("own", "opposite")
    )
    alone = _learned_in_unlearning(data, "own").sel(pretraining=pretraining, alpha=ALPHA, optimizer="SGD").values
    return Evidence(
        effect=from_replicates(_difference(data, "own", pretraining)),
        control=from_replicates(alone),
        n_runs=data.attrs["n_runs"],
        details={
            "fraction of the replicates in which both forget": from_replicates(_both_forgotten(data, pretraining)),
            "the same for the opposite class": from_replicates(_difference(data, "opposite", pretraining)),
            "forget accuracy reached, SGD": from_replicates(unlearned.sel(optimizer="SGD").values),
            "forget accuracy reached, SAM": from_replicates(unlearned.sel(optimizer="SAM").values),
        },
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", r"change of $\zeta$ on F, relative", curves),
    )


CLAIMS = tuple(
    Claim(
        name=f"forget-noise-after-{pretraining.lower()}",
        number=9,
        title=f"SAM overfits the forget set like SGD (after pretraining with {pretraining})",
        source="Lemma 3.1's consequence as the summaries state it [S]; that it fails is predicted in [D]",
        statement=STATEMENTS["zeta_update"].latex,
        effect="difference SAM - SGD of what unlearning adds to own-class ζ on F, over ζ before",
        supported=Region.around(0.0, 0.1),
        refuted_if="At equal forget accuracy the mean own-class ζ on F differs by more than a tenth of what it was.",
        experiment=(
            "d = 8,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 6, p = 0.1, SAM's weights; NegGrad at α = 0.7 with SGD "
            "and with SAM "
            "(radius 1/√m of the theory's)."
        ),
        stopping_rule="Forget accuracy at most 0.5 (4,000 steps at most); 40 replicates (quick), 200 (full).",
        statistic="Paired difference in every replicate in which both forget, Student's interval.",
        control=Control(name="unlearning with SGD leaves ζ on F as it was", region=Region.around(0.0, 0.1)),
        measure=partial(_measure, pretraining=pretraining),
        family="paper",
    )
    for pretraining in ("SGD", "SAM")
)
