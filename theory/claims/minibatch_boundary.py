"""Theorem 3.2 with minibatches: the exponent of d, and where the boundary lies."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray

from simulate import Problem
from theory.experiments import choices
from theory.experiments.boundaries import BASE, predicted_boundary
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.surface import boundary_exponents
from theory.experiments.training.minibatches import BATCHES, SAMPLES, boundary_by_batch, placed
from theory.experiments.training.places import log_critical, shift, shift_of_chance
from theory.experiments.words import replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Where SGD's boundary lies"

_ALL = BATCHES[-1]


def _exponent_of(data: xarray.Dataset, rng: np.random.Generator) -> Estimate:
    """Exponent of d in the pooled model of one batch size."""
    error = data["test_error"].transpose("seed", "d", "place").values
    cells = [
        (placed(_at(d), place).signal, float(d)) for d in data["d"].values for place in data["place"].values
    ]  # fmt: skip
    signal, d = np.array(cells).T
    return boundary_exponents({"signal": signal, "d": d}, error.reshape(len(error), -1), BASE.label_flip, rng)["d"]


def _at(d: float) -> Problem:
    """The problem of a dimension."""
    return replace(BASE, n=SAMPLES, d=int(d))


def _picture(data: xarray.Dataset) -> Picture:
    rows, d = np.arange(data.sizes["seed"]), data["d"].values.astype(float)
    curves = [
        Curve(
            "all samples" if batch == _ALL else f"B = {batch}",
            d,
            np.exp(log_critical(data.sel(batch=batch), "d", rows)) * np.array([predicted_boundary(_at(k)) for k in d]),
            style="both",
        )
        for batch in BATCHES
    ]
    law = curves[-1].y[0] * (d / d[0]) ** 0.25
    fourth = Curve("exponent 0.25", d, law, style="line")
    return Picture("dimension $d$", r"critical signal $\|\varphi\|$", (*curves, fourth), x_log=True, y_log=True)


def _exponent(lab: Lab, batch: int) -> Evidence:
    data = lab.once(boundary_by_batch)
    effect = _exponent_of(data.sel(batch=batch), lab.rng("batch surface"))
    halves = [
        _exponent_of(data.sel(batch=batch).isel(seed=slice(start, None, 2)), lab.rng("batch halves"))
        for start in (0, 1)
    ]
    return Evidence(
        effect=effect,
        control=effect,
        null=_difference(*halves),
        n_runs=data.attrs["n_runs"],
        details={"exponent with all samples": _exponent_of(data.sel(batch=_ALL), lab.rng("batch surface"))},
        conditions=conditions_of(data.sel(batch=[batch])),
        endings=data.attrs["endings"],
        picture=_picture(data),
        remark="Stopping rules are read once an epoch.",
    )


def _difference(first: Estimate, second: Estimate) -> Estimate:
    """One of two independent estimates less the other."""
    error = float(np.hypot(first.standard_error, second.standard_error))
    return Estimate(first.value - second.value, error, first.degrees_of_freedom + second.degrees_of_freedom)


def _position(lab: Lab) -> Evidence:
    data = lab.once(boundary_by_batch)
    largest = data.sel(d=data["d"].values[-1])
    effect = shift(largest, "batch", (_ALL, 1), lab.rng("batch shift"))
    return Evidence(
        effect=effect,
        control=effect,
        null=shift_of_chance(largest, "batch", (_ALL, 1), lab.rng("batch chance")),
        n_runs=data.attrs["n_runs"],
        details={"the same at B = 5": shift(largest, "batch", (_ALL, 5), lab.rng("batch shift"))},
        conditions=conditions_of(data.sel(d=[data["d"].values[-1]])),
        endings=data.attrs["endings"],
        picture=_picture(data),
    )


_COMMON: dict[str, Any] = {
    "number": 21,
    "statement": STATEMENTS["theorem_3_2_benign"].latex,
    "experiment": (
        f"SGD from small weights, n = {SAMPLES}, m = 10, p = 0.1, d = 400, 3,200 (full: two between), 4 signals; each "
        "batch at the largest step inside the hypotheses, which is as short as the batch is small; the same instances."
    ),
    "stopping_rule": "Training loss 0.05 (250,000 steps at most); " + replicated(8, 50),
    "hypotheses": tuple(name for name in HYPOTHESES if name != "signal_noise"),
    "choices": (choices.PRETRAINED, choices.FILTERS, choices.PATCHES, choices.LAW, choices.STEP),
    "family": "ours",
}
_SOURCE = (
    "Chen et al. 2023, Theorem 3.2 [M 90%], is about epochs of minibatches; the unlearning paper's is as worded [S]"
)

CLAIMS = (
    *(
        Claim(
            name=f"sgd-boundary-d-batch-{batch}",
            title=f"SGD with {words} a step: the signal it needs grows as the fourth root of d, within 0.05",
            source=_SOURCE,
            effect="exponent of d in the critical signal",
            supported=Region.around(0.25, 0.05),
            refuted_if="The exponent differs from 1/4 by more than 0.05 (equivalence test).",
            statistic="Exponent of d in the pooled model of the test error; bootstrap over replicates.",
            control=Control(name="the exponent is 0.5", region=Region.around(0.5, 0.05)),
            null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.2)),
            measure=partial(_exponent, batch=batch),
            **_COMMON,
        )
        for batch, words in ((1, "one sample"), (5, "five samples"))
    ),
    Claim(
        name="sgd-boundary-batch",
        title="SGD: its boundary does not move with the batch, within 10 %",
        source=_SOURCE,
        effect="log of the critical signal with one sample a step, over that with all, at d = 3,200",
        supported=Region.around(0.0, 0.1),
        refuted_if="The critical signals differ by more than 10 %.",
        statistic="Log ratio of the critical signals of the mean test errors (level 0.3); bootstrap over replicates.",
        control=Control(name="single samples double it", region=Region.around(float(np.log(2.0)), 0.1)),
        null=Control(name="which of the two is which is left to chance", region=Region.around(0.0, 0.15)),
        measure=_position,
        **_COMMON,
    ),
)
