"""The structure behind Theorem 3.2: signal over memorised noise goes with SNR², and training time with mn/(ηd)."""

from __future__ import annotations

import numpy as np

from theory.experiments import sgd, signals
from theory.experiments.lab import Lab
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import bootstrap, from_replicates, slope, slopes

__all__ = ["CLAIMS"]


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
    mean = ratio(np.arange(len(kappa)))
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=data.attrs["n_runs"],
        conditions=data.attrs["conditions"],
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


def _training_time(lab: Lab) -> Evidence:
    lines = lab.once(sgd.small_weights)
    data = lines.data["d"].transpose("seed", "place", "d", ...)
    d = data["d"].values.astype(float)
    effect = from_replicates(slopes(np.log(d), np.log(data["steps"].values)).mean(axis=1))
    mean = data["steps"].mean("seed")
    curves = tuple(Curve(f"x = {x:g}", d, mean.sel(place=x).values, style="both") for x in data["place"].values[::3])
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=lines.n_runs,
        conditions=lines.conditions,
        endings=lines.endings,
        picture=Picture("dimension $d$", r"steps, at $\eta\propto mn/d$", curves, x_log=True),
        remark="The step size goes as mn/(d q²), so the claim is that the number of steps does not move with d.",
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
        experiment="SGD at n = 20, m = 10, d = 8,000, p = 0.1, SAM's weights, ‖φ‖ = 1 to 4; trained to a loss of 0.01.",
        stopping_rule="Training loss 0.01. 64 replicates (quick), 400 (full).",
        statistic="Slope of the log ratio of means over replicates; standard error by bootstrap.",
        control=Control(name="the exponent is 1", region=Region.around(1.0, 0.2)),
        measure=_signal_to_memory,
        family="ours",
    ),
    Claim(
        name="training-time",
        number=20,
        title="SGD: at a step size ∝ mn/d the steps to a training loss do not grow with d",
        source="Chen et al. 2023, Theorem 3.2 [M 90%]",
        statement=STATEMENTS["training_time"].latex,
        effect="exponent of d in the number of steps when η goes as mn/d",
        supported=Region.around(0.0, 0.05),
        refuted_if="The number of steps changes with d to a power beyond 0.05.",
        experiment="The line over d of sgd-boundary-d.",
        stopping_rule="That of sgd-boundary-d.",
        statistic="Slope in every replicate, mean over signals, Student's interval.",
        control=Control(name="it grows as the square root of d", region=Region.around(0.5, 0.05)),
        measure=_training_time,
        family="ours",
    ),
)
