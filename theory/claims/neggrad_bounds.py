"""Theorems 3.2 and 3.3 after unlearning with NegGrad, at matched forgetting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from theory.experiments import choices, unlearning
from theory.experiments.boundaries import LEVELS, Lines
from theory.experiments.course import Course
from theory.experiments.forgetting.thresholds import LEAST_FORGOTTEN
from theory.experiments.lab import Lab
from theory.experiments.words import INSIDE, MATCHED, SIZES, replicated
from theory.formulas.conditions import HYPOTHESES, SCANNED
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, exact, from_replicates, worst_of

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Boundaries after unlearning"

_EDGE = 256.0
"""Least d/n of cells below the boundary: there half of it is still at least P σ_p."""


@dataclass(frozen=True)
class _Cells:
    """Cells of an experiment by place and dimension."""

    least: float
    most: float = np.inf
    ratio: float = 0.0
    """Least d/n."""

    def of(self, lines: Lines) -> np.ndarray:
        """A mask, (C,)."""
        d, n = lines.factors["d"], lines.factors["n"]
        return (lines.place >= self.least) & (lines.place <= self.most) & (d >= self.ratio * n)


def _ended(lab: Lab, lines: Lines) -> np.ndarray:
    """Fraction of the runs of each cell that ended as they should, and not because their steps were used up, (C,)."""
    done = [Course(lab).forgotten(data).mean("seed").values.ravel() for data in lines.data.values()]
    return np.concatenate(done)


def _details(lab: Lab, lines: Lines, cells: np.ndarray) -> dict[str, Estimate]:
    clean = {
        f"clean error of the {word} class, cells of the claim": from_replicates(values[:, cells].mean(axis=1))
        for word, values in _by_class(lines).items()
    }
    return {
        "fraction of the runs that got to their end, in the worst cell": exact(float(_ended(lab, lines)[cells].min())),
        **clean,
    }


def _by_class(lines: Lines) -> dict[str, np.ndarray]:
    """Clean test errors of the two classes, the better one first, (replicates, cells) each."""
    tables = [data["clean_error_by_label"] for data in lines.data.values()]
    values = np.concatenate(
        [table.transpose(..., "seed", "label").values.reshape(-1, *table.shape[-2:]) for table in tables]
    )
    ordered = np.sort(values, axis=-1)
    return {"better": ordered[..., 0].T, "worse": ordered[..., 1].T}


def _picture(lines: Lines, x_label: str) -> Picture:
    curves = []
    for d in np.unique(lines.factors["d"]):
        cells = lines.factors["d"] == d
        curves.append(Curve(f"d = {d:,.0f}", lines.place[cells], lines.error[:, cells].mean(axis=0), style="both"))
    return Picture(x_label, "test error after unlearning", tuple(curves), x_log=True)


_RELATIVE = r"signal over $d^{1/4}n^{-1/4}(P-1)\sigma_p$"
_IN_NOISE = r"signal over $(P-1)\sigma_p$"
_UNTOLD = "Whether the theorem speaks of unlearning after training, and when it stops, cannot be recovered."
_NEVER = Control(name="a set that was never learned is forgotten after no step", region=Region.around(0.0, 0.5))


def _null(lab: Lab, pretraining: str) -> Estimate:
    """Steps it takes to unlearn what was never learned."""
    data = lab.once(unlearning.never_learned).sel(pretraining=pretraining)
    return from_replicates(unlearning.phase_from_end(data, "phase_steps").values)


def _excess(
    lab: Lab,
    experiment: Callable[[Lab], Lines],
    pick: Callable[[np.ndarray], np.intp],
    cells: _Cells,
    control: _Cells,
    x_label: str,
    pretraining: str,
    beside: Callable[[Lab], Lines] | None = None,
) -> Evidence:
    """Test error above p, in the worst of some cells; the cells of the control are those of the experiment `beside`."""
    lines = lab.once(experiment)
    others = lab.once(beside or experiment)
    here, there = cells.of(lines), control.of(others)
    excess = lines.error - lab.pick(choices.FLIP)
    effect = worst_of(excess[:, here], pick)
    if _ended(lab, lines)[here].min() < LEAST_FORGOTTEN:
        effect = Estimate(np.nan, np.nan, len(excess) - 1)
    return Evidence(
        effect=effect,
        control=worst_of(others.error[:, there] - lab.pick(choices.FLIP), pick),
        null=_null(lab, pretraining),
        n_runs=lines.n_runs,
        details=_details(lab, lines, here),
        distributions={
            f"clean error of the {word} class, cells of the claim": values[:, here].ravel()
            for word, values in _by_class(lines).items()
        },
        conditions=lines.conditions_where(here),
        endings=lines.endings,
        picture=_picture(lines, x_label),
        remark=_UNTOLD,
    )


def _exponent(lab: Lab, experiment: Callable[[Lab], Lines], x_label: str, pretraining: str) -> Evidence:
    """Exponent of d."""
    lines = lab.once(experiment)
    effect = lines.exponents(lab.rng("surface"), "d")["d"]
    if _ended(lab, lines).min() < LEAST_FORGOTTEN:
        effect = Estimate(np.nan, np.nan, len(lines.error) - 1)
    levels = {
        f"exponent at test error {level:g} alone": lines.level_slope("d", level, lab.rng("level")) for level in LEVELS
    }
    return Evidence(
        effect=effect,
        control=effect,
        null=_null(lab, pretraining),
        n_runs=lines.n_runs,
        details={**levels, **_details(lab, lines, np.ones(len(lines.place), dtype=bool))},
        conditions=lines.conditions,
        endings=lines.endings,
        picture=_picture(lines, x_label),
        remark=f"{_UNTOLD} Signals on both sides of the boundary are its cells, some below P σ_p.",
    )


_PAPER = "Theorem {} of the unlearning paper as its summaries state it [S]; the protocol is ours"
_WORST = "Mean over replicates in the worst of the cells, its interval widened for having been picked."
_POOLED = "Exponent of d in the pooled model of the test error; standard error by bootstrap over replicates."
_SGD = f"SGD to a loss of 0.05, then NegGrad with SGD at α = 0.7; {SIZES}, d = 2,000 to 20,000; {INSIDE}."
_SAM = f"SAM and SGD to a loss of 0.05, then NegGrad with {{}} at α = 0.7; {SIZES}, d = {{}}; {INSIDE}."
"""What rows on a boundary presuppose: the signal itself is what they vary."""
_CHOICES = choices.unlearning_without(choices.WEIGHTS)
_FAMILY: dict[str, Any] = {"number": 8, "family": "paper", "null": _NEVER}

CLAIMS = (
    Claim(
        name="neggrad-sgd-harmful",
        title="After NegGrad with SGD: still harmful below the boundary",
        source=_PAPER.format("3.2") + "; p + 0.1 in place of 0.1 is Chen et al. 2023 [M 90%]",
        statement=STATEMENTS["theorem_3_2_harmful"].latex,
        effect="test error - p at 0.5 times d^¼ n^-¼ q, where it is lowest",
        supported=Region(low=0.1),
        refuted_if="In some cell below the boundary the mean test error is less than p + 0.1.",
        experiment=_SGD,
        stopping_rule=MATCHED + "6 signals at 2 dimensions (quick), 3 (full); " + replicated(16, 60),
        statistic=_WORST,
        control=Control(name="harmful at 4 times the boundary, too", region=Region(low=0.1)),
        hypotheses=HYPOTHESES,
        choices=_CHOICES,
        measure=partial(
            _excess,
            experiment=unlearning.after_sgd,
            pick=np.argmin,
            x_label=_RELATIVE,
            cells=_Cells(0.5, 0.5, _EDGE),
            control=_Cells(4.0),
            pretraining="SGD",
        ),
        **_FAMILY,
    ),
    Claim(
        name="neggrad-sgd-benign",
        title="After NegGrad with SGD: benign above the boundary",
        source=_PAPER.format("3.2"),
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="test error - p at 2.5 to 4 times d^¼ n^-¼ q, where it is highest",
        supported=Region(high=0.05),
        refuted_if="In some cell well above the boundary the mean test error exceeds p + 0.05.",
        experiment=_SGD,
        stopping_rule=MATCHED + "6 signals at 2 dimensions (quick), 3 (full); " + replicated(16, 60),
        statistic=_WORST,
        control=Control(name="so it is at 0.5 times the boundary", region=Region(high=0.05)),
        hypotheses=HYPOTHESES,
        choices=_CHOICES,
        measure=partial(
            _excess,
            experiment=unlearning.after_sgd,
            pick=np.argmax,
            x_label=_RELATIVE,
            cells=_Cells(2.5),
            control=_Cells(0.5, 0.5),
            pretraining="SGD",
        ),
        **_FAMILY,
    ),
    Claim(
        name="neggrad-sgd-boundary-d",
        title="After NegGrad with SGD: the boundary still grows as the fourth root of d, within 0.05",
        source=_PAPER.format("3.2"),
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="exponent of d in the critical signal",
        supported=Region.around(0.25, 0.05),
        refuted_if="The exponent differs from 1/4 by more than 0.05 (equivalence test).",
        experiment=_SGD,
        stopping_rule=MATCHED + "6 signals at 2 dimensions (quick), 3 (full); " + replicated(16, 60),
        statistic=_POOLED,
        control=Control(name="it does not move with d", region=Region.around(0.0, 0.05)),
        hypotheses=SCANNED,
        choices=_CHOICES,
        measure=partial(_exponent, experiment=unlearning.after_sgd, x_label=_RELATIVE, pretraining="SGD"),
        **_FAMILY,
    ),
    Claim(
        name="neggrad-sgd-from-start",
        title="NegGrad with SGD from the initial weights: benign above the boundary",
        source=_PAPER.format("3.2") + "; this reading takes no training before unlearning",
        statement=STATEMENTS["theorem_3_2_benign"].latex,
        effect="test error - p at 2.5 to 4 times d^¼ n^-¼ q, where it is highest",
        supported=Region(high=0.05),
        refuted_if="In some cell well above the boundary the mean test error exceeds p + 0.05.",
        experiment=f"NegGrad with SGD at α = 0.9; {SIZES}, d = 6,400, 20,000; {INSIDE}.",
        stopping_rule="Retain loss 0.05 (100,000 steps at most); 3 signals; " + replicated(16, 60),
        statistic=_WORST,
        control=Control(name="so it is at 0.5 times the boundary", region=Region(high=0.05)),
        hypotheses=HYPOTHESES,
        choices=choices.unlearning_without(choices.WEIGHTS, choices.STOP, choices.ALPHA),
        measure=partial(
            _excess,
            experiment=unlearning.from_start,
            pick=np.argmax,
            x_label=_RELATIVE,
            cells=_Cells(2.5),
            control=_Cells(0.5, 0.5),
            pretraining="SGD",
        ),
        **_FAMILY,
    ),
    Claim(
        name="neggrad-sam-pretrained-boundary-d",
        title="After SAM and NegGrad with SGD: the signal it needs does not grow with d",
        source=_PAPER.format("3.3") + ", read as SAM in pretraining",
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="exponent of d in the critical signal",
        supported=Region(high=0.1),
        refuted_if=(
            "The exponent exceeds 0.1. A signal of Ω(1) suffices, the theorem says: one that falls is no contradiction."
        ),
        experiment=_SAM.format("SGD", "500 to 4,000"),
        stopping_rule=MATCHED + "6 signals at 2 dimensions (quick), 4 (full); " + replicated(8, 50),
        statistic=_POOLED,
        control=Control(name="it grows as √d, as with SGD at these weights", region=Region.around(0.5, 0.1)),
        hypotheses=SCANNED,
        choices=_CHOICES,
        measure=partial(_exponent, experiment=unlearning.after_sam, x_label=_IN_NOISE, pretraining="SAM"),
        **_FAMILY,
    ),
    Claim(
        name="neggrad-sam-benign",
        title="After SAM and NegGrad with SAM: low test error at signals of the order of the noise",
        source=_PAPER.format("3.3") + ", read as SAM in both",
        statement=STATEMENTS["theorem_3_3"].latex,
        effect="test error - p at 2 to 4 times (P-1)σ_p, where it is highest",
        supported=Region(high=0.1),
        refuted_if="In some cell the mean test error exceeds p + 0.1.",
        experiment=_SAM.format("SAM at the same radius", "2,000 (quick), 1,000 to 4,000 (full)"),
        stopping_rule=MATCHED + "2 signals; " + replicated(10, 40),
        statistic=_WORST,
        control=Control(name="so it is at 0.35 times the noise, after SAM and SGD", region=Region(high=0.1)),
        hypotheses=HYPOTHESES,
        choices=(*_CHOICES, choices.RADIUS),
        measure=partial(
            _excess,
            experiment=unlearning.both_sam,
            pick=np.argmax,
            x_label=_IN_NOISE,
            cells=_Cells(2.0),
            control=_Cells(0.35, 0.35),
            beside=unlearning.after_sam,
            pretraining="SAM",
        ),
        **_FAMILY,
    ),
)
