"""The theorems' scales, and what they are for."""

from dataclasses import replace

import pytest

from simulate import Problem
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights

PROBLEM = Problem(d=40_000, n=100, m=16, P=4, sigma_p=0.5)
"""Neither its scale of the noise, 3/2, nor any other factor of a formula is one, which would hide its power."""


def test_scales_are_those_of_their_formulas() -> None:
    assert with_small_weights(PROBLEM).sigma_0 == pytest.approx(0.1 * 10 / (1.5 * 40_000))
    assert with_sam_weights(PROBLEM).sigma_0 == pytest.approx(1 / (2.0 * 200))
    assert sam_radius(PROBLEM) == pytest.approx(16 * 10 / (2.0 * 200))
    assert sam_radius(PROBLEM, batch=25) == pytest.approx(16 * 5 / (2.0 * 200))
    assert step_size(PROBLEM, 0.2) == pytest.approx(0.2 * 100 * 16 / (2.25 * 40_000))


def test_radius_over_weights_is_the_root_of_the_filters() -> None:
    problem = with_sam_weights(PROBLEM)
    ratio = sam_radius(problem) / (problem.sigma_0 * (problem.m * problem.n) ** 0.5)
    assert ratio == pytest.approx(problem.m**0.5)


def test_only_the_weights_change() -> None:
    for scaled in (with_small_weights(PROBLEM), with_sam_weights(PROBLEM)):
        assert replace(scaled, sigma_0=PROBLEM.sigma_0) == PROBLEM
