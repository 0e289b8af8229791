"""Trainings of random arrays that take no time, and how the ends of two are compared."""

from typing import Literal

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from simulate import Instance, Phase, Record, Result, run
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer

SEEDS = st.integers(0, 2**31)
few = settings(max_examples=3)


def random_arrays(seed: int, P: int = 3, patches: int | None = None, m: int = 3) -> dict:
    """A small training set with weights, as `Instance.from_arrays` takes it; copied patches unless counted."""
    rng = np.random.default_rng(seed)
    n, d = 7, 16
    shape = (n, d) if patches is None else (n, patches, d)
    y_true = np.where(rng.permutation(n) < n // 2, 1, -1)
    return {
        "phi": rng.normal(size=d) * 0.4,
        "xi": rng.normal(size=shape) * 0.5,
        "w0": rng.normal(size=(2, m, d)) * 0.2,
        "y_true": y_true,
        "y": np.where(rng.random(n) < 0.2, -y_true, y_true),
        "forget": rng.permutation(n) < 3,
        "P": P if patches is None else patches + 1,
    }


def train(
    arrays: dict,
    objective: Objective,
    optimizer: Optimizer,
    *,
    engine: str = "numba",
    space: Literal["frame", "ambient"] = "frame",
) -> Result:
    """Train from arrays for a few steps."""
    instance = Instance.from_arrays(**arrays, space="ambient" if engine == "dense" else space)
    return run(instance, [Phase("train", objective, optimizer, steps=25)], engine=engine, record=Record(every=25))


def weights_of(result: Result) -> np.ndarray:
    """The weights that the dense engine ends with."""
    assert result.state.weights is not None
    return result.state.weights


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-12) -> None:
    """Require agreement up to `tolerance` times the largest number in `expected`."""
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def assert_same(found: Result, expected: Result) -> None:
    """Require the same coefficients up to rounding, and that there is a trajectory to speak of."""
    assert_close(found.kappa, expected.kappa)
    assert_close(found.zeta, expected.zeta)
    assert np.abs(expected.zeta).max() > 1e-3


def assert_same_bits(found: Result, expected: Result) -> None:
    """Require the very same end of a run."""
    np.testing.assert_array_equal(found.kappa, expected.kappa)
    np.testing.assert_array_equal(found.zeta, expected.zeta)
    np.testing.assert_array_equal(found.state.preactivations, expected.state.preactivations)
    assert found.train_loss == expected.train_loss
    assert (found.steps, found.status) == (expected.steps, expected.status)


def moved_alike(found: Result, expected: Result) -> bool:
    """Whether two runs have the same signal coefficients up to a tenth of a percent."""
    return bool(np.abs(found.kappa - expected.kappa).max() < 1e-3 * np.abs(expected.kappa).max())
