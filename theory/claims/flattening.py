"""Open in the paper: does unlearning with SGD flatten the landscape?"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray

from theory.experiments.unlearning import ALPHA, ALPHAS, alpha_grid, phase_from_end
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statements import STATEMENTS
from theory.statistics import from_replicates

__all__ = ["CLAIMS"]

_WORDS = {"hessian_eigenvalue": "largest Hessian eigenvalue", "sharpness": "SAM's sharpness"}


def _change(data: xarray.Dataset, name: str, part: str) -> xarray.DataArray:
    """(after - before) / before of a measure of curvature."""
    after, before = (phase_from_end(data, name, back).sel(part=part) for back in (1, 2))
    return (after - before) / before


def _measure(lab: Lab, name: str) -> Evidence:
    data = lab.once(alpha_grid)
    chosen: dict[str, Any] = {"optimizer": "SGD", "alpha": ALPHA}
    effect = from_replicates(_change(data, name, "retain").sel({"pretraining": "SGD", **chosen}).values)
    curves = tuple(
        Curve(
            f"{pretraining} then SGD, {part} set",
            np.array(ALPHAS),
            _change(data, name, part).sel(pretraining=pretraining, optimizer="SGD").mean("seed").values,
            style="both",
        )
        for pretraining in ("SGD", "SAM")
        for part in ("retain", "forget")
    )
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=data.attrs["n_runs"],
        details={
            "the same, SAM pretraining": from_replicates(
                _change(data, name, "retain").sel({"pretraining": "SAM", **chosen}).values
            ),
            "the same, whole training set": from_replicates(
                _change(data, name, "train").sel({"pretraining": "SGD", **chosen}).values
            ),
        },
        conditions=data.attrs["conditions"],
        picture=Picture(r"$\alpha$", f"relative change of the {_WORDS[name]}", curves),
    )


CLAIMS = tuple(
    Claim(
        name=f"sgd-flattens-{short}",
        number=15,
        title=f"Unlearning with SGD flattens the retain loss: {_WORDS[name]}",
        source="Observed on deep networks and left unexplained by the paper [S]; asked here of the small network",
        statement=STATEMENTS["hessian_eigenvalue" if short == "hessian" else "sharpness"].latex,
        effect=f"relative change of the {_WORDS[name]} of the retain loss by unlearning",
        supported=Region(high=0.0),
        refuted_if="It is larger after unlearning.",
        experiment=(
            "d = 8,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 6, p = 0.1, SAM's weights; SGD to a loss of 0.05, then "
            "NegGrad with "
            "SGD at α = 0.7."
        ),
        stopping_rule="Forget accuracy at most 0.5 (4,000 steps at most); 40 replicates (quick), 200 (full).",
        statistic="Mean over replicates, Student's interval.",
        control=Control(name="it falls by nine tenths or more", region=Region(high=-0.9)),
        measure=partial(_measure, name=name),
        core=False,
    )
    for short, name in (("hessian", "hessian_eigenvalue"), ("sharpness", "sharpness"))
)
