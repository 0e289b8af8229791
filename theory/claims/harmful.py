"""Theorem 3.2 below its boundary: harmful overfitting."""

from __future__ import annotations

import numpy as np

from theory.experiments import choices
from theory.experiments.boundaries import Lines
from theory.experiments.lab import Lab
from theory.experiments.training import sgd
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import between_halves, worst_of

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Errors around SGD's boundary"

_BELOW, _ABOVE, _RATIO = 0.7, 2.5, 100.0
"""Positions relative to d^¼ n^-¼ (P - 1) σ_p that count as below and as above the boundary, and the least d/n, at which
the signals below it are still at least P σ_p; fixed beforehand."""


def _cells(lines: Lines, place: float) -> np.ndarray:
    """The cells at a position whose d/n is large enough, (cells,) of bool."""
    return np.isclose(lines.place, place) & (lines.factors["d"] >= _RATIO * lines.factors["n"])


def _excess(lines: Lines, place: float, flip: float) -> np.ndarray:
    """Test error above the label noise in these cells, (replicates, cells)."""
    return lines.error[:, _cells(lines, place)] - flip


def _measure(lab: Lab) -> Evidence:
    lines, flip = lab.once(sgd.small_weights), lab.pick(choices.FLIP)
    places = np.unique(lines.place)
    excess = [_excess(lines, place, flip) for place in places]
    return Evidence(
        effect=worst_of(_excess(lines, _BELOW, flip), np.argmin),
        control=worst_of(_excess(lines, _ABOVE, flip), np.argmin),
        null=between_halves(_excess(lines, _BELOW, flip).mean(axis=1)),
        n_runs=lines.n_runs,
        conditions=lines.conditions_where(_cells(lines, _BELOW)),
        endings=lines.endings,
        picture=Picture(
            r"signal over $d^{1/4}n^{-1/4}(P-1)\sigma_p$",
            "test error - p",
            (
                Curve("lowest cell", places, np.array([cells.mean(axis=0).min() for cells in excess]), style="both"),
                Curve("highest cell", places, np.array([cells.mean(axis=0).max() for cells in excess]), style="both"),
                Curve("claimed bound", places[places <= _BELOW], np.full((places <= _BELOW).sum(), 0.1), style="line"),
            ),
        ),
        remark=(
            f"Below the boundary means at {_BELOW:g} times d^¼ n^-¼ (P-1) σ_p; the theorem's own constant is not known."
        ),
    )


CLAIMS = (
    Claim(
        name="sgd-harmful",
        number=5,
        title="SGD below its boundary: test error at least p + 0.1, at every d/n from 100 on and every σ_p",
        source="Theorem 3.2 of the unlearning paper (test error ≥ 0.1) [S]; with p, Chen et al. 2023 [M 90%]",
        statement=STATEMENTS["theorem_3_2_harmful"].latex,
        effect="test error - p in the cell where it is lowest",
        supported=Region(low=0.1),
        refuted_if="In some cell below the boundary the mean test error is less than p + 0.1.",
        experiment=f"The cells of sgd-boundary-d at {_BELOW:g} times d^¼ n^-¼ (P-1) σ_p with d/n from {_RATIO:g} on.",
        stopping_rule="That of sgd-boundary-d.",
        statistic="Mean over replicates in the lowest of the cells, its interval widened for having been picked.",
        control=Control(name=f"harmful at {_ABOVE:g} times the boundary, too", region=Region(low=0.1)),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.02)),
        hypotheses=HYPOTHESES,
        choices=(choices.PRETRAINED, choices.FLIP, choices.FILTERS, choices.PATCHES, choices.LAW, choices.STEP),
        measure=_measure,
        family="ours",
    ),
)
