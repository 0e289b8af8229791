"""The α that is enough: means that are tied with the level are at it, as for every other boundary."""

import numpy as np
import pytest

from theory.experiments.forgetting.thresholds import critical_alpha

ALPHA = np.array([0.1, 0.5, 0.9])


@pytest.mark.parametrize("bits", [-1e-15, 0.0, 1e-15])
def test_last_bits_neither_censor_nor_move_a_threshold(bits: float) -> None:
    level = 0.15 + bits
    assert np.isnan(critical_alpha(ALPHA, np.array([0.15, 0.1, 0.05]), np.ones(3), level))
    assert critical_alpha(ALPHA, np.array([0.3, 0.15, 0.1]), np.ones(3), level) == 0.5
    assert critical_alpha(ALPHA, np.array([0.3, 0.2, 0.15]), np.ones(3), level) == 0.9
    assert critical_alpha(ALPHA, np.array([0.3, 0.2, 0.1]), np.ones(3), level) == pytest.approx(0.7)


def test_real_differences_do() -> None:
    assert critical_alpha(ALPHA, np.array([0.15 + 1e-9, 0.1, 0.05]), np.ones(3), 0.15) == pytest.approx(0.1)
    assert np.isnan(critical_alpha(ALPHA, np.array([0.3, 0.2, 0.15 + 1e-9]), np.ones(3), 0.15))
    assert np.isnan(critical_alpha(ALPHA, np.full(3, 0.3), np.ones(3), 0.15))


def test_runs_forgotten_as_often_as_asked_count() -> None:
    error, often = np.array([0.3, 0.2, 0.1]), np.array([1.0, 1.0, 1.0 - 0.1 - 1e-16])
    assert critical_alpha(ALPHA, error, often, 0.15) == pytest.approx(0.7)
    often[2] -= 1e-9
    assert np.isnan(critical_alpha(ALPHA, error, often, 0.15))
