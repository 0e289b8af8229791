"""The theorems' scales, and what they are for."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "leaky", "leak": 0.1}, '`activation` must be "relu" where scales are those of the theorems'),
        ({"d": 2**63}, "`d` must be below 2**63"),
        ({"P": 2**63}, "`P` must be below 2**63"),
        ({"n": 10**400}, "`n` must be below 2**63"),
        ({"m": 10**400}, "`m` must be below 2**63"),
        ({"sigma_p": 1e-101}, "`sigma_p` must give a scale of the noise (P - 1) σ_p from 1e-100 to 1e100"),
        ({"sigma_p": 1e101}, "`sigma_p` must give a scale of the noise (P - 1) σ_p from 1e-100 to 1e100"),
    ],
)
@pytest.mark.parametrize("scaled", [with_small_weights, with_sam_weights, sam_radius, step_size])
def test_problems_without_these_scales_are_refused(
    scaled: Callable[[Problem], object], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^Argument {re.escape(message)}"):
        scaled(replace(PROBLEM, **changes))
