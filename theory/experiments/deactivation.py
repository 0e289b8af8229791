"""Which noise neurons SAM's perturbation switches off at the initial weights: in full batches, minibatches, any d."""

from __future__ import annotations

import numpy as np
import xarray
from scipy.special import ndtri

from simulate import SAM, Loss, Phase, Problem
from simulate.runs.ensemble import Cell
from theory.experiments.lab import Lab
from theory.experiments.protocols import TINY_WEIGHTS, tiny_radius
from theory.formulas import symbols as s
from theory.formulas.statements import STATEMENTS

__all__ = [
    "RATIOS", "at_start", "batch_constant", "finite_constant", "finite_ratios", "law_constant", "law_exponent",
    "minibatches", "off_in_a_step", "small_dimensions",
]  # fmt: skip

_HARMLESS = 1e-16
"""Step size at which no step moves a pre-activation to speak of."""
RATIOS = (0.25, 0.5, 1.0)
"""τ / (σ_0 √(m B)) at which the fraction is far from 1."""


def at_start(lab: Lab) -> xarray.Dataset:
    """Fractions switched off at initialisation over n, m and the ratio τ / (σ_0 √(m n)), full batch."""

    def make(seed: int, n: int, m: int, ratio: float) -> Cell:
        problem = Problem(d=10**8, n=n, m=m, signal=2.0, sigma_0=TINY_WEIGHTS, forget=0.0)
        tau = tiny_radius(ratio, m, n)
        return Cell(problem, (Phase("look", Loss(), SAM(tau=tau), steps=0),), seed)

    return lab.grid(
        "deactivation at start", make, {"n": (40, 160), "m": (5, 20), "ratio": (*RATIOS, 2.0)},
        replicates=lab.choose(quick=200, full=1000), test_directions=16, observe=("deactivation",),
    )  # fmt: skip


def minibatches(lab: Lab) -> xarray.Dataset:
    """Coefficients after an epoch of steps too short to move anything, over B and the ratio τ / (σ_0 √(m B)).

    A neuron that ε̂ of its batch switches off has no gradient, so that its ζ stays 0: the step itself tells. The ratio
    0 is SGD.
    """

    def make(seed: int, batch: int, ratio: float) -> Cell:
        problem = Problem(d=10**8, n=40, m=10, signal=2.0, sigma_0=TINY_WEIGHTS, forget=0.0)
        tau = tiny_radius(ratio, problem.m, batch)
        optimizer = SAM(lr=_HARMLESS, tau=tau, batch=batch)
        return Cell(problem, (Phase("epoch", Loss(), optimizer, steps=problem.n // batch),), seed)

    return lab.grid(
        "deactivation in minibatches", make, {"batch": (5, 10, 20), "ratio": (0.0, *RATIOS)},
        replicates=lab.choose(quick=400, full=1000), test_directions=16, observe=("coefficients_full",),
    )  # fmt: skip


def off_in_a_step(data: xarray.Dataset) -> xarray.DataArray:
    """Of the neurons that SGD moves, the fraction that SAM leaves; (relation, batch, ratio, seed).

    ζ of the own class grows, that of the opposite class falls.
    """
    zeta = data["zeta"].isel(phase=0)
    plain, moved = zeta.sel(ratio=0.0, drop=True), zeta.sel(ratio=zeta["ratio"] > 0.0)
    found = []
    for chosen in (plain > 0.0, plain < 0.0):
        neurons = ("sign", "filter", "sample", "patch")
        found.append((chosen & (moved == 0.0)).sum(neurons) / chosen.sum(neurons))
    return xarray.concat(found, xarray.Variable("relation", ["own", "opposite"]))


def small_dimensions(lab: Lab) -> xarray.Dataset:
    """Fractions switched off at initialisation from d = 100 on; phases are the ratios, n is B."""

    def make(seed: int, d: int, n: int, signal: float) -> Cell:
        problem = Problem(d=d, n=n, m=10, signal=signal, sigma_0=TINY_WEIGHTS, label_flip=0.1, forget=0.0)
        radii = [tiny_radius(ratio, problem.m, n) for ratio in RATIOS]
        phases = [Phase(f"look_{k}", Loss(), SAM(tau=tau), steps=0) for k, tau in enumerate(radii)]
        return Cell(problem, tuple(phases), seed)

    data = lab.grid(
        "deactivation in small dimensions", make, {"d": (100, 300, 1000, 10_000), "n": (16, 64), "signal": (1.0, 3.0)},
        replicates=lab.choose(quick=200, full=1000), test_directions=16, observe=("deactivation",),
    )  # fmt: skip
    return data.rename(phase="ratio").assign_coords(ratio=list(RATIOS))


def _depth(fraction: np.ndarray) -> np.ndarray:
    """z of fractions 2Φ(z) - 1."""
    return np.asarray(ndtri(0.5 * (1.0 + fraction)))


def _depths(data: xarray.Dataset, rows: np.ndarray) -> np.ndarray:
    """z of the measured fractions over the ratio, (n, m, ratio)."""
    off = data["deactivated"].isel(phase=0).sel(relation="own", set="retain", ratio=list(RATIOS))
    return _depth(off.transpose("seed", "n", "m", "ratio").values[rows].mean(axis=0)) / np.array(RATIOS)


def law_constant(data: xarray.Dataset, rows: np.ndarray, *, samples: bool = True) -> float:
    """Mean of z over what the law says it is, τ / (σ_0 √(m n)); without √n if `samples` is False."""
    depth = _depths(data, rows)
    return float((depth if samples else depth / np.sqrt(data["n"].values)[:, None, None]).mean())


def law_exponent(data: xarray.Dataset, rows: np.ndarray, factor: str) -> float:
    """Exponent of n or m in z σ_0 / τ."""
    n, m = data["n"].values[:, None, None], data["m"].values[:, None]
    per_radius = np.moveaxis(_depths(data, rows) / np.sqrt(n * m), ("n", "m").index(factor), 0)
    values = data[factor].values
    return float(np.log(per_radius[-1] / per_radius[0]).mean() / np.log(values[-1] / values[0]))


def batch_constant(off: xarray.DataArray, rows: np.ndarray, *, samples: int | None = None) -> float:
    """Mean of z over τ / (σ_0 √(m B)) in minibatches; over τ / (σ_0 √(m n)) if n is given as `samples`."""
    found = off.sel(relation="own").transpose("seed", "batch", "ratio")
    ratio, batch = found["ratio"].values, found["batch"].values[:, None]
    predicted = ratio * (1.0 if samples is None else np.sqrt(batch / samples))
    return float((_depth(found.values[rows].mean(axis=0)) / predicted).mean())


def finite_ratios(data: xarray.Dataset, *, finite: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Fractions of `small_dimensions` in each replicate, and z of the law of finite d, or of the plain law.

    Returns:
        Fractions (R, d, n, signal, ratio), and z in the same shape but for R.
    """
    off = data["deactivated"].sel(relation="own", set="retain").transpose("seed", "d", "n", "signal", "ratio")
    d, n, signal, ratio = np.meshgrid(*(off[name].values for name in off.dims[1:]), indexing="ij")
    law = STATEMENTS["deactivation_finite"].function(s.tau, s.sigma_0, s.m, s.B, s.d, s.signal, s.P, s.sigma_p, s.p)
    bent = law(ratio * np.sqrt(10.0 * n), 1.0, 10, n, d, signal, 2, 1.0, 0.1)
    return off.values, _depth(bent) if finite else ratio


def finite_constant(fractions: np.ndarray, predicted: np.ndarray, rows: np.ndarray) -> float:
    """Mean of z over what is predicted; (R, …) and (…)."""
    return float((_depth(fractions[rows].mean(axis=0)) / predicted).mean())
