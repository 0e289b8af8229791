"""Lemma 3.4: SAM's signal learning is Θ(‖φ‖²) times that of SGD. A rate of what?"""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.lab import Lab
from theory.experiments.training import signals
from theory.experiments.words import INSIDE, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, bootstrap, bootstrap_between_halves, slope

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How fast SAM learns the signal"


def _ratio(data: xarray.Dataset, factor: str, rows: np.ndarray) -> np.ndarray:
    """κ_SAM / κ_SGD of means over some replicates, (values of the factor,); NaN where SGD has learned none."""
    kappa = data["kappa_mean"].isel(seed=rows).mean("seed").transpose("optimizer", factor)
    sam, sgd = (kappa.sel(optimizer=name).values for name in ("SAM", "SGD"))
    return np.divide(sam, sgd, out=np.full(len(sam), np.nan), where=sgd > 0)


def _slope(data: xarray.Dataset, factor: str, rng: np.random.Generator) -> Estimate:
    logs = np.log(data[factor].values)
    return bootstrap(lambda rows: slope(logs, np.log(_ratio(data, factor, rows))), data.sizes["seed"], rng)


def _against_itself(data: xarray.Dataset, factor: str, rng: np.random.Generator) -> Estimate:
    """Exponent of κ under SGD in one half of the replicates, over that in the other half."""
    kappa = data["kappa_mean"].sel(optimizer="SGD").transpose("seed", factor).values
    logs = np.log(data[factor].values)

    def exponent(rows: np.ndarray) -> float:
        mean = kappa[rows].mean(axis=0)
        return slope(logs, np.log(mean)) if (mean > 0).all() else np.nan

    return bootstrap_between_halves(exponent, len(kappa), rng)


def _picture(data: xarray.Dataset, factor: str, label: str, predicted: dict[str, float]) -> Picture:
    values = data[factor].values.astype(float)
    ratio = _ratio(data, factor, np.arange(data.sizes["seed"]))
    lines = [
        Curve(name, values, ratio[len(ratio) // 2] * (values / values[len(values) // 2]) ** exponent, style="line")
        for name, exponent in predicted.items()
    ]
    return Picture(
        label, r"$\kappa_{SAM}/\kappa_{SGD}$", (Curve("measured", values, ratio), *lines), x_log=True, y_log=True
    )


def _early(lab: Lab) -> Evidence:
    data = lab.once(signals.early)
    effect = _slope(data, "signal", lab.rng("early"))
    without = lab.once(signals.early_without_radius)
    level = bootstrap(lambda rows: _ratio(data, "signal", rows).mean(), data.sizes["seed"], lab.rng("early"))
    return Evidence(
        effect=effect,
        control=effect,
        null=_slope(without, "signal", lab.rng("early")),
        n_runs=data.attrs["n_runs"],
        details={"ratio itself": level},
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=_picture(data, "signal", r"signal $\|\varphi\|$", {"H1": 2.0}),
    )


def _end(lab: Lab, factor: str) -> Evidence:
    data = lab.once(_LINES[factor])
    effect = _slope(data, factor, lab.rng("end", factor))
    words = {"signal": r"signal $\|\varphi\|$", "d": "dimension $d$", "n": "samples $n$"}
    predicted = {"signal": {"H1": 2.0, "H2": -2.0}, "d": {"H2": 1.0}, "n": {"H2": -1.0}}
    return Evidence(
        effect=effect,
        control=effect,
        null=_against_itself(data, factor, lab.rng("halves", factor)),
        n_runs=data.attrs["n_runs"],
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=_picture(data, factor, words[factor], predicted[factor]),
    )


_LINES = {"signal": signals.over_signal, "d": signals.over_dimension, "n": signals.over_samples}

_LEMMA = "Lemma 3.4 of the unlearning paper as its summaries state it [S]; {}"
_STATISTIC = (
    "Slope of the log ratio of κ, means over filters and replicates; standard error by bootstrap over replicates."
)
_BASE = f"n = 20, m = 10, d = 2,000, ‖φ‖ = 3, p = 0.1, no forget set; {INSIDE}; "
_END = _BASE + "κ when the training loss is 0.05; along a line over {}."
_RANGES = {"signal": "‖φ‖ = 2 to 4", "d": "d = 1,000 to 4,000", "n": "n = 10 to 40"}
_REPLICATES = replicated(24, 200)


_CHOICES = (choices.PRETRAINED, choices.WEIGHTS, choices.FILTERS, choices.PATCHES, choices.LAW, choices.STEP)


def _h2(factor: str, words: str, law: str, predicted: float, control: float) -> Claim:
    return Claim(
        name=f"signal-surplus-h2-{factor}",
        number=10,
        title=f"H2: at the end of training κ_SAM/κ_SGD goes as {law}",
        source=_LEMMA.format("reading H2 is [D+N], from κ_SGD ~ n SNR² and κ_SAM ~ 1"),
        statement=STATEMENTS["lemma_3_4_rate_on_boundary"].latex,
        effect=f"exponent of {words}",
        supported=Region.around(predicted, 0.4),
        refuted_if=f"The exponent differs from {predicted:g} by more than 0.4.",
        experiment=_END.format(_RANGES[factor]),
        stopping_rule="Training loss 0.05. " + _REPLICATES,
        statistic=_STATISTIC,
        control=Control(name=f"the exponent is {control:g}", region=Region.around(control, 0.4)),
        null=Control(name="SGD against itself with other seeds", region=Region.around(0.0, 0.2)),
        measure=partial(_end, factor=factor),
        family="ours",
        hypotheses=HYPOTHESES,
        choices=_CHOICES,
    )


CLAIMS = (
    Claim(
        name="signal-rate-per-step",
        number=10,
        title="H1, a step: early in training SAM learns Θ(‖φ‖²) times the signal that SGD learns",
        source=_LEMMA.format("read as the signal learned in a step"),
        statement=STATEMENTS["lemma_3_4_rate_per_signal"].latex,
        effect="exponent of ‖φ‖ in κ_SAM/κ_SGD after ten small steps",
        supported=Region.around(2.0, 0.4),
        refuted_if="The exponent differs from 2 by more than 0.4.",
        experiment=_BASE + "κ after ten steps of one size, ‖φ‖ = 2 to 4.",
        stopping_rule="Ten steps. " + replicated(64, 400),
        statistic=_STATISTIC,
        control=Control(name="the exponent is -2", region=Region.around(-2.0, 0.4)),
        null=Control(name="SAM of radius 0", region=Region.around(0.0, 0.05)),
        measure=_early,
        family="paper",
        hypotheses=HYPOTHESES,
        choices=(choices.WEIGHTS, choices.FILTERS, choices.PATCHES, choices.LAW),
    ),
    Claim(
        name="signal-surplus-h1",
        number=10,
        title="H1, at the end: SAM has learned Θ(‖φ‖²) times the signal that SGD has",
        source=_LEMMA.format("read as the signal at the end of training"),
        statement=STATEMENTS["lemma_3_4_rate_per_signal"].latex,
        effect="exponent of ‖φ‖ in κ_SAM/κ_SGD at the end of training",
        supported=Region.around(2.0, 0.4),
        refuted_if="The exponent differs from 2 by more than 0.4.",
        experiment=_END.format(_RANGES["signal"]),
        stopping_rule="Training loss 0.05. " + _REPLICATES,
        statistic=_STATISTIC,
        control=Control(name="the ratio does not depend on ‖φ‖", region=Region.around(0.0, 0.4)),
        null=Control(name="SGD against itself with other seeds", region=Region.around(0.0, 0.2)),
        measure=partial(_end, factor="signal"),
        family="paper",
        hypotheses=HYPOTHESES,
        choices=_CHOICES,
    ),
    _h2("d", "d", "d", 1.0, 0.0),
    _h2("n", "n", "1/n", -1.0, 0.0),
)
