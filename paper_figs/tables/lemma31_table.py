"""Lemma 3.1: which noise neurons SAM's perturbation switches off.

Numbers are those of the claims `lemma3.1-…`.
"""

from __future__ import annotations

import math

import xarray

from paper_figs.figures.deactivation import CELLS, EQUAL, fraction
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table
from simulate import NegGrad, RandomLabel
from simulate.dynamics.objectives import Objective
from theory.experiments.lemma31 import UNLEARNING, tables
from theory.statistics import Estimate

__all__ = ["draw", "main"]

_OBJECTIVES = (EQUAL, NegGrad(alpha=0.5), NegGrad(alpha=0.9), RandomLabel())


def draw(results: Results) -> tuple[Table, Caption]:
    """One row for each objective and pretraining, one column for each group of neurons."""
    data = results.experiment(tables)
    rows = [
        (_words(objective), str(pretraining), *(_text(fraction(data, str(pretraining), objective, *cell))
                                                for cell in CELLS))
        for objective in _OBJECTIVES
        for pretraining in data["pretraining"].values
    ]  # fmt: skip
    heads = ("objective", "pretraining", *(f"{part}, {relation} class" for part, relation in CELLS))
    widths = (0.0, 0.0, *(0.165 for _ in CELLS))
    return Table(heads=heads, rows=tuple(rows), numeric=tuple(range(2, len(heads))), widths=widths), _caption(data)


def _text(found: Estimate) -> str:
    low, high = (min(max(end, 0.0), 1.0) for end in found.interval())
    return "none active" if math.isnan(found.value) else f"{found.value:.3f} [{low:.3f}, {high:.3f}]"


def _words(objective: Objective) -> str:
    return f"NegGrad, α = {objective.alpha:g}" if isinstance(objective, NegGrad) else "random label"


def _caption(data: xarray.DataArray) -> Caption:
    problem = UNLEARNING
    return Caption(
        shows=(
            "Fraction of the active noise neurons that the perturbation ε̂ at the theory's radius, τ = m √n/(P σ_p √d), "
            "switches off when unlearning begins: before any training, and after pretraining with SGD or SAM to a loss "
            "of 0.05. Own class: neurons of filters whose sign is the sample's label. At α = "
            f"{EQUAL.alpha:g} = |R|/n every sample weighs the same. Mean over {data.sizes['seed']} instances with its "
            f"95 % interval; d = {problem.d:,}, n = {problem.n}, |F| = {problem.n_forget}, m = {problem.m}, "
            f"‖φ‖ = {problem.signal:g}, p = {problem.label_flip:g}."
        ),
        symbols={"τ": "SAM's radius", "R, F": "retain, forget set"},
    )


main = table(draw, number=2)
