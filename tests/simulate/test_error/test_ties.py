"""Networks of equal filters: the last bits of their Gram matrix neither choose the design points nor move an error."""

import numpy as np

from simulate.test_error.design_points import find_design_points, longest_row
from simulate.test_error.generalize import test_error

HELPING = np.arange(8) >= 4
DRAWS = np.random.default_rng(7)
NORMALS, UNIFORMS = DRAWS.standard_normal((200, 8)), DRAWS.random(200)


def simplex_gram(seed: int | None, *, longer: float = 0.0) -> np.ndarray:
    """Four filters that add up to zero in either class, all of one length up to the last bits of a seed."""
    corners = np.eye(4) - 0.25
    rows = np.concatenate([0.3 * corners, corners])
    rows[6] *= 1.0 + longer
    if seed is not None:
        rows *= 1.0 + 2.0**-52 * np.random.default_rng(seed).integers(-2, 3, size=(8, 1))
    return rows @ rows.T


def log_error(gram: np.ndarray) -> float:
    draws = {"normals": NORMALS, "uniforms": UNIFORMS}
    found = test_error(np.array([0.7, 0.7]), gram, label_flip=0.0, patches=1, multiplicity=1.0, strengths=None, **draws)
    return float(found.log_clean_error)


def test_design_points_of_equal_filters_do_not_hang_on_their_last_bits() -> None:
    exact = find_design_points(simplex_gram(None), HELPING)
    for seed in range(12):
        found = find_design_points(simplex_gram(seed), HELPING)
        for one, other in zip(found, exact, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_neither_does_the_test_error() -> None:
    errors = [log_error(simplex_gram(seed)) for seed in range(12)]
    assert np.ptp(errors) < 1e-11
    assert abs(log_error(simplex_gram(None, longer=1e-3)) - errors[0]) > 1e-4


def test_of_filters_of_one_length_the_first_is_the_longest() -> None:
    everyone = np.ones(8, dtype=bool)
    assert {longest_row(simplex_gram(seed), HELPING) for seed in range(12)} == {4}
    assert {longest_row(simplex_gram(seed, longer=1e-9), everyone) for seed in range(12)} == {6}
    assert longest_row(np.zeros((8, 8)), everyone) == -1
