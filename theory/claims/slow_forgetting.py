"""SAM's joint perturbation lowers the loss on the forget set it ascends: does that slow forgetting?"""

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
from theory.statistics import from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How long forgetting takes"


def _logs(data: xarray.Dataset) -> xarray.DataArray:
    """Logarithm of the steps of unlearning."""
    steps = phase_from_end(data, "phase_steps")
    return steps.copy(data=np.log(np.maximum(steps.values, 1.0)))


def _measure(lab: Lab, pretraining: str) -> Evidence:
    data, course = lab.once(alpha_grid), Course(lab)
    here = data.sel(pretraining=pretraining)
    known = course.forgotten(here.sel(optimizer="SGD"))  # SAM that does not forget counts with its last step
    logs = _logs(here)
    slower = (logs.sel(optimizer="SAM") - logs.sel(optimizer="SGD")).where(known)
    found = {float(a): slower.sel(alpha=a).dropna("seed").values for a in here["alpha"].values}
    curves = tuple(
        Curve(name, here["alpha"].values, np.exp(logs.sel(optimizer=name).mean("seed").values), style="both")
        for name in ("SGD", "SAM")
    )
    same = _logs(data.sel(pretraining="SGD", optimizer="SGD", alpha=course.alpha)).values
    return Evidence(
        effect=from_replicates(found[course.alpha]),
        control=from_replicates(found[course.alpha]),
        null=from_replicates(same - _logs(lab.once(again)).values),
        n_runs=data.attrs["n_runs"],
        details={
            **{f"the same at α = {alpha:g}": from_replicates(values) for alpha, values in found.items()},
            **{
                f"fraction forgotten, {name}": from_fractions(
                    course.forgotten(here.sel(optimizer=name, alpha=course.alpha)).values.astype(float), 1
                )
                for name in ("SGD", "SAM")
            },
        },
        conditions=conditions_of(here.sel(alpha=[course.alpha])),
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", "steps to forget (geometric mean)", curves, y_log=True),
        remark=(
            f"Over the {len(found[course.alpha])} of {len(known['seed'])} replicates in which SGD forgets; SAM where "
            "it does not counts with its last step, so that the ratio is a lower bound."
        ),
    )


CLAIMS = tuple(
    Claim(
        name=f"sam-slows-forgetting-after-{pretraining.lower()}",
        number=19,
        title=f"SAM needs more steps than SGD to forget (pretraining with {pretraining})",
        source="[D], seen in a prototype [N]: ε̂ raises the margins of the forget set; not a claim of the paper",
        statement=STATEMENTS["sam_perturbation"].latex,
        effect="log of the steps to forget, SAM over SGD",
        supported=Region(low=0.0),
        refuted_if="SAM needs fewer steps.",
        experiment=UNLEARNED + " With SGD and with SAM, at one step size.",
        stopping_rule=MATCHED + replicated(8, 60),
        statistic="Paired log ratio of steps, Student's interval.",
        control=Control(name="they need the same number within 10 %", region=Region.around(0.0, 0.1)),
        null=Control(name="SGD against itself with other seeds", region=Region.around(0.0, 0.5)),
        hypotheses=HYPOTHESES,
        choices=(*choices.UNLEARNING, choices.RADIUS, choices.DIMENSION),
        measure=partial(_measure, pretraining=pretraining),
        family="ours",
    )
    for pretraining in ("SGD", "SAM")
)
