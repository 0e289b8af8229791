"""Which noise neurons SAM's perturbation switches off: at initialisation, and when unlearning begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray
from scipy.special import ndtri

from simulate import SAM, Loss, NegGrad, Phase, Problem, RandomLabel
from simulate.dynamics.phases import Objective
from simulate.problems.scales import sam_radius, with_sam_weights
from simulate.runs.ensemble import Cell
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, pretrain

__all__ = ["LOOKS", "UNLEARNING", "Look", "at_start", "law_constant", "law_exponent", "tables"]

_TINY = 1e-9
"""σ_0 at which outputs vanish, so that all samples pull equally; the law is about this limit."""


def at_start(lab: Lab) -> xarray.Dataset:
    """Fractions switched off at initialisation over n, m and the ratio τ / (σ_0 √(m n)), full batch."""

    def make(seed: int, n: int, m: int, ratio: float) -> Cell:
        problem = Problem(d=10**8, n=n, m=m, signal=2.0, sigma_0=_TINY, forget=0.0)
        tau = ratio * _TINY * math.sqrt(m * n)
        return Cell(problem, (Phase("look", Loss(), SAM(tau=tau), steps=0),), seed)

    return lab.grid(
        "deactivation at start", make, {"n": (40, 160), "m": (5, 20), "ratio": (0.25, 0.5, 1.0, 2.0)},
        replicates=lab.choose(quick=200, full=1000), test_directions=16, observe=("deactivation",),
    )  # fmt: skip


def _depths(data: xarray.Dataset, rows: np.ndarray) -> xarray.DataArray:
    """z of the measured fraction 2Φ(z) - 1, for ratios at which it is far from 1; (n, m, ratio)."""
    off = data["deactivated"].isel(phase=0, seed=rows).sel(relation="own", set="retain", ratio=[0.25, 0.5, 1.0])
    fraction = off.mean("seed").transpose("n", "m", "ratio")
    return fraction.copy(data=ndtri(0.5 * (1.0 + fraction.values)))


def law_constant(data: xarray.Dataset, rows: np.ndarray, *, samples: bool = True) -> float:
    """Mean of z over what the law says it is, τ / (σ_0 √(m n)); without √n if `samples` is False."""
    depth = _depths(data, rows)
    predicted = depth["ratio"] * (1.0 if samples else np.sqrt(depth["n"]))
    return float((depth / predicted).mean())


def law_exponent(data: xarray.Dataset, rows: np.ndarray, factor: str) -> float:
    """Exponent of n or m in z σ_0 / τ."""
    depth = _depths(data, rows)
    per_radius = depth / (depth["ratio"] * np.sqrt(depth["n"] * depth["m"]))
    growth = per_radius.isel({factor: -1}) / per_radius.isel({factor: 0})
    return float(np.log(growth.values).mean() / np.log(depth[factor].values[-1] / depth[factor].values[0]))


# --- when unlearning begins --------------------------------------------------------------------------

UNLEARNING = with_sam_weights(Problem(d=20_000, n=40, m=10, signal=6.0, forget=0.25))
"""The problem of Lemma 3.1."""


@dataclass(frozen=True)
class Look:
    """One objective and radius under which the perturbation is looked at."""

    objective: Objective
    """The objective whose gradient is the direction."""
    ratio: float
    """τ / (σ_0 √(m n)); the theory's radius is √m."""

    @property
    def phase(self) -> Phase:
        """A phase of no steps."""
        tau = self.ratio * sam_radius(UNLEARNING) / math.sqrt(UNLEARNING.m)
        word = repr(self.objective) + repr(self.ratio)
        return Phase("look_" + "".join(c if c.isalnum() else "_" for c in word), self.objective, SAM(tau=tau), steps=0)


_RATIOS = (0.1, math.sqrt(0.1), 1.0, math.sqrt(10.0), 10.0)
_ALPHAS = (0.5, 0.75, 0.9)
LOOKS: tuple[Look, ...] = (
    *(Look(NegGrad(alpha=alpha), ratio) for alpha in _ALPHAS for ratio in _RATIOS),
    *(Look(RandomLabel(), ratio) for ratio in _RATIOS),
)
"""Every objective at every radius."""


def tables(lab: Lab) -> xarray.DataArray:
    """Fractions switched off, with dimensions pretraining (none, SGD, SAM), look, relation, set, seed."""

    def make(seed: int, pretraining: Pretraining | str) -> Cell:
        before = () if pretraining == "none" else pretrain(UNLEARNING, "SAM" if pretraining == "SAM" else "SGD")
        return Cell(UNLEARNING, (*before, *(look.phase for look in LOOKS)), seed)

    grid = partial(lab.grid, "lemma 3.1", make, replicates=lab.choose(quick=16, full=100), test_directions=16)
    data = grid({"pretraining": ("none", "SGD", "SAM")}, observe=("deactivation",))
    looks = [
        data["deactivated"].isel(pretraining=number, phase=slice(number, number + len(LOOKS)))
        for number in range(3)  # none has no phase before the looks, SGD one, SAM two
    ]
    joined = np.stack([look.transpose("phase", "relation", "set", "seed").values for look in looks])
    dims = ("pretraining", "look", "relation", "set", "seed")
    coords = {
        "pretraining": data["pretraining"],
        "relation": data["relation"],
        "set": data["set"],
        "seed": data["seed"],
    }
    return xarray.DataArray(joined, dims=dims, coords=coords, attrs=data.attrs)
