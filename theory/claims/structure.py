"""The structure behind Theorem 3.2: signal over memorised noise goes with SNR², and training time with mn/(ηd)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.boundaries import BASE
from theory.experiments.course import Course
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.protocols import initialised
from theory.experiments.training import sgd, signals
from theory.experiments.words import replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import between_halves, bootstrap, bootstrap_between_halves, from_replicates, slope, slopes

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Errors around SGD's boundary"


def _signal_to_memory(lab: Lab) -> Evidence:
    data = lab.once(signals.over_signal)
    chosen = data.sel(optimizer="SGD").transpose("seed", "signal", ...)
    kappa, zeta = chosen["kappa_mean"].values, chosen["zeta_mean_retain"].values
    signal = data["signal"].values

    def ratio(rows: np.ndarray) -> np.ndarray:
        return np.asarray(kappa[rows].mean(axis=0) / zeta[rows].mean(axis=0))

    def exponent(rows: np.ndarray) -> float:
        found = ratio(rows)
        return slope(np.log(signal), np.log(found)) if (found > 0).all() else np.nan

    effect = bootstrap(exponent, len(kappa), lab.rng("structure"))
    null = bootstrap_between_halves(exponent, len(kappa), lab.rng("halves"))
    mean = ratio(np.arange(len(kappa)))
    return Evidence(
        effect=effect,
        control=effect,
        null=null,
        n_runs=data.attrs["n_runs"],
        conditions=conditions_of(data.sel(optimizer="SGD")),
        endings=data.attrs["endings"],
        picture=Picture(
            r"signal $\|\varphi\|$",
            r"$\kappa/\zeta$",
            (
                Curve("measured", signal, mean),
                Curve("exponent 2", signal, mean[2] * (signal / signal[2]) ** 2, style="line"),
            ),
            x_log=True,
            y_log=True,
        ),
        remark="Means over filters, and over the samples' own-class filters.",
    )


def _length(lab: Lab, data: xarray.Dataset) -> xarray.DataArray:
    """η d / (m n) of a step, over d."""
    rates = []
    for d in data["d"].values:
        problem = initialised(Course(lab).sized(replace(BASE, d=int(d))), "SGD")
        (phase,) = Course(lab).pretrain(problem, "SGD")
        rates.append(phase.optimizer.lr * problem.d / (problem.m * problem.n))
    return xarray.DataArray(rates, dims="d", coords={"d": data["d"]})


def _training_time(lab: Lab) -> Evidence:
    lines = lab.once(sgd.small_weights)
    data = lines.data["d"].transpose("seed", "place", "d", ...)
    d = data["d"].values.astype(float)
    time = data["steps"] * _length(lab, data)
    grown = slopes(np.log(d), np.log(time.transpose("seed", "place", "d").values)).mean(axis=1)
    effect, mean = from_replicates(grown), time.mean("seed")
    curves = tuple(Curve(f"x = {x:g}", d, mean.sel(place=x).values, style="both") for x in data["place"].values[::3])
    return Evidence(
        effect=effect,
        control=effect,
        null=between_halves(grown),
        n_runs=lines.n_runs,
        conditions=lines.conditions,
        endings=lines.endings,
        picture=Picture("dimension $d$", r"training time $\eta Td/(mn)$", curves, x_log=True),
        remark="Steps of another length take another number of them; their sum is what the claim is about.",
    )


CLAIMS = (
    Claim(
        name="signal-to-memory",
        number=20,
        title="SGD: learned signal over memorised noise grows as the square of the signal",
        source="Kou et al. 2023, key lemma [M 90%]",
        statement=STATEMENTS["signal_to_memory"].latex,
        effect="exponent of ‖φ‖ in κ/ζ",
        supported=Region.around(2.0, 0.2),
        refuted_if="The exponent differs from 2 by more than 0.2.",
        experiment="SGD at n = 20, m = 10, d = 2,000, p = 0.1, ‖φ‖ = 2 to 4, small weights; trained to a loss of 0.05.",
        stopping_rule="Training loss 0.05. " + replicated(24, 200),
        statistic="Slope of the log ratio of means over replicates; standard error by bootstrap.",
        control=Control(name="the exponent is 1", region=Region.around(1.0, 0.2)),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.2)),
        hypotheses=HYPOTHESES,
        choices=choices.TRAINING,
        measure=_signal_to_memory,
        family="ours",
    ),
    Claim(
        name="training-time",
        number=20,
        title="SGD: the time ηT to a training loss goes as mn/d, within 0.05 of the exponent of d",
        source="Chen et al. 2023, Theorem 3.2 [M 90%]",
        statement=STATEMENTS["training_time"].latex,
        effect="exponent of d in ηTd/(mn)",
        supported=Region.around(0.0, 0.05),
        refuted_if="ηTd/(mn) changes with d to a power beyond 0.05.",
        experiment="The line over d of sgd-boundary-d.",
        stopping_rule="That of sgd-boundary-d.",
        statistic="Slope in every replicate, mean over signals, Student's interval.",
        control=Control(name="it grows as the square root of d", region=Region.around(0.5, 0.05)),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.05)),
        hypotheses=tuple(name for name in HYPOTHESES if name != "signal_noise"),
        choices=choices.TRAINING,
        measure=_training_time,
        family="ours",
    ),
)
