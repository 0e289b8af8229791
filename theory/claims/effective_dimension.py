"""Blocks of eigenvalues: the fourth root law with (tr Σ)²/tr Σ² in the place of d, and its rivals in the same run."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray

from theory.experiments.lab import Lab
from theory.experiments.noise import choices
from theory.experiments.noise.dimension import FACTORS, exponents, log_ratio, over_covariances, scatter
from theory.experiments.words import HALVES, replicated
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import bootstrap, bootstrap_between_halves

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Noise of unequal variances"


def _exponent(data: xarray.Dataset, factor: int, rows: np.ndarray, level: float | None = None) -> float:
    return float(exponents(data, rows, level)[factor])


def _picture(data: xarray.Dataset) -> Picture:
    """Critical ratios over the effective dimension, by the shape of the covariance."""
    critical = np.exp(log_ratio(data, np.arange(data.sizes["seed"])))
    effective = np.array(data.attrs["factors"])[:, 0]
    shapes = np.array([str(name).split(", ")[0] for name in data["covariance"].values])
    measured = tuple(
        Curve(str(shape), effective[shapes == shape], critical[shapes == shape]) for shape in np.unique(shapes)
    )
    middle = float(np.exp(np.nanmean(np.log(critical) + 0.25 * np.log(effective))))
    fine = np.geomspace(effective.min(), effective.max(), 20)
    law = Curve("exponent −0.25", fine, middle * fine**-0.25, style="line")
    label = r"critical $n^{1/4}\|\varphi\|/(\sigma_p\sqrt{\mathrm{tr}\,\Sigma})$"
    return Picture(r"$(\mathrm{tr}\,\Sigma)^2/\mathrm{tr}\,\Sigma^2$", label, (*measured, law), x_log=True, y_log=True)


def _measure(lab: Lab, factor: int) -> Evidence:
    data = lab.once(over_covariances)
    count = data.sizes["seed"]
    effect = bootstrap(partial(_exponent, data, factor), count, lab.rng("covariance", factor))
    details = {
        f"scatter about a fourth root in {name} alone": bootstrap(
            partial(scatter, data, factor=number), count, lab.rng("scatter")
        )
        for number, name in enumerate(FACTORS)
    }
    for level in (0.2, 0.4):
        words = f"the same exponent at test error {level:g}"
        details[words] = bootstrap(partial(_exponent, data, factor, level=level), count, lab.rng("levels"))
    return Evidence(
        effect=effect,
        control=effect,
        null=bootstrap_between_halves(partial(_exponent, data, factor), count, lab.rng("halves")),
        n_runs=data.attrs["n_runs"],
        details=details,
        endings=data.attrs["endings"],
        picture=_picture(data),
        remark="The signal enters as ‖φ‖/(σ_p √tr Σ). At equal variances D, d and tr Σ/λ_max are one number.",
    )


_COMMON: dict[str, Any] = {
    "number": 29,
    "source": "Open in the paper, whose noise has equal variances; the form of the answer is [D]",
    "statement": r"\frac{\|\varphi\|}{\sigma_p\sqrt{\mathrm{tr}\,\Sigma}} \asymp (n\,D)^{-1/4},"
    r"\quad D=\frac{(\mathrm{tr}\,\Sigma)^{2}}{\mathrm{tr}\,\Sigma^{2}}",
    "experiment": (
        "SGD from small weights, n = 10, m = 10, p = 0.1; ten covariances with tr Σ = d: equal variances at d = 600, "
        "3,000, "
        "15,000; 20 spikes, 200 spikes and power laws at d = 15,000 and 300,000, each made to have D = 600 or 3,000, "
        "with "
        "tr Σ/λ_max from 34 to 15,000; 6 signals."
    ),
    "stopping_rule": "Training loss 0.05; " + replicated(32, 200),
    "statistic": (
        "Critical ratios of the mean test errors (level 0.3) of all covariances, regressed on log D, log d and log "
        "tr Σ/λ_max "
        "at once; bootstrap over replicates, which all covariances share."
    ),
    "null": HALVES,
    "family": "open",
    "choices": choices.CURVED,
}

CLAIMS = (
    Claim(
        name="effective-dimension",
        title="With unequal variances D = (tr Σ)²/tr Σ² takes the place of d: the critical ratio falls as its fourth "
        "root",
        effect="exponent of D in the critical ratio ‖φ‖/(σ_p √tr Σ), at equal d and tr Σ/λ_max",
        supported=Region.around(-0.25, 0.05),
        refuted_if="The exponent differs from -1/4 by more than 0.05 (equivalence test).",
        control=Control(name="D drops out", region=Region.around(0.0, 0.05)),
        measure=partial(_measure, factor=0),
        **_COMMON,
    ),
    Claim(
        name="effective-dimension-not-d",
        title="At equal D the number of coordinates does not matter: an exponent of d within 0.05 of 0",
        effect="exponent of d in the critical ratio, at equal D and tr Σ/λ_max",
        supported=Region.around(0.0, 0.05),
        refuted_if="The exponent differs from 0 by more than 0.05 (equivalence test).",
        control=Control(name="d itself: an exponent of -1/4", region=Region.around(-0.25, 0.05)),
        measure=partial(_measure, factor=1),
        **_COMMON,
    ),
    Claim(
        name="effective-dimension-not-the-largest",
        title="At equal D the strongest direction does not matter: an exponent of tr Σ/λ_max within 0.05 of 0",
        effect="exponent of tr Σ/λ_max in the critical ratio, at equal D and d",
        supported=Region.around(0.0, 0.05),
        refuted_if="The exponent differs from 0 by more than 0.05 (equivalence test).",
        control=Control(name="tr Σ/λ_max itself: an exponent of -1/4", region=Region.around(-0.25, 0.05)),
        measure=partial(_measure, factor=2),
        **_COMMON,
    ),
)
