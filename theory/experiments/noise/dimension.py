r"""SGD at its boundary where coordinates of the noise differ in variance: which number takes the place of d?

At equal variances the boundary is ‖φ‖⁴ = C d σ_p⁴/n; in terms of the signal-to-noise ratio ‖φ‖/(σ_p √tr Σ) that is
(C/(n d))^¼. What d does there is done in general by

    D = (tr Σ)²/tr Σ²    [D] the memory Σ ζ_i ξ_i/‖ξ_i‖² meets unseen noise with variance Σ ζ_i² tr Σ²/(tr Σ)²,

or so it is claimed. The rivals are the number d of coordinates itself and tr Σ/λ_max, the number of directions as
strong as the strongest. They are judged in one regression, over covariances that move the three apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import xarray
from scipy.optimize import brentq

from simulate import Problem, power_law, spikes, with_small_weights
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.boundaries import BASE
from theory.experiments.lab import Lab
from theory.experiments.noise.choices import LEVEL, SAMPLES
from theory.experiments.noise.reading import log_critical
from theory.experiments.noise.training import trained

__all__ = ["COVARIANCES", "FACTORS", "PLACES", "Covariance", "exponents", "log_ratio", "over_covariances", "scatter"]

FACTORS = ("(tr Σ)²/tr Σ²", "d", "tr Σ/λ_max")
"""The numbers that could take the place of d; the claimed one first."""
PLACES = (0.35, 0.48, 0.6, 0.75, 0.95, 1.35)
"""Signals in units of σ_p (tr Σ²/n)^¼."""

_Blocks = tuple[tuple[float, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Covariance:
    """A covariance of mean variance one."""

    name: str
    """Its name."""
    d: int
    """Number of coordinates, which is tr Σ."""
    blocks: _Blocks | None
    """Eigenvalues and multiplicities; None where all are 1."""

    def fields(self) -> dict[str, object]:
        """Those of a problem."""
        if self.blocks is None:
            return {"d": self.d}
        return {"d": self.d, "eigenvalues": self.blocks[0], "multiplicities": self.blocks[1]}

    @property
    def factors(self) -> tuple[float, float, float]:
        """The numbers that could take the place of d, as in FACTORS."""
        largest = max(self.blocks[0]) if self.blocks else 1.0
        return Problem(**self.fields()).effective_dimension, float(self.d), self.d / largest  # type: ignore[arg-type]


def equal(d: int) -> Covariance:
    """All variances equal."""
    return Covariance(f"equal, d = {d:,}", d, None)


@cache
def _shaped(
    words: str, d: int, effective: int, low: float, high: float, made: Callable[[float], _Blocks]
) -> Covariance:
    def beyond(parameter: float) -> float:
        eigenvalues, multiplicities = made(parameter)
        problem = Problem(d=d, eigenvalues=eigenvalues, multiplicities=multiplicities)
        return math.log(problem.effective_dimension / effective)

    return Covariance(f"{words}, d = {d:,}, D = {effective:,}", d, made(float(brentq(beyond, low, high, xtol=1e-10))))


def spiked(d: int, effective: int, count: int) -> Covariance:
    """A number of strong directions, of the strength at which the effective dimension is a given one."""
    most = 0.999 * d / (math.sqrt(effective * count) - count)  # twice the strength at which it is: see _shaped
    return _shaped(
        f"{count} spikes", d, effective, 1.0, 2.0 * most, lambda factor: spikes(d, count=count, factor=factor)
    )


def falling(d: int, effective: int) -> Covariance:
    """Eigenvalues that fall as a power, of the exponent at which the effective dimension is a given one."""
    return _shaped("power law", d, effective, 0.0, 1.2, lambda exponent: power_law(d, exponent))


COVARIANCES = (
    equal(600), equal(3000), equal(15_000),
    spiked(15_000, 600, 20), spiked(15_000, 3000, 200), falling(15_000, 600), falling(15_000, 3000),
    spiked(300_000, 3000, 20), spiked(300_000, 600, 200), falling(300_000, 600),
)  # fmt: skip
"""At each d several effective dimensions, at each effective dimension several d, and both with few and many spikes."""


def placed(covariance: Covariance, place: float, n: int) -> Problem:
    """The problem of a covariance with its signal at a multiple of σ_p (tr Σ²/n)^¼."""
    base = replace(BASE, n=n, **covariance.fields())  # type: ignore[arg-type]
    return replace(base, signal=place * (base.d**2 / (base.effective_dimension * n)) ** 0.25)


def over_covariances(lab: Lab) -> xarray.Dataset:
    """Training from SGD's weights over the covariance and the signal."""
    by_name = {covariance.name: covariance for covariance in COVARIANCES}

    def make(seed: int, covariance: str, place: float) -> Cell:
        drawn = replace(placed(by_name[covariance], place, lab.pick(SAMPLES)), noise=lab.pick(choices.LAW))  # type: ignore[arg-type]
        problem = with_small_weights(drawn)
        return Cell(problem, trained(lab, problem, "SGD"), seed)

    axes = {"covariance": tuple(by_name), "place": PLACES}
    data = lab.grid("effective dimension", make, axes, replicates=lab.choose(quick=32, full=200))
    return data.assign_attrs(level=lab.pick(LEVEL), factors=[covariance.factors for covariance in COVARIANCES])


def log_ratio(data: xarray.Dataset, rows: np.ndarray, level: float | None = None) -> np.ndarray:
    """Logarithm of the critical ratio ‖φ‖/(σ_p √tr Σ) of each covariance, less that of n^-¼; (covariances,)."""
    error = data["test_error"].transpose("seed", "covariance", "place").values[rows]
    place = log_critical(data["place"].values, error, data.attrs["level"] if level is None else level)
    return place - 0.25 * np.log(_factors(data)[:, 0])


def exponents(data: xarray.Dataset, rows: np.ndarray, level: float | None = None) -> np.ndarray:
    """Exponents of FACTORS in the critical ratio, by least squares on all three at once; (3,), NaN where censored."""
    critical = log_ratio(data, rows, level)
    if not np.isfinite(critical).all():
        return np.full(len(FACTORS), np.nan)
    design = np.column_stack([np.ones(len(critical)), np.log(_factors(data))])
    return np.asarray(np.linalg.lstsq(design, critical, rcond=None)[0][1:])


def scatter(data: xarray.Dataset, rows: np.ndarray, factor: int) -> float:
    """How far critical ratios lie from a fourth root in one of FACTORS alone: their logarithms' standard deviation."""
    left = log_ratio(data, rows) + 0.25 * np.log(_factors(data)[:, factor])
    return float(np.std(left))


def _factors(data: xarray.Dataset) -> np.ndarray:
    """FACTORS of each covariance, (covariances, 3)."""
    return np.asarray(data.attrs["factors"])
