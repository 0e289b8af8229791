"""Theorems 3.2 and 3.3 after unlearning with NegGrad, at matched forgetting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from theory.experiments import unlearning
from theory.experiments.boundaries import BASE, LEVELS, Lines
from theory.experiments.lab import Lab
from theory.experiments.protocols import FORGOTTEN
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, exact, worst_of

__all__ = ["CLAIMS"]

_MATCHED = f"Unlearning stops at a forget accuracy of {FORGOTTEN:g} (guessing) or less, or after 4,000 steps; "
_NETWORK = "n = 40, |F| = 4, m = 10, p = 0.1"
_SIZES = f"{_NETWORK}, α = 0.7"
_SGD = f"SGD from small weights to a loss of 0.05, then NegGrad with SGD; {_SIZES}, d = 10^4 to 10^8."
_UNTOLD = "Whether the theorem speaks of unlearning after training, and when it stops, cannot be recovered."


def _at(lines: Lines, least: float, most: float = np.inf, dimensions: float = 0.0) -> np.ndarray:
    """Test error above the label noise of the cells in a range of positions and dimensions, (replicates, cells)."""
    chosen = (lines.place >= least) & (lines.place <= most) & (lines.factors["d"] >= dimensions)
    return lines.error[:, chosen] - BASE.label_flip


_ENOUGH = 0.9
"""Fraction of the runs of every cell that have to be forgotten; below it nothing is said."""


def _forgotten(lines: Lines) -> float:
    """Fraction of the runs forgotten, in the cell where it is lowest."""
    return float((lines.data["d"]["forget_accuracy"] <= FORGOTTEN).mean("seed").min())


def _if_matched(estimate: Estimate, lines: Lines) -> Estimate:
    """The estimate, or none where forgetting is not matched: networks not unlearned would speak for those that are."""
    return estimate if _forgotten(lines) >= _ENOUGH else replace(estimate, value=np.nan)


def _details(lines: Lines) -> dict[str, Estimate]:
    return {"fraction of the runs forgotten, in the worst cell": exact(_forgotten(lines))}


def _picture(lines: Lines, x_label: str) -> Picture:
    curves = []
    for d in np.unique(lines.factors["d"]):
        cells = lines.factors["d"] == d
        curves.append(Curve(f"d = {d:,.0f}", lines.place[cells], lines.error[:, cells].mean(axis=0), style="both"))
    return Picture(x_label, "test error after unlearning", tuple(curves), x_log=True)


_RELATIVE = r"signal over $d^{1/4}n^{-1/4}(P-1)\sigma_p$"
_IN_NOISE = r"signal over $(P-1)\sigma_p$"


def _excess(
    lab: Lab,
    experiment: Callable[[Lab], Lines],
    pick: Callable[[np.ndarray], np.intp],
    cells: Callable[[Lines], np.ndarray],
    control: Callable[[Lines], np.ndarray],
    x_label: str,
) -> Evidence:
    """Test error above p, in the worst of some cells."""
    lines = lab.once(experiment)
    return Evidence(
        effect=_if_matched(worst_of(cells(lines), pick), lines),
        control=worst_of(control(lines), pick),
        n_runs=lines.n_runs,
        details=_details(lines),
        conditions=lines.conditions,
        endings=lines.endings,
        picture=_picture(lines, x_label),
        remark=_UNTOLD,
    )


def _exponent(lab: Lab, experiment: Callable[[Lab], Lines], x_label: str, dimensions: float = 0.0) -> Evidence:
    """Exponent of d from a dimension on, and over all of them."""
    lines = lab.once(experiment)
    large = lines.factors["d"] >= dimensions
    effect = lines.exponents(lab.rng("surface"), "d", where=large)["d"]
    over_all = lines.exponents(lab.rng("surface"), "d")["d"]
    levels = {
        f"exponent at test error {level:g} alone, all dimensions": lines.level_slope("d", level, lab.rng("level"))
        for level in LEVELS
    }
    return Evidence(
        effect=_if_matched(effect, lines),
        control=effect,
        n_runs=lines.n_runs,
        details={"the same over all dimensions": over_all, **levels, **_details(lines)},
        conditions=lines.conditions,
        endings=lines.endings,
        picture=_picture(lines, x_label),
        remark=_UNTOLD,
    )


_PAPER = "Theorem {} of the unlearning paper as its summaries state it [S]; the protocol is ours"
_WORST = "Mean over replicates in the worst of the cells, its interval widened for having been picked."
_POOLED = "Exponent of d in the pooled model of the test error; standard error by bootstrap over replicates."

CLAIMS = (
    Claim(
        name="neggrad-sgd-harmful",
        number=8,
        title="After NegGrad with SGD: still harmful below the boundary",
        source=_PAPER.format("3.2") + "; p + 0.1 in place of 0.1 is Chen et al. 2023 [M 90%]",
        statement=STATEMENTS["theorem_3_2_harmful"].latex,
        effect="test error - p at 0.5 times d^¼ n^-¼ q, where it is lowest",
        supported=Region(low=0.1),
        refuted_if="In some cell below the boundary the mean test error is less than p + 0.1.",
        experiment=_SGD,
        stopping_rule=_MATCHED + "8 signals at 5 dimensions, 64 replicates (quick), 400 (full).",
        statistic=_WORST,
        control=Control(name="harmful at 4 times the boundary, too", region=Region(low=0.1)),
        family="paper",
        measure=partial(
            _excess,
            experiment=unlearning.after_sgd,
            pick=np.argmin,
            x_label=_RELATIVE,
            cells=partial(_at, least=0.5, most=0.5),
            control=partial(_at, least=4.0),
        ),
    ),
    Claim(
        name="neggrad-sgd-benign",
        number=8,
        title="After NegGrad with SGD: benign above the boundary",
        source=_PAPER.format("3.2"),
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="test error - p at 2.5 to 4 times d^¼ n^-¼ q, d ≥ 10^6, where it is highest",
        supported=Region(high=0.05),
        refuted_if="In some cell well above the boundary the mean test error exceeds p + 0.05.",
        experiment=_SGD,
        stopping_rule=_MATCHED + "8 signals at 5 dimensions, 64 replicates (quick), 400 (full).",
        statistic=_WORST,
        control=Control(name="so it is at 0.5 times the boundary", region=Region(high=0.05)),
        family="paper",
        measure=partial(
            _excess,
            experiment=unlearning.after_sgd,
            pick=np.argmax,
            x_label=_RELATIVE,
            cells=partial(_at, least=2.5, dimensions=1e6),
            control=partial(_at, least=0.5, most=0.5),
        ),
    ),
    Claim(
        name="neggrad-sgd-boundary-d",
        number=8,
        title="After NegGrad with SGD, from d = 10^6 on: the boundary still grows as the fourth root of d",
        source=_PAPER.format("3.2"),
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="exponent of d in the critical signal, d ≥ 10^6",
        supported=Region.around(0.25, 0.05),
        refuted_if="The exponent differs from 1/4 by more than 0.05 (equivalence test).",
        experiment=_SGD,
        stopping_rule=_MATCHED + "8 signals at 5 dimensions, 64 replicates (quick), 400 (full).",
        statistic=_POOLED,
        control=Control(name="it does not move with d", region=Region.around(0.0, 0.05)),
        measure=partial(_exponent, experiment=unlearning.after_sgd, x_label=_RELATIVE, dimensions=1e6),
        family="paper",
    ),
    Claim(
        name="neggrad-sgd-from-start",
        number=8,
        title="NegGrad with SGD from the initial weights: benign above the boundary",
        source=_PAPER.format("3.2") + "; this reading takes no training before unlearning",
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="test error - p at 2.5 to 4 times d^¼ n^-¼ q, where it is highest",
        supported=Region(high=0.05),
        refuted_if="In some cell well above the boundary the mean test error exceeds p + 0.05.",
        experiment=f"NegGrad with SGD from small weights at α = 0.9; {_NETWORK}, d = 10^4, 10^6, 10^8.",
        stopping_rule="Retain loss 0.01, or 4,000 steps; 4 signals at 3 dimensions, 40 replicates (quick), 300 (full).",
        statistic=_WORST,
        control=Control(name="so it is at 0.5 times the boundary", region=Region(high=0.05)),
        family="paper",
        measure=partial(
            _excess,
            experiment=unlearning.from_start,
            pick=np.argmax,
            x_label=_RELATIVE,
            cells=partial(_at, least=2.5),
            control=partial(_at, least=0.5, most=0.5),
        ),
    ),
    Claim(
        name="neggrad-sam-pretrained-boundary-d",
        number=8,
        title="After SAM and NegGrad with SGD: the boundary does not move with d",
        source=_PAPER.format("3.3") + ", read as SAM in pretraining",
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="exponent of d in the critical signal",
        supported=Region.around(0.0, 0.1),
        refuted_if="The exponent differs from 0 by more than 0.1 (equivalence test).",
        experiment=(
            f"SAM and SGD to a loss of 0.05 at SAM's weights, then NegGrad with SGD; {_SIZES}, d = 4,000 to 16,000."
        ),
        stopping_rule=_MATCHED + "6 signals at 3 dimensions, 40 replicates (quick), 200 (full).",
        statistic=_POOLED,
        control=Control(name="it grows as √d, as with SGD at these weights", region=Region.around(0.5, 0.1)),
        measure=partial(_exponent, experiment=unlearning.after_sam, x_label=_IN_NOISE),
        family="paper",
    ),
    Claim(
        name="neggrad-sam-benign",
        number=8,
        title="After SAM and NegGrad with SAM: low test error at signals of the order of the noise",
        source=_PAPER.format("3.3") + ", read as SAM in both",
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="test error - p at 1.5 to 6 times (P-1)σ_p, where it is highest",
        supported=Region(high=0.1),
        refuted_if="In some cell the mean test error exceeds p + 0.1.",
        experiment=(
            "SAM and SGD to a loss of 0.05 at SAM's weights and radius, then NegGrad with SAM at 1/√m of that "
            "radius (at "
            f"the full one nothing is forgotten in any time); {_SIZES}, d = 2,000 to 4,000."
        ),
        stopping_rule=_MATCHED.replace("4,000", "40,000")
        + "3 signals at 3 dimensions, 32 replicates (quick), 200 (full).",
        statistic=_WORST,
        control=Control(name="the test error is p within 0.02", region=Region(high=0.02)),
        family="paper",
        measure=partial(
            _excess,
            experiment=unlearning.both_sam,
            pick=np.argmax,
            x_label=_IN_NOISE,
            cells=partial(_at, least=1.5),
            control=partial(_at, least=1.5),
        ),
    ),
)
