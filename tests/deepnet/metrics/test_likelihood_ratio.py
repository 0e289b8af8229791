"""U-LiRA against a loop over models and samples, on confidences whose answer is known."""

import math
import statistics

import numpy as np
import pytest

from deepnet.metrics.likelihood_ratio import LikelihoodRatio, u_lira, u_lira_null


def slow(unlearned: np.ndarray, retrained: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One model and one sample at a time, each sample with a spread of its own."""

    def ratio(value: float, mine: list[float], others: list[float]) -> float:
        laws = (statistics.NormalDist(statistics.mean(side), statistics.stdev(side)) for side in (mine, others))
        one, other = (math.log(law.pdf(value)) for law in laws)
        return one - other

    found = np.zeros_like(unlearned), np.zeros_like(retrained)
    for i in range(unlearned.shape[1]):
        u, r = unlearned[:, i].tolist(), retrained[:, i].tolist()
        for m, value in enumerate(u):
            found[0][m, i] = ratio(value, u[:m] + u[m + 1 :], r)
        for m, value in enumerate(r):
            found[1][m, i] = ratio(value, u, r[:m] + r[m + 1 :])
    return found


def test_against_the_loop_with_many_models() -> None:
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(0.5, 1.5, (17, 6)), rng.normal(0.0, 1.0, (20, 6))
    found = u_lira(unlearned, retrained)
    for mine, twin in zip((found.unlearned, found.retrained), slow(unlearned, retrained), strict=True):
        np.testing.assert_allclose(mine, twin, rtol=1e-9, atol=1e-9)


def test_few_models_share_a_spread() -> None:
    """Two samples, three models a side; the variances by hand."""
    unlearned, retrained = (
        np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 10.0]]),
        np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]),
    )
    found = u_lira(unlearned, retrained)
    value = 1.0  # of the first model and sample; the others are 2, 3 and, of the other sample, 6, 10
    mine = (0.5 + 8.0) / 2
    theirs = (1.0 + 1.0) / 2
    expected = -((value - 2.5) ** 2) / (2 * mine) - 0.5 * math.log(mine)
    expected -= -((value - 1.0) ** 2) / (2 * theirs) - 0.5 * math.log(theirs)
    assert found.unlearned[0, 0] == pytest.approx(expected)


def test_what_was_not_forgotten_is_told_and_what_was_is_not() -> None:
    rng = np.random.default_rng(1)
    never = rng.normal(size=(30, 200))
    remembered = u_lira(rng.normal(4.0, 1.0, (30, 200)), never)
    assert remembered.auc > 0.99
    assert remembered.accuracy.mean() > 0.95
    assert remembered.true_positive_rate > 0.9
    forgotten = u_lira(rng.normal(size=(30, 200)), never)
    assert abs(forgotten.auc - 0.5) < 0.03
    assert abs(forgotten.accuracy.mean() - 0.5) < 0.03
    assert forgotten.true_positive_rate < 0.05


def test_a_shift_in_each_sample_counts_where_that_of_all_together_does_not() -> None:
    """Half of the samples up, half down: a threshold on confidence sees nothing, the ratio by sample does."""
    rng = np.random.default_rng(2)
    shift = np.where(np.arange(100) % 2, 3.0, -3.0)
    found = u_lira(rng.normal(size=(20, 100)) + shift, rng.normal(size=(20, 100)))
    assert found.auc > 0.95


def test_the_floor_is_between_models_that_differ_by_chance() -> None:
    rng = np.random.default_rng(3)
    retrained = rng.normal(size=(21, 100)) + rng.normal(size=100)
    floor = u_lira_null(retrained)
    assert floor.unlearned.shape == (10, 100)
    assert abs(floor.auc - 0.5) < 0.06
    assert np.array_equal(floor.unlearned, u_lira_null(retrained).unlearned)
    assert not np.array_equal(floor.unlearned, u_lira_null(retrained, seed=1).unlearned)


def test_samples_of_which_all_say_the_same_are_no_evidence() -> None:
    found = u_lira(np.ones((20, 3)), np.ones((20, 3)))
    assert found.auc == 0.5
    np.testing.assert_array_equal(found.accuracy, 0.5)


def test_bad_input_is_named() -> None:
    good = np.zeros((3, 4))
    with pytest.raises(ValueError, match="`unlearned` must hold at least 3 models"):
        u_lira(good[:2], good)
    with pytest.raises(ValueError, match="`retrained`"):
        u_lira(good, np.zeros((3, 5)))
    with pytest.raises(ValueError, match="`retrained`"):
        u_lira(good, np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match="at least 6 models"):
        u_lira_null(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="`max_false_positive_rate`"):
        LikelihoodRatio(unlearned=good, retrained=good, max_false_positive_rate=2.0)
