"""The α that a network needs to stay benign, over d, n and the signal, with its censoring in the likelihood."""

from __future__ import annotations

from functools import partial

import numpy as np

from theory.experiments import choices
from theory.experiments.course import STANDARD
from theory.experiments.forgetting.needed import ABOVE, FACTORS, Needed, needed, over_signal
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.signals import alpha_needed
from theory.experiments.words import INSIDE, MATCHED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, bootstrap, exact

__all__ = ["CLAIMS"]

_RESAMPLES = 60
_PRETRAININGS = {"SGD": 1.0, "SAM": 0.0}


def _slope(found: Needed, factor: str, rows: np.ndarray) -> float:
    """Coefficient of a factor in the mean log-odds over some replicates."""
    return float(found.law(rows).slopes[FACTORS.index(factor)])


def _details(lab: Lab, found: Needed) -> dict[str, Estimate]:
    words = {"d": "slope of the log-odds over log d", "n": "the same over log n", "signal": "the same over log ‖φ‖"}
    count = len(found.low)
    return {
        **{
            text: bootstrap(partial(_slope, found, factor), count, lab.rng("odds", factor), _RESAMPLES)
            for factor, text in words.items()
        },
        **{
            f"α needed by half of the replicates, {name}, standard problem": bootstrap(
                partial(_median, found, value), count, lab.rng("odds median"), _RESAMPLES
            )
            for name, value in _PRETRAININGS.items()
        },
        "share of the thresholds below the least α tried": exact(float(np.isneginf(found.low).mean())),
        "share of the thresholds above the largest": exact(float(np.isposinf(found.high).mean())),
        "spread of the log-odds between replicates": exact(found.law(np.arange(count)).spread),
    }


def _median(found: Needed, sgd: float, rows: np.ndarray) -> float:
    return float(found.law(rows).median(np.array([1.0, sgd, 0.0, 0.0, 0.0])))


def _picture(found: Needed) -> Picture:
    law = found.law(np.arange(len(found.low)))
    ratio = np.geomspace(25.0, 250.0, 30)
    logs = np.log(ratio * STANDARD.n / STANDARD.d)
    curves = []
    for name, value in _PRETRAININGS.items():
        for place in (1.2, 2.5, 4.0):
            rows = np.column_stack([np.ones_like(logs), np.full_like(logs, value), logs, 0.0 * logs, 0.0 * logs])
            rows[:, FACTORS.index("signal")] = np.log(place / 2.5)
            label = f"{name}, {place:g} times the boundary"
            curves.append(Curve(label, np.sqrt(ratio), law.median(rows), style="line"))
    return Picture(r"$\sqrt{d/n}$ at $n=20$", r"$\alpha$ needed by half of the replicates", tuple(curves), x_log=True)


def _measure(lab: Lab) -> Evidence:
    found, grids = lab.once(needed), [lab.once(alpha_needed), lab.once(over_signal)]
    effect = bootstrap(partial(_slope, found, "SGD"), len(found.low), lab.rng("odds gap"), _RESAMPLES)
    chance = found.exchanged(lab.rng("odds chance"))
    return Evidence(
        effect=effect,
        control=effect,
        null=bootstrap(partial(_slope, chance, "SGD"), len(found.low), lab.rng("odds gap"), _RESAMPLES),
        n_runs=sum(data.attrs["n_runs"] for data in grids),
        details=_details(lab, found),
        conditions=_worst([conditions_of(data) for data in grids]),
        endings=grids[0].attrs["endings"],
        picture=_picture(found),
        remark=(
            "Every replicate's threshold is an interval between two α that were tried, open where it lies beyond them; "
            "the likelihood takes all of them. One spread for all settings."
        ),
    )


def _worst(tables: list[dict[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    """Of each hypothesis the least margin and the larger fraction outside."""
    names = [name for name in tables[0] if all(name in table for table in tables)]
    return {
        name: (min(table[name][0] for table in tables), max(table[name][1] for table in tables)) for name in names
    }  # fmt: skip


CLAIMS = (
    Claim(
        name="alpha-curves-gap",
        number=23,
        title="Over d, n and the signal, SGD-pretrained networks need the larger α",
        source="Lemma 3.4 of the unlearning paper as its summaries state it [S]; thresholds of each replicate are ours",
        statement=STATEMENTS["lemma_3_4_alpha_gap"].latex,
        effect="mean log-odds of the α needed after SGD, less those after SAM, at equal d, n and signal",
        supported=Region(low=0.0),
        refuted_if="After SAM the larger α is needed.",
        experiment=(
            f"Needed is the least α from which on a replicate forgets with a test error of at most p + {ABOVE:g}: the "
            "grid of alpha-gap-sign over d and n at 2.5 times the boundary of SGD, and at d = 1,000 also 1.2 and 4 "
            f"times; {INSIDE}."
        ),
        stopping_rule=MATCHED + replicated(10, 150),
        statistic=(
            "Normal law of the log-odds with a mean linear in the optimizer, log d, log n and log ‖φ‖, by maximum "
            "likelihood of the intervals; standard error by bootstrap over replicates."
        ),
        control=Control(name="SGD needs five times the odds or more", region=Region(low=float(np.log(5.0)))),
        null=Control(name="which pretraining is which left to chance", region=Region.around(0.0, 0.5)),
        hypotheses=HYPOTHESES,
        choices=tuple(choice for choice in choices.UNLEARNING if choice is not choices.WEIGHTS),
        measure=_measure,
        family="open",
    ),
)
