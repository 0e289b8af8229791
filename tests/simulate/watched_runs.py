"""Short runs that record everything, one for each kind of phase, and the weights behind every record."""

from functools import cache

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, RandomLabel, Record, Result, SharpMinMax, run
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer
from tests.oracles.definitions import SIGNS

RADIUS = 0.4
"""Radius of the perturbations that are recorded, which is no optimizer's."""

EVERYTHING = (
    "coefficients", "coefficients_full", "loss", "accuracy", "test_error", "deactivation",
    "deactivation_radius", "gradient_norm", "sharpness", "hessian",
)  # fmt: skip

SCENARIOS: dict[str, tuple[int, Objective, Optimizer]] = {
    "loss": (2, Loss(), SAM(lr=0.4, tau=0.1)),
    "retain loss": (1, Loss(on="retain"), SGD(lr=0.4)),
    "forget loss": (1, Loss(on="forget"), SAM(lr=0.4, tau=0.1, on="forget")),
    "loss, sharp where forgotten": (1, Loss(), SAM(lr=0.4, tau=0.1, on="forget", sharpness="max")),
    "minibatches": (2, Loss(), SGD(lr=0.3, batch=3)),
    "ascent": (2, NegGrad(alpha=0.6), SGD(lr=0.4)),
    "ascent, sharp where retained": (1, NegGrad(alpha=0.6), SAM(lr=0.4, tau=0.1, on="retain")),
    "ascent, sharp where forgotten": (1, NegGrad(alpha=0.6), SAM(lr=0.4, tau=0.1, on="forget")),
    "ascent alone": (1, NegGrad(alpha=0.0), SGD(lr=0.4)),
    "sums": (2, NegGrad(alpha=0.7, reduction="sum"), SAM(lr=0.1, tau=0.1)),
    "relabelling": (1, RandomLabel(flip=1.0), SGD(lr=0.4)),
    "sharp minmax": (1, NegGrad(alpha=0.6), SharpMinMax(lr=0.4, tau=0.1, tau_forget=0.2)),
}
"""Number of patches, objective and optimizer."""

every_scenario = pytest.mark.parametrize("name", SCENARIOS)


def random_instance(patches: int = 1, forget: int = 3) -> Instance:
    """A small data set in R^d with flipped labels; one patch is copied twice, more are independent."""
    rng = np.random.default_rng(3)
    n, d = 8, 9
    y_true = np.array([1, 1, 1, -1, 1, -1, -1, -1])
    return Instance.from_arrays(
        phi=rng.normal(size=d) * 0.6,
        xi=rng.normal(size=(n, d) if patches == 1 else (n, patches, d)) * 0.7,
        w0=rng.normal(size=(2, 3, d)) * 0.2,
        y_true=y_true,
        y=y_true * np.array([1, -1, 1, 1, 1, 1, -1, 1]),
        forget=rng.permutation(n) < forget,
        P=3,
        space="ambient",
    )


@cache
def watched(name: str, engine: str = "numba") -> tuple[Phase, Result]:
    """The phase and the run of a scenario, with four records of 18 steps."""
    patches, objective, optimizer = SCENARIOS[name]
    phase = Phase("watched", objective, optimizer, steps=18)
    record = Record(every=6, observe=EVERYTHING, tau=RADIUS)
    return phase, run(random_instance(patches), [phase], engine=engine, record=record)


def weights_at(result: Result, k: int) -> np.ndarray:
    """Weights at record k, rebuilt from the κ and ζ of the trace."""
    instance, now = result.instance, result.trace.isel(step=k)
    phi, xi = instance.phi, instance.xi
    signal = SIGNS[:, None, None] * now.kappa.values[..., None] * phi / (phi @ phi)
    directions = xi / (xi**2).sum(axis=-1, keepdims=True) / instance.multiplicity
    return instance.w0 + signal + np.einsum("jrnp,npd->jrd", now.zeta.values, directions)


def moments(name: str, engine: str = "numba"):
    """Phase, instance, weights and trace at every record of a scenario."""
    phase, result = watched(name, engine)
    assert result.trace.sizes["step"] == 4
    for k in range(4):
        yield phase, result.instance, weights_at(result, k), result.trace.isel(step=k)
