"""Lemma 3.1: which noise neurons SAM's perturbation switches off.

Numbers are those of the claims `lemma3.1-…`.
"""

from __future__ import annotations

import math

import numpy as np
import xarray

from paper_figs.caption import Caption
from paper_figs.results import Results
from paper_figs.sheet import table
from paper_figs.tabular import Table
from simulate import NegGrad, RandomLabel
from simulate.phases import Objective
from theory.experiments.deactivation import LOOKS, UNLEARNING, tables
from theory.statistics import Estimate, from_fractions

__all__ = ["CELLS", "EQUAL", "draw", "fraction", "main"]

EQUAL = NegGrad(alpha=1.0 - UNLEARNING.forget)
"""The α at which every sample weighs the same."""

CELLS = tuple((part, relation) for part in ("retain", "forget") for relation in ("own", "opposite"))
"""Set and class of each group of neurons."""

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
    return Table(heads=heads, rows=tuple(rows), numeric=tuple(range(2, len(heads)))), _caption(data)


def fraction(
    data: xarray.DataArray, pretraining: str, objective: Objective, part: str, relation: str,
    ratio: float = math.sqrt(UNLEARNING.m),
) -> Estimate:  # fmt: skip
    """Fraction of a group's active neurons that is switched off.

    Args:
        data: What `theory.experiments.deactivation.tables` found.
        pretraining: none, SGD or SAM.
        objective: What unlearning descends.
        part: retain or forget.
        relation: own or opposite.
        ratio: τ/(σ_0 √(mn)); the theory's radius is √m.

    Returns:
        The mean over replicates that have such neurons at all.
    """
    number = next(k for k, look in enumerate(LOOKS) if look.objective == objective and np.isclose(look.ratio, ratio))
    values = data.sel(pretraining=pretraining, set=part, relation=relation).isel(look=number).values
    samples = UNLEARNING.n_forget if part == "forget" else UNLEARNING.n - UNLEARNING.n_forget
    return from_fractions(values[np.isfinite(values)], samples * UNLEARNING.m / 2)


def _text(found: Estimate) -> str:
    low, high = (min(max(end, 0.0), 1.0) for end in found.interval())
    return "none active" if math.isnan(found.value) else f"{found.value:.3f} [{low:.3f}, {high:.3f}]"


def _words(objective: Objective) -> str:
    return f"NegGrad, α = {objective.alpha:g}" if isinstance(objective, NegGrad) else "random label"


def _caption(data: xarray.DataArray) -> Caption:
    problem = UNLEARNING
    return Caption(
        shows=(
            "Fraction of the active noise neurons that the perturbation ε̂ at the theory's radius, τ = √m σ_0 √(mn), "
            "switches off when unlearning begins: before any training, and after pretraining with SGD or SAM to a loss "
            "of 0.01. Own class: neurons of filters whose sign is the sample's label. At α = "
            f"{EQUAL.alpha:g} = |R|/n every sample weighs the same. Mean over {data.sizes['seed']} instances with its "
            f"95 % interval; d = {problem.d:,}, n = {problem.n}, |F| = {problem.n_forget}, m = {problem.m}, "
            f"‖φ‖ = {problem.signal:g}, p = {problem.label_flip:g}."
        ),
        symbols={"τ": "SAM's radius", "σ_0": "standard deviation of the initial weights", "R, F": "retain, forget set"},
    )


main = table(draw, number=2)
