"""Open in the paper: does unlearning with SGD flatten the landscape?"""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.unlearning import alpha_grid, never_learned, phase_from_end
from theory.experiments.words import MATCHED, UNLEARNED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Flatness after unlearning"

_WORDS = {"hessian_eigenvalue": "largest Hessian eigenvalue", "sharpness": "SAM's sharpness"}


_CHOSEN = {"small": 0.5, "large": 0.9}
"""α at which the claim is put to the test."""


def _change(data: xarray.Dataset, name: str, part: str) -> xarray.DataArray:
    """log(after / before) of a measure of curvature under SGD; NaN where there was none or none is left."""
    after, before = (phase_from_end(data, name, back).sel(part=part) for back in (1, 2))
    ratio = after / before
    return ratio.copy(data=np.log(np.where(ratio > 0, ratio, np.nan)))


def _null(lab: Lab, name: str) -> Estimate:
    """The change where nothing was to be unlearned."""
    return from_replicates(_change(lab.once(never_learned).sel(pretraining="SGD"), name, "retain").values)


def _measure(lab: Lab, name: str, alpha: float) -> Evidence:
    data = lab.once(alpha_grid)
    change = _change(data.sel(optimizer="SGD"), name, "retain")
    effect = from_replicates(change.sel(pretraining="SGD", alpha=alpha).values)
    curves = tuple(
        Curve(
            f"{pretraining} pretraining, {part} set",
            data["alpha"].values,
            _change(data.sel(optimizer="SGD"), name, part).sel(pretraining=pretraining).median("seed").values,
            style="both",
        )
        for pretraining in ("SGD", "SAM")
        for part in ("retain", "train")
    )
    return Evidence(
        effect=effect,
        control=effect,
        null=_null(lab, name),
        n_runs=data.attrs["n_runs"],
        details={
            f"{pretraining} pretraining, α = {value:g}": from_replicates(
                change.sel(pretraining=pretraining, alpha=value).values
            )
            for pretraining in ("SGD", "SAM")
            for value in data["alpha"].values
        },
        conditions=conditions_of(data.sel(pretraining="SGD", optimizer="SGD", alpha=[alpha])),
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", f"log change of the {_WORDS[name]} (median)", curves),
        remark="The answer depends on α: the more the retain loss weighs, the longer unlearning goes on fitting it.",
    )


CLAIMS = tuple(
    Claim(
        name=f"sgd-flattens-{short}-{size}-alpha",
        number=15,
        title=f"Unlearning with SGD at α = {alpha:g} flattens the retain loss: {_WORDS[name]}",
        source="Observed on deep networks and left unexplained by the paper [S]; asked here of the small network",
        statement=STATEMENTS["hessian_eigenvalue" if short == "hessian" else "sharpness"].latex,
        effect=f"log of the {_WORDS[name]} of the retain loss after unlearning, over before",
        supported=Region(high=0.0),
        refuted_if="It is larger after unlearning.",
        experiment=UNLEARNED.replace("α = 0.7", f"α = {alpha:g}") + " With SGD.",
        stopping_rule=MATCHED + replicated(8, 60),
        statistic="Mean over replicates, Student's interval.",
        null=Control(name="a set that was never learned changes nothing", region=Region.around(0.0, 0.001)),
        hypotheses=HYPOTHESES,
        choices=choices.unlearning_without(choices.ALPHA),
        control=Control(name="it doubles, or more", region=Region(low=0.69)),
        measure=partial(_measure, name=name, alpha=alpha),
        family="open",
    )
    for short, name in (("hessian", "hessian_eigenvalue"), ("sharpness", "sharpness"))
    for size, alpha in _CHOSEN.items()
)
