"""Lemma 3.1: SAM's perturbation keeps denoising the retain set and stops denoising the forget set. In which reading?"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import xarray

from simulate import NegGrad, RandomLabel
from simulate.dynamics.phases import Objective
from theory.experiments.deactivation import LOOKS, UNLEARNING, tables
from theory.experiments.lab import Lab
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, from_fractions

__all__ = ["CLAIMS"]

_EQUAL = NegGrad(alpha=0.75)
"""α = |R|/n: every sample weighs the same."""
_THEORY, _TENTH = math.sqrt(10.0), math.sqrt(0.1)
"""τ/(σ_0 √(mn)) at the radius of the theory, √m, and at a tenth of it."""
_CELLS = tuple((relation, part) for part in ("retain", "forget") for relation in ("own", "opposite"))

_SOURCE = "Lemma 3.1 of the unlearning paper as its summaries state it [S]; {}"
_EXPERIMENT = (
    "d = 20,000, n = 40, |F| = 10, m = 10, ‖φ‖ = 6, σ_0 = 1/(P σ_p √d), p = 0; fraction of the active noise "
    "neurons that "
    "ε̂ of NegGrad at α = |R|/n and τ = √m σ_0 √(mn) switches off, {}."
)
_STOPPING = "16 instances (quick), 100 (full); pretraining stops at a loss of 0.01."


def _chosen(data: xarray.DataArray, pretraining: str, objective: Objective, ratio: float) -> xarray.DataArray:
    """Fractions (relation, set, seed) of one look."""
    number = next(k for k, look in enumerate(LOOKS) if look.objective == objective and look.ratio == ratio)
    return data.sel(pretraining=pretraining).isel(look=number)


def _fractions(table: xarray.DataArray, relation: str, part: str) -> np.ndarray:
    """One cell of the table over replicates that have such neurons at all."""
    values = table.sel(relation=relation, set=part).values
    return values[np.isfinite(values)]


def _neurons(part: str) -> float:
    """About as many noise neurons of one class are active on a set at initialisation: half of m for each sample."""
    samples = UNLEARNING.n_forget if part == "forget" else UNLEARNING.n - UNLEARNING.n_forget
    return samples * UNLEARNING.m / 2


def _table(data: xarray.DataArray) -> dict[str, Estimate]:
    """The full table at the theory's radius, and the part of it that α moves."""
    rows: dict[str, Estimate] = {}
    for objective, called in ((_EQUAL, "NegGrad α = 0.75"), (NegGrad(alpha=0.5), "NegGrad α = 0.5"),
                              (NegGrad(alpha=0.9), "NegGrad α = 0.9"), (RandomLabel(), "random label")):  # fmt: skip
        for pretraining in data["pretraining"].values:
            table = _chosen(data, str(pretraining), objective, _THEORY)
            for relation, part in _CELLS:
                label = f"{called}, pretraining {pretraining}: {part} set, {relation} class"
                rows[label] = from_fractions(_fractions(table, relation, part), _neurons(part))
    return rows


def _radii(data: xarray.DataArray, pretraining: str) -> dict[str, Estimate]:
    """How much of the retain set's own class is switched off at each radius."""
    ratios = [look.ratio for look in LOOKS if look.objective == _EQUAL]
    return {
        f"retain set, own class, at {ratio / _THEORY:.2g} of the radius": from_fractions(
            _fractions(_chosen(data, pretraining, _EQUAL, ratio), "own", "retain"), _neurons("retain")
        )
        for ratio in ratios
    }


def _picture(data: xarray.DataArray, pretraining: str) -> Picture:
    ratios = np.array([look.ratio for look in LOOKS if look.objective == _EQUAL])
    curves = [
        Curve(
            f"{part} set, {relation} class",
            ratios,
            np.array([_fractions(_chosen(data, pretraining, _EQUAL, r), relation, part).mean() for r in ratios]),
            style="both",
        )
        for relation, part in _CELLS
    ]
    return Picture(r"$\tau/(\sigma_0\sqrt{mn})$", "fraction switched off", tuple(curves), x_log=True)


def _measure(
    lab: Lab,
    relation: str | None,
    part: str,
    pretraining: str,
    control: tuple[str, str, float],
    full_table: bool = False,
) -> Evidence:
    data = lab.once(tables)
    table = _chosen(data, pretraining, _EQUAL, _THEORY)
    if relation is None:  # at initialisation as many neurons of either relation are active
        effect = from_fractions(table.sel(set=part).mean("relation").values, _neurons(part))
    else:
        effect = from_fractions(_fractions(table, relation, part), _neurons(part))
    false_table = _chosen(data, pretraining, _EQUAL, control[2])
    return Evidence(
        effect=effect,
        control=from_fractions(_fractions(false_table, *control[:2]), _neurons(control[1])),
        n_runs=data.attrs["n_runs"],
        details=_table(data) if full_table else _radii(data, pretraining),
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=_picture(data, pretraining),
        remark=f"|F|/n = {UNLEARNING.forget:g}. Own class means j = y_k with the observed label.",
    )


CLAIMS = (
    Claim(
        name="lemma3.1-retain-off",
        number=3,
        title="Before training, SAM switches off nearly all own-class noise neurons of the retain set",
        source=_SOURCE.format("that it concerns j = y_k is [D]"),
        statement=STATEMENTS["lemma_3_1"].latex,
        effect="fraction switched off: retain set, own class",
        supported=Region(low=0.9),
        refuted_if="Less than 90 % of them are switched off.",
        experiment=_EXPERIMENT.format("at initialisation"),
        stopping_rule=_STOPPING,
        statistic="Mean over instances, Student's interval.",
        control=Control(name="a tenth of the radius does so, too", region=Region(low=0.9)),
        family="paper",
        measure=partial(
            _measure,
            relation="own",
            part="retain",
            pretraining="none",
            control=("own", "retain", _TENTH),
            full_table=True,
        ),
    ),
    Claim(
        name="lemma3.1-forget-on",
        number=3,
        title="Before training, SAM leaves the own-class noise neurons of the forget set active",
        source=_SOURCE.format("that it concerns j = y_k is [D]"),
        statement=STATEMENTS["lemma_3_1"].latex,
        effect="fraction switched off: forget set, own class",
        supported=Region(high=0.05),
        refuted_if="More than 5 % of them are switched off.",
        experiment=_EXPERIMENT.format("at initialisation"),
        stopping_rule=_STOPPING,
        statistic="Mean over instances, Student's interval.",
        control=Control(name="it leaves those of the retain set active, too", region=Region(high=0.05)),
        family="paper",
        measure=partial(
            _measure, relation="own", part="forget", pretraining="none", control=("own", "retain", _THEORY)
        ),
    ),
    Claim(
        name="lemma3.1-forget-all-on",
        number=3,
        title="Before training, SAM leaves all noise neurons of the forget set active, whatever their class",
        source=_SOURCE.format("the strong reading, as worded; doubt about it is [D+N]"),
        statement=STATEMENTS["lemma_3_1"].latex,
        effect="fraction switched off: forget set, both classes",
        supported=Region(high=0.05),
        refuted_if="More than 5 % of them are switched off.",
        experiment=_EXPERIMENT.format("at initialisation"),
        stopping_rule=_STOPPING,
        statistic="Mean over instances of the mean of both classes, Student's interval.",
        control=Control(name="it leaves the opposite class of the forget set active", region=Region(high=0.05)),
        family="paper",
        measure=partial(
            _measure, relation=None, part="forget", pretraining="none", control=("opposite", "forget", _THEORY)
        ),
    ),
    *(
        Claim(
            name=f"lemma3.1-retain-off-after-{pretraining.lower()}",
            number=3,
            title=(
                f"After pretraining with {pretraining}, the theory's radius still switches off the retain set's noise"
            ),
            source=_SOURCE.format("when in training it holds cannot be recovered; doubt is [D+N]"),
            statement=STATEMENTS["lemma_3_1"].latex,
            effect="fraction switched off: retain set, own class",
            supported=Region(low=0.9),
            refuted_if="Less than 90 % of them are switched off.",
            experiment=_EXPERIMENT.format(f"after pretraining with {pretraining} to a loss of 0.01"),
            stopping_rule=_STOPPING,
            statistic="Mean over instances, Student's interval.",
            control=Control(name="a tenth of the radius does so, too", region=Region(low=0.9)),
            family="paper",
            measure=partial(
                _measure, relation="own", part="retain", pretraining=pretraining, control=("own", "retain", _TENTH)
            ),
        )
        for pretraining in ("SGD", "SAM")
    ),
)
