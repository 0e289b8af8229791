"""Universality: do the boundaries survive when the noise is what is left of real images?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import xarray

from simulate.boundaries.boundary import critical_signal
from theory.experiments.images import NOISES, digit_residuals, folder_residuals, thresholds
from theory.experiments.lab import Lab
from theory.experiments.training.places import LEVEL
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, bootstrap, bootstrap_between_halves, exact

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Noise of real images"


def _digits(lab: Lab) -> tuple[xarray.Dataset, float]:
    residuals = digit_residuals()
    return thresholds(lab, residuals), residuals.effective_dimension


def _folder(lab: Lab) -> tuple[xarray.Dataset, float]:
    if lab.images is None:
        raise ValueError("Argument `images` must name a folder of images, but is None.")
    residuals = folder_residuals(lab.images)
    return thresholds(lab, residuals), residuals.effective_dimension


def _critical(data: xarray.Dataset, noise: str, rows: np.ndarray) -> float:
    error = data["test_error"].sel(noise=noise).isel(seed=rows).mean("seed").values
    return critical_signal(data["place"].values, error, LEVEL)


def _log_shift(data: xarray.Dataset, rows: np.ndarray) -> float:
    """log of the critical signal with images over that with Gaussian noise; NaN where censored."""
    ends = [_critical(data, noise, rows) for noise in NOISES]
    return float(np.log(ends[0] / ends[1])) if all(0 < end < np.inf for end in ends) else np.nan


def _shift(data: xarray.Dataset, lab: Lab) -> Estimate:
    return bootstrap(partial(_log_shift, data), data.sizes["seed"], lab.rng("shift"))


def _gaussian_against_itself(data: xarray.Dataset, lab: Lab) -> Estimate:
    def level(rows: np.ndarray) -> float:
        end = _critical(data, NOISES[1], rows)
        return float(np.log(end)) if 0 < end < np.inf else np.nan

    return bootstrap_between_halves(level, data.sizes["seed"], lab.rng("halves"))


def _measure(lab: Lab, optimizer: str, experiment: Callable[[Lab], tuple[xarray.Dataset, float]]) -> Evidence:
    every, dimension = lab.once(experiment)
    data = every.sel(optimizer=optimizer)
    effect = _shift(data, lab)
    curves = tuple(
        Curve(noise, data["place"].values, data["test_error"].sel(noise=noise).mean("seed").values, style="both")
        for noise in NOISES
    )
    return Evidence(
        effect=effect,
        control=effect,
        null=_gaussian_against_itself(data, lab),
        n_runs=every.attrs["n_runs"],
        details={"effective dimension of the residuals": exact(dimension)},
        picture=Picture(r"signal over $(\mathrm{tr}\,\Sigma^2/n)^{1/4}$", "test error", curves, x_log=True),
        remark="The hypotheses on d and n are violated: images have few effective dimensions D.",
    )


def _from_folder(lab: Lab, optimizer: str) -> Evidence:
    if lab.images is not None:
        return _measure(lab, optimizer, _folder)
    aside = _measure(lab, optimizer, _digits)
    return Evidence(
        effect=None,
        control=aside.control,
        n_runs=0,
        remark="No folder of images was given (option --images); the control is that of the digits.",
    )


def _claim(optimizer: str, short: str, words: str, measure: Callable[..., Evidence]) -> Claim:
    return Claim(
        name=f"{short}-{optimizer.lower()}",
        number=18,
        title=f"{optimizer}: noise from {words} moves the boundary no more than Gaussian noise of its covariance",
        source="Not a claim of the paper, whose noise is Gaussian; universality is asked here",
        statement=STATEMENTS["theorem_3_2_benign" if optimizer == "SGD" else "theorem_3_3"].latex,
        effect="log of the critical signal (test error 0.3), images over Gaussian",
        supported=Region.around(0.0, 0.15),
        refuted_if="The critical signals differ by more than 15 %.",
        experiment=(
            f"n = 20, m = 10, p = 0.1; the noise of a sample is a residual of {words} about its class mean, or a "
            "Gaussian "
            "vector of the residuals' covariance; σ_0 = 0.5/√d for d pixels of mean square 1, own step 0.1"
            + (", SAM at τ = σ_0 m √n for ηT = 2m, then SGD" if optimizer == "SAM" else "")
            + "; 400 held-out residuals give the test error."
        ),
        stopping_rule="Training loss 0.05; 8 signals, 20 replicates (quick), 400 (full).",
        statistic="Log ratio of the critical signals of the mean test errors; bootstrap over replicates.",
        control=Control(name="images need twice the signal", region=Region.around(float(np.log(2.0)), 0.15)),
        null=Control(name="Gaussian noise against itself with other seeds", region=Region.around(0.0, 0.15)),
        measure=partial(measure, optimizer=optimizer),
        family="ours",
    )


CLAIMS = (
    _claim("SGD", "universality-digits", "handwritten digits", partial(_measure, experiment=_digits)),
    _claim("SAM", "universality-digits", "handwritten digits", partial(_measure, experiment=_digits)),
    _claim("SGD", "universality-folder", "a folder of images", _from_folder),
    _claim("SAM", "universality-folder", "a folder of images", _from_folder),
)
