"""What computed orders and comparisons decide, printed as JSON, for `tests/test_processors.py` to compare processors.

`python -m tests.sensitive_outcomes` makes cases in which everything hangs on numbers that are equal but for rounding.
"""

from __future__ import annotations

import hashlib
import json
import math
from importlib.util import find_spec
from typing import Any

import numpy as np
import xarray

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Record, SharpMinMax, run
from simulate.boundaries.boundary import critical_values
from simulate.dynamics.step import forget_saliency

__all__ = ["outcomes"]

_SEEDS = range(8)
_PARTED = Phase("part", NegGrad(alpha=0.6), SharpMinMax(lr=0.01, tau=0.1, fraction=0.5), steps=1)


def outcomes() -> dict[str, Any]:
    """What is decided, what is measured, and what would be decided if rounding did."""
    instances = [_tied_filters(seed) for seed in _SEEDS]
    saliencies = [forget_saliency(each, each.geometry.start) for each in instances]
    errors = [_errors_at_a_level(seed) for seed in _SEEDS]
    sums = [_equal_sums(seed) for seed in _SEEDS]
    decided = {
        "parts": [_places(run(each, [_PARTED], engine="numpy").state.forget_part) for each in instances],
        "stops": [_steps_at_the_loss_of_guessing(each) for each in instances],
        "boundaries": [_boundary(table) for table in errors],
        "masks": [_mask(scores) for scores in sums],
    }
    rounding = {
        "parts": [np.argsort(-each.ravel(), kind="stable").tolist() for each in saliencies],
        "boundaries": [(_weights(table) @ table.values <= 0.3).tolist() for table in errors],
        "masks": [np.argsort(-scores, kind="stable").tolist() for scores in sums],
    }
    bits = hashlib.sha256(b"".join(array.tobytes() for array in (*saliencies, *sums))).hexdigest()
    return {"decided": decided, "rounding": rounding, "measured": _measured(), "bits": bits}


def _tied_filters(seed: int) -> Instance:
    """Filters that see another three of six orthogonal forget samples each: gradients are equal but for rounding."""
    axes = np.linalg.qr(np.random.default_rng(seed).standard_normal((40, 40)))[0]
    phi, xi = axes[0], axes[1:13]
    sees = (np.arange(6)[:, None] - np.arange(6)) % 6 < 3
    signs = np.where(np.pad(sees, ((0, 0), (0, 6))), 1.0, -1.0)
    w0 = np.stack([phi + signs @ xi] * 2)
    y = np.tile([1, 1, -1], 4)
    return Instance.from_arrays(phi=phi, xi=xi, w0=w0, y=y, forget=np.arange(12) < 6, space="ambient")


def _places(part: np.ndarray | None) -> list[int]:
    return [] if part is None else np.flatnonzero(part).tolist()


def _steps_at_the_loss_of_guessing(instance: Instance) -> int:
    """Steps until the loss is at most log 2, where the network begins: both signs have the same weights."""
    fit = Phase("fit", Loss(), SGD(lr=0.001), steps=5, stop_loss=math.log(2.0))
    return run(instance, [fit], engine="numpy", record=Record(every=10)).steps


def _errors_at_a_level(seed: int) -> xarray.DataArray:
    """Errors of ten seeds at nine signals whose means are 0.5, …, 0.3, …, 0.1, each in some order of tenths."""
    rng = np.random.default_rng(seed)
    means = np.linspace(0.5, 0.1, 9)
    table = means + np.stack([rng.permutation(np.linspace(-0.1, 0.1, 10)) for _ in means], axis=-1)
    return xarray.DataArray(table, dims=("seed", "signal"), coords={"signal": 2.0 ** np.arange(9)})


def _weights(table: xarray.DataArray) -> np.ndarray:
    return np.full((4, len(table)), 0.1)


def _boundary(table: xarray.DataArray) -> list[float | str]:
    found = critical_values(table, 0.3, resamples=100)
    edge = critical_values(table.isel(signal=slice(4, None)), 0.3, resamples=100)
    return [round(float(found["critical"]), 9), str(edge["censored"].item())]


def _equal_sums(seed: int) -> np.ndarray:
    """Float32 scores of 96 weights, of six sizes: the same terms in an order of their own."""
    rng = np.random.default_rng(seed)
    terms = np.abs(rng.standard_normal((6, 300))).astype(np.float32)[rng.integers(0, 6, size=96)]
    return (rng.permuted(terms, axis=1) @ np.ones((300, 3), dtype=np.float32))[:, 0]


def _mask(scores: np.ndarray) -> list[int]:
    if find_spec("torch") is None:
        return []
    import torch

    from deepnet.learning.masks import select

    return _places(select({"w": torch.from_numpy(scores)}, 0.5, "largest").values["w"].numpy())


def _measured() -> dict[str, list[float]]:
    """Coefficients and test errors of ordinary runs, which agree to a tolerance."""
    problem = Problem(d=2000, n=20, m=5, signal=5.0, forget=0.2)
    phases = [
        Phase("fit", Loss(), SGD(lr=0.02), steps=300, stop_loss=0.05),
        Phase("unlearn", NegGrad(alpha=0.7), SAM(lr=0.02, tau=0.03), steps=100),
    ]
    found = [run(problem, phases, seed=seed, test_directions=32) for seed in range(2)]
    return {
        "kappa": np.concatenate([each.kappa.ravel() for each in found]).tolist(),
        "zeta": np.concatenate([each.zeta.ravel() for each in found]).tolist(),
        "test_error": [float(each.test_error) for each in found],
    }


if __name__ == "__main__":
    print(json.dumps(outcomes()))
