"""Does SAM overfit the forget set like SGD? What unlearning adds to the memory of its noise."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.unlearning import again, alpha_grid, phase_from_end
from theory.experiments.words import MATCHED, UNLEARNED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Memory of the forget set"

_MARGIN = 0.1


def _added(data: xarray.Dataset, relation: str) -> xarray.DataArray:
    """What unlearning adds to the mean ζ on the forget set, over the mean own-class ζ it began with."""
    zeta, before = (phase_from_end(data, "zeta_mean", back).sel(set="forget") for back in (1, 2))
    return (zeta.sel(relation=relation) - before.sel(relation=relation)) / before.sel(relation="own", drop=True)


def _difference(data: xarray.Dataset, relation: str, both: np.ndarray) -> np.ndarray:
    """SAM less SGD in the replicates in which both were forgotten."""
    added = _added(data, relation)
    return np.asarray((added.sel(optimizer="SAM") - added.sel(optimizer="SGD")).values[both])


def _null(lab: Lab, here: xarray.Dataset) -> Estimate:
    """SGD against itself with other seeds."""
    first = _added(here.sel(optimizer="SGD"), "own").values
    return from_replicates(first - _added(lab.once(again), "own").values)


def _measure(lab: Lab, pretraining: str) -> Evidence:
    data, course = lab.once(alpha_grid), Course(lab)
    here = data.sel(pretraining=pretraining, alpha=course.alpha)
    both = np.asarray(course.forgotten(here).all("optimizer").values)
    curves = tuple(
        Curve(
            f"{optimizer}, {relation} class",
            data["alpha"].values,
            _added(data.sel(pretraining=pretraining, optimizer=optimizer), relation).mean("seed").values,
            style="both",
        )
        for optimizer in ("SGD", "SAM")
        for relation in ("own", "opposite")
    )
    return Evidence(
        effect=from_replicates(_difference(here, "own", both)),
        control=from_replicates(_added(here.sel(optimizer="SGD"), "own").values),
        null=_null(lab, data.sel(pretraining="SGD", alpha=course.alpha)),
        n_runs=data.attrs["n_runs"],
        details={
            "fraction of the replicates in which both forget": from_fractions(both.astype(float), 1),
            "the same for the opposite class": from_replicates(_difference(here, "opposite", both)),
            **{
                f"forget accuracy reached, {name}": from_replicates(here["forget_accuracy"].sel(optimizer=name).values)
                for name in ("SGD", "SAM")
            },
        },
        conditions=conditions_of(here),
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", r"change of $\zeta$ on F, relative", curves),
        remark="Replicates in which one of the two never forgets have no such difference; their share stands above.",
    )


CLAIMS = tuple(
    Claim(
        name=f"forget-noise-after-{pretraining.lower()}",
        number=9,
        title=f"SAM overfits the forget set like SGD, within a tenth (after pretraining with {pretraining})",
        source="Lemma 3.1's consequence as the summaries state it [S]; that it fails is predicted in [D]",
        statement=STATEMENTS["zeta_update"].latex,
        effect="difference SAM - SGD of what unlearning adds to own-class ζ on F, over ζ before",
        supported=Region.around(0.0, _MARGIN),
        refuted_if="At matched forgetting the mean own-class ζ on F differs by more than a tenth of what it was.",
        experiment=UNLEARNED + " With SGD and with SAM.",
        stopping_rule=MATCHED + replicated(8, 60),
        statistic="Paired difference in every replicate in which both forget, Student's interval.",
        control=Control(name="unlearning with SGD leaves ζ on F as it was", region=Region.around(0.0, 0.05)),
        null=Control(name="SGD against itself with other seeds", region=Region.around(0.0, _MARGIN)),
        hypotheses=HYPOTHESES,
        choices=(*choices.UNLEARNING, choices.RADIUS, choices.DIMENSION),
        measure=partial(_measure, pretraining=pretraining),
        family="paper",
    )
    for pretraining in ("SGD", "SAM")
)
