"""KLoM against closed forms, an obvious twin, and its own noise."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepnet.metrics.klom import Klom, klom, klom_null, stack_margins
from deepnet.metrics.outputs import Outputs, margin
from tests.deepnet.metrics.examples import random_outputs

GRID = (np.arange(4000) + 0.5) / 4000


def normal_margins(mean: float) -> np.ndarray:
    """Quantiles of N(mean, 1), one sample: a histogram without chance."""
    law = statistics.NormalDist(mean)
    return np.array([[law.inv_cdf(u)] for u in GRID])


def slow_klom(unlearned: np.ndarray, retrained: np.ndarray, bins: int, clip: float, floor: float) -> float:
    """One sample, bin by bin."""
    unlearned, retrained = (np.clip(side, -clip, clip) for side in (unlearned, retrained))
    low = min(*unlearned, *retrained)
    high = max(*unlearned, *retrained)
    if low == high:
        return 0.0
    p, q = (np.histogram(side, bins=bins, range=(low, high))[0] / len(side) for side in (unlearned, retrained))
    q = [max(b, floor) if a > 0 else b for a, b in zip(p, q, strict=True)]
    return sum(a * math.log(a / (b / sum(q))) for a, b in zip(p, q, strict=True) if a > 0)


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 1000), st.sampled_from([5, 20]))
def test_against_the_twin(n_unlearned: int, n_retrained: int, seed: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    unlearned, retrained = rng.normal(1.0, 2.0, size=(n_unlearned, 4)), rng.normal(size=(n_retrained, 4))
    found = klom(unlearned, retrained, bins=bins, clip=2.5, floor=1e-3)
    twin = [slow_klom(u, r, bins, 2.5, 1e-3) for u, r in zip(unlearned.T, retrained.T, strict=True)]
    np.testing.assert_allclose(found.per_sample, twin, atol=1e-12)


def test_identical_is_zero() -> None:
    margins = np.random.default_rng(0).normal(size=(6, 30))
    found = klom(margins, margins[::-1])
    np.testing.assert_allclose(found.per_sample, 0.0, atol=1e-12)
    assert (found.mean, found.percentile_95) == pytest.approx((0.0, 0.0), abs=1e-12)
    np.testing.assert_array_equal(klom(np.ones((3, 2)), np.ones((4, 2))).per_sample, [0.0, 0.0])


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_shifted_gaussian_by_its_bins(shift: float) -> None:
    unlearned, retrained = normal_margins(shift), normal_margins(0.0)
    edges = np.linspace(retrained.min(), unlearned.max(), 21)

    def mass(mean: float) -> np.ndarray:
        return np.diff([0.0, *map(statistics.NormalDist(mean).cdf, edges[1:-1]), 1.0])

    p, q = mass(shift), mass(0.0)
    expected = float((p * np.log(p / q)).sum())
    found = klom(unlearned, retrained).mean
    assert found == pytest.approx(expected, rel=0.05)
    assert found == pytest.approx(shift**2 / 2, rel=0.12)  # what the bins approach


def test_disjoint_groups_cost_the_floor() -> None:
    # p = (1, 0), q = (0, 1): q becomes (ε, 1) / (1 + ε).
    found = klom(np.zeros((3, 1)), np.ones((3, 1)), bins=2, floor=1e-5).mean
    assert found == pytest.approx(math.log((1 + 1e-5) / 1e-5))


def test_direction_is_of_the_unlearned_from_the_retrained() -> None:
    narrow = np.array([[0.0], [0.0]])
    wide = np.array([[0.0], [1.0]])
    assert klom(narrow, wide).mean == pytest.approx(math.log(2.0))  # 1 · log(1 / ½)
    assert klom(wide, narrow).mean == pytest.approx(0.5 * math.log(0.5) + 0.5 * math.log(0.5 / 1e-5), abs=1e-4)


def test_the_largest_margin_is_counted() -> None:
    # Were the right edge open, the largest margin would be lost, and both groups would be alike.
    unlearned, retrained = np.array([[0.0], [0.0]]), np.array([[0.0], [5.0]])
    assert klom(unlearned, retrained).mean > 0.5


def test_clipping_bounds_the_range() -> None:
    unlearned, retrained = np.array([[1e6], [0.0]]), np.array([[100.0], [0.0]])
    assert klom(unlearned, retrained).mean == 0.0
    assert klom(unlearned, retrained, clip=1e6).mean > 1.0


def test_summaries() -> None:
    found = Klom(per_sample=np.arange(101.0))
    assert (found.mean, found.percentile_95) == (50.0, 95.0)


def test_null_is_the_value_between_halves() -> None:
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(81, 200))
    noise = klom_null(retrained, seed=1)
    unlearned, others = rng.normal(size=(40, 200)), rng.normal(size=(40, 200))
    assert noise.mean == pytest.approx(klom(unlearned, others).mean, rel=0.15)
    assert klom(unlearned + 3.0, others).mean > 3 * noise.mean
    np.testing.assert_array_equal(noise.per_sample, klom_null(retrained, seed=1).per_sample)
    assert not np.array_equal(noise.per_sample, klom_null(retrained, seed=2).per_sample)


def test_null_halves_share_no_model() -> None:
    # Two pairs of equal models: the value is 0 when each pair is split, and the cost of the floor when none is.
    values = {round(klom_null(np.array([[0.0], [0.0], [1.0], [1.0]]), seed=seed).mean, 3) for seed in range(20)}
    assert values == {0.0, round(math.log((1 + 1e-5) / 1e-5), 3)}


def test_few_models_are_noise() -> None:
    rng = np.random.default_rng(0)
    few, many = (klom_null(rng.normal(size=(n, 100))).mean for n in (6, 200))
    assert few > 5.0 > 0.5 > many


def test_stacked_margins() -> None:
    models = [random_outputs(7, seed=seed) for seed in range(3)]
    labels = models[0].labels
    models = [Outputs(model.logits, labels, model.features) for model in models]
    stacked = stack_margins(models)
    assert stacked.shape == (3, 7)
    np.testing.assert_array_equal(stacked[2], margin(models[2]))
    with pytest.raises(ValueError, match="`models` must be of the same samples, but labels of model 1"):
        stack_margins([models[0], random_outputs(7, seed=8)])
    with pytest.raises(ValueError, match="`models`"):
        stack_margins([])


@pytest.mark.parametrize(
    ("unlearned", "retrained", "name"),
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), "unlearned"),
        (np.zeros((5, 3)), np.zeros((1, 3)), "retrained"),
        (np.zeros((5, 3)), np.zeros((5, 4)), "retrained"),
        (np.zeros((5, 0)), np.zeros((5, 0)), "unlearned"),
        (np.full((5, 3), np.nan), np.zeros((5, 3)), "unlearned"),
        (np.zeros(5), np.zeros((5, 3)), "unlearned"),
    ],
)
def test_groups_are_checked(unlearned: np.ndarray, retrained: np.ndarray, name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        klom(unlearned, retrained)


@pytest.mark.parametrize(
    "options", [{"bins": 1}, {"bins": 10**400}, {"clip": 0.0}, {"clip": 1e308}, {"floor": 0.0}, {"floor": 2.0}]
)
def test_options_are_checked(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(options))}`"):
        klom(np.zeros((2, 1)), np.ones((2, 1)), **options)
    with pytest.raises(ValueError, match="`retrained` must hold at least 4"):
        klom_null(np.zeros((3, 1)))
