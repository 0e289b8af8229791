"""The law of deactivation at initialisation, which has no constant to fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from theory.experiments.deactivation import at_start, law_constant, law_exponent
from theory.experiments.lab import Lab
from theory.formulas.statements import STATEMENTS
from theory.formulas.symbols import B, m, sigma_0, tau
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, bootstrap

__all__ = ["CLAIMS"]

_EXPERIMENT = (
    "Instances at d = 10^8, σ_0 → 0, full batch of n = 40, 160 samples, m = 5, 20 filters, ratio τ/(σ_0 √(m n)) = 1/4, "
    "1/2, 1; all active own-class noise neurons before and after ε̂."
)
_STOPPING = "No training; 200 instances in each cell (quick), 1,000 (full)."


def _estimate(lab: Lab, statistic: Callable[..., float]) -> Estimate:
    data = lab.once(at_start)
    return bootstrap(partial(statistic, data), data.sizes["seed"], lab.rng("deactivation"))


def _picture(lab: Lab) -> Picture:
    data = lab.once(at_start)["deactivated"].isel(phase=0).sel(set="retain")
    ratio = data["ratio"].values
    law = STATEMENTS["deactivation_law"].function(tau, sigma_0, m, B)
    fine = np.linspace(0.0, 2.2, 60)
    measured = tuple(
        Curve(f"own class, n = {n}, m = {k}", ratio, data.sel(relation="own", n=n, m=k).mean("seed").values)
        for n in data["n"].values
        for k in data["m"].values
    )
    opposite = Curve("opposite class", ratio, data.sel(relation="opposite").mean(("seed", "n", "m")).values)
    line = Curve(r"$2\Phi(\rho)-1$", fine, law(fine, 1.0, 1, 1), style="line")
    return Picture(r"$\rho=\tau/(\sigma_0\sqrt{mB})$", "fraction switched off", (*measured, opposite, line))


def _constant(lab: Lab) -> Evidence:
    return Evidence(
        effect=_estimate(lab, law_constant),
        control=_estimate(lab, partial(law_constant, samples=False)),
        n_runs=lab.once(at_start).attrs["n_runs"],
        picture=_picture(lab),
    )


def _exponent(lab: Lab, factor: str) -> Evidence:
    effect = _estimate(lab, partial(law_exponent, factor=factor))
    return Evidence(effect=effect, control=effect, n_runs=lab.once(at_start).attrs["n_runs"])


def _scaling(factor: str, words: str) -> Claim:
    return Claim(
        name=f"deactivation-{words}",
        number=2,
        title=f"The law sees τ/σ_0 over the square root of the number of {words}",
        source="[D], checked by a prototype [N]; it makes the remembered radius of Chen et al. 2023 [M 80%] plausible",
        statement=STATEMENTS["deactivation_law"].latex,
        effect=f"exponent of {'B' if factor == 'n' else 'm'}",
        supported=Region.around(-0.5, 0.02),
        refuted_if="The exponent differs from -1/2 by more than 0.02.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic=(
            "z of the measured fraction 2Φ(z) - 1; exponent from the ends of the range; bootstrap over instances."
        ),
        control=Control(name="the number drops out", region=Region.around(0.0, 0.02)),
        measure=partial(_exponent, factor=factor),
        family="ours",
    )


CLAIMS = (
    Claim(
        name="deactivation-law",
        number=2,
        title="At initialisation SAM switches off a fraction 2Φ(τ/(σ_0 √(mB))) − 1 of the own-class noise neurons",
        source="[D], checked by a prototype [N]; sharpens the deactivation lemma of Chen et al. 2023 [M 85%]",
        statement=STATEMENTS["deactivation_law"].latex,
        effect="z / (τ/(σ_0 √(mB))), with z from the measured fraction 2Φ(z) - 1",
        supported=Region.around(1.0, 0.02),
        refuted_if="z is not τ/(σ_0 √(mB)) within 2 %.",
        experiment=_EXPERIMENT,
        stopping_rule=_STOPPING,
        statistic="Mean over cells of z over its prediction; bootstrap over instances.",
        control=Control(name="√B dropped: z is τ/(σ_0 √m)", region=Region.around(1.0, 0.02)),
        measure=_constant,
        family="ours",
    ),
    _scaling("n", "samples"),
    _scaling("m", "filters"),
)
