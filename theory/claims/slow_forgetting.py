"""SAM's joint perturbation lowers the loss on the forget set it ascends: does that slow forgetting?"""

from __future__ import annotations

from functools import partial

import numpy as np

from theory.experiments.lab import Lab
from theory.experiments.unlearning import ALPHA, ALPHAS, alpha_grid, phase_from_end
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, from_replicates

__all__ = ["CLAIMS"]

STEPS = 4000
"""Steps of unlearning at most; see `theory.experiments.protocols.unlearn`."""


def _where_known(values: np.ndarray) -> Estimate:
    return from_replicates(values[np.isfinite(values)])


def _measure(lab: Lab, pretraining: str) -> Evidence:
    data = lab.once(alpha_grid)
    steps = phase_from_end(data, "phase_steps").sel(pretraining=pretraining).transpose("optimizer", "seed", "alpha")
    logs = np.log(np.maximum(steps.values, 1.0))
    known = steps.values[0] < STEPS  # where SGD forgets; SAM that does not counts with its last step, a lower bound
    slower = np.where(known, logs[1] - logs[0], np.nan)  # SAM after SGD along "optimizer"
    chosen = ALPHAS.index(ALPHA)
    effect = _where_known(slower[:, chosen])
    curves = tuple(
        Curve(name, np.array(ALPHAS), np.exp(logs[number].mean(axis=0)), style="both")
        for number, name in enumerate(("SGD", "SAM"))
    )
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=data.attrs["n_runs"],
        details={f"the same at α = {alpha:g}": _where_known(slower[:, k]) for k, alpha in enumerate(ALPHAS)},
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", "steps to forget (geometric mean)", curves, y_log=True),
        remark=(
            f"Over the {np.count_nonzero(known[:, chosen])} of {len(known)} replicates in which SGD forgets at α "
            f"= {ALPHA:g}; "
            "SAM where it does not counts with its last step, so that the ratio is a lower bound."
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
        experiment=(
            "d = 8,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 6, p = 0.1, SAM's weights; NegGrad at α = 0.7 with SGD and with "
            "SAM (radius 1/√m of the theory's), at one step size."
        ),
        stopping_rule="Forget accuracy at most 0.5 (4,000 steps at most); 40 replicates (quick), 200 (full).",
        statistic="Paired log ratio of steps, Student's interval.",
        control=Control(name="they need the same number within 10 %", region=Region.around(0.0, 0.1)),
        measure=partial(_measure, pretraining=pretraining),
        family="ours",
    )
    for pretraining in ("SGD", "SAM")
)
