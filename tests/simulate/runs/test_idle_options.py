"""Options that do nothing, where nothing is what they should do."""

import numpy as np
import pytest
from hypothesis import given

from simulate import SAM, SGD, Loss, NegGrad, RandomLabel, Status
from tests.simulate.small_trainings import SEEDS, assert_same, assert_same_bits, few, moved_alike, random_arrays, train


@pytest.mark.parametrize("idle", [SAM(lr=0.5, tau=0.0), SAM(lr=0.5, tau=0.3, mixing=0.0)], ids=["radius", "mixing"])
@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("objective", [Loss(), NegGrad(alpha=0.6), RandomLabel()])
@given(seed=SEEDS)
@few
def test_idle_sharpness_is_plain_descent(objective, engine: str, idle: SAM, seed: int) -> None:
    arrays = random_arrays(seed)
    one, other = (train(arrays, objective, optimizer, engine=engine) for optimizer in (SGD(lr=0.5), idle))
    assert_same_bits(other, one)


def test_sharpness_is_not_idle() -> None:
    arrays = random_arrays(5)
    assert not moved_alike(train(arrays, Loss(), SAM(lr=0.5, tau=0.3)), train(arrays, Loss(), SGD(lr=0.5)))


@pytest.mark.parametrize("optimizer", [SGD(lr=0.5), SAM(lr=0.5, tau=0.3), SAM(lr=0.5, tau=0.3, on="retain")])
@given(seed=SEEDS)
@few
def test_full_retain_weight_ignores_the_forget_set(optimizer, seed: int) -> None:
    arrays = random_arrays(seed)
    others = random_arrays(seed + 1)["xi"]
    forget, ignored = arrays["forget"], NegGrad(alpha=1.0)
    replaced = arrays | {"xi": np.where(forget[:, None], 3 * others, arrays["xi"])}
    replaced |= {"y": np.where(forget, -arrays["y"], arrays["y"])}
    # In R^d, as the QR reduction would mix the forgotten vectors into the coordinates' rounding.
    one, other, alone = (
        train(a, objective, optimizer, space="ambient")
        for a, objective in ((arrays, ignored), (replaced, ignored), (arrays, Loss(on="retain")))
    )
    np.testing.assert_array_equal(other.kappa, one.kappa)
    np.testing.assert_array_equal(other.zeta, one.zeta)
    assert np.all(one.zeta[:, :, forget] == 0)
    assert_same(alone, one)


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize(
    ("alpha", "optimizer"), [(1.0, SAM(lr=0.5, tau=0.3, on="forget")), (0.0, SAM(lr=0.5, tau=0.3, on="retain"))]
)
def test_sharpness_of_a_weightless_part_is_idle(alpha: float, optimizer: SAM, engine: str) -> None:
    arrays, objective = random_arrays(11), NegGrad(alpha=alpha)
    idle = train(arrays, objective, optimizer, engine=engine)
    assert_same_bits(idle, train(arrays, objective, SGD(lr=0.5), engine=engine))


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("optimizer", [SAM(tau=0.3), SAM(tau=0.3, sharpness="max")])
def test_dead_network_stays_dead(optimizer: SAM, engine: str) -> None:
    axes = np.eye(4)
    dead = -np.ones((2, 3, 4)) * axes[1:].sum(axis=0)  # orthogonal to φ, against every noise vector
    arrays = {"phi": axes[0], "xi": axes[1:], "y": np.array([1, -1, 1]), "w0": dead, "forget": np.zeros(3, bool)}
    result = train(arrays, Loss(), optimizer, engine=engine)
    assert np.all(result.kappa == 0)
    assert np.all(result.zeta == 0)
    assert result.status is Status.MAX_STEPS
