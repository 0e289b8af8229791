import itertools

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from simulate.test_error.design_points import find_design_points
from simulate.test_error.generalize import GAUSSIAN
from simulate.test_error.planes import plane_coordinates, tangent_planes
from tests.oracles.monte_carlo import square_root

EQUAL = np.array(GAUSSIAN)
"""Of noise that is equally strong in all images."""


def random_gram(m, d, seed):
    w = np.random.default_rng(seed).standard_normal((2 * m, d))
    gram = w @ w.T
    return gram / gram.diagonal().max()


def helping_half(m):
    return np.arange(2 * m) >= m


def noise_gain(values, helping):
    """h from the values ⟨a_r, z⟩, (..., 2m)."""
    active = np.maximum(values, 0.0)
    return active[..., helping].sum(axis=-1) - active[..., ~helping].sum(axis=-1)


def highest_by_enumeration(gram, helping):
    """Largest h on the sphere: for each set of active helping rows the inner problem is a small least squares."""
    root, best = square_root(gram), 0.0
    for active in itertools.product([0.0, 1.0], repeat=int(helping.sum())):
        centre = root[helping].T @ np.array(active)
        hindrance = lsq_linear(root[~helping].T, centre, bounds=(0, 1), tol=1e-14).x
        z = centre - root[~helping].T @ hindrance
        if np.linalg.norm(z) > 1e-6:
            best = max(best, noise_gain(root @ z, helping) / np.linalg.norm(z))
    return best


def test_orthogonal_rows_point_along_the_sum_of_the_helping_ones():
    points, heights = find_design_points(np.eye(8), helping_half(4))
    assert points[0] == pytest.approx([0, 0, 0, 0, 1, 1, 1, 1])
    assert heights[0] == pytest.approx(4.0)


def test_a_hindering_row_is_stepped_around():
    # One helping row at 45 degrees to a hindering one: the best direction just leaves the hindering row inactive.
    gram = np.array([[1.0, np.sqrt(0.5)], [np.sqrt(0.5), 1.0]])
    points, heights = find_design_points(gram, np.array([False, True]))
    assert points[0] == pytest.approx([-np.sqrt(0.5), 1.0])
    assert heights[0] == pytest.approx(0.5)
    assert (gram @ points[0])[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("m", "d"), [(1, 5), (2, 2), (3, 40), (4, 6), (6, 12), (6, 200)])
def test_points_are_stationary_and_ranked(m, d):
    for seed in range(5):
        gram, helping = random_gram(m, d, seed), helping_half(m)
        points, heights = find_design_points(gram, helping)
        values = points @ gram
        assert (np.diff(heights) <= 0).all()
        assert heights == pytest.approx(noise_gain(values, helping), rel=1e-6)
        assert heights == pytest.approx((points * values).sum(axis=1), rel=1e-12)
        assert (points[:, helping] == (values[:, helping] > 0)).all()
        assert (points[:, ~helping] <= 0).all()
        assert (points[:, ~helping] >= -1).all()
        idle, full = points[:, ~helping] == 0, points[:, ~helping] == -1
        assert (values[:, ~helping][idle] <= 1e-7).all()
        assert (values[:, ~helping][full] >= -1e-7).all()
        assert np.abs(values[:, ~helping][~idle & ~full]).max(initial=0.0) < 1e-6


@pytest.mark.parametrize(("m", "d", "missed"), [(1, 3, 0), (2, 3, 0), (5, 10, 1), (5, 30, 0), (5, 2000, 0)])
def test_the_highest_point_is_found(m, d, missed):
    helping = helping_half(m)
    ratios = []
    for seed in range(8):
        gram = random_gram(m, d, seed)
        _, heights = find_design_points(gram, helping)
        ratios.append(np.sqrt(heights[0]) / highest_by_enumeration(gram, helping))
    assert np.sum(np.array(ratios) < 0.999) <= missed
    assert min(ratios) > 0.95


def test_where_nothing_helps_there_is_no_point():
    gram = np.diag([1.0, 1.0, 0.0, 0.0])
    points, heights = find_design_points(gram, helping_half(2))
    assert points.shape == (0, 4)
    assert heights.shape == (0,)
    same = np.ones((2, 2))
    assert len(find_design_points(same, helping_half(1))[1]) == 0


def test_distinct_maxima_get_planes_of_their_own():
    # Two helping rows more than 120 degrees apart, far from their kinks at this radius.
    gram = np.eye(4)
    gram[2, 3] = gram[3, 2] = -0.6
    points, heights = find_design_points(gram, helping_half(2))
    planes = tangent_planes(gram, helping_half(2), 20.0, EQUAL, 1, points, heights)
    assert heights[:2] == pytest.approx([1.0, 1.0])
    assert len(planes) == 2
    assert np.argmax(planes[0].dual) != np.argmax(planes[1].dual)


@pytest.mark.parametrize(("m", "d", "patches"), [(3, 2, 1), (3, 20, 2), (5, 500, 3)])
def test_plane_geometry(m, d, patches):
    gram, helping = random_gram(m, d, 7), helping_half(m)
    points, heights = find_design_points(gram, helping)
    plane = tangent_planes(gram, helping, 9.0 * np.sqrt(patches * heights[0]), EQUAL, patches, points, heights)[0]
    assert plane.radius == pytest.approx(9.0 + 1 / 9, rel=1e-2)
    in_order = gram[np.ix_(plane.order, plane.order)]
    assert plane.dual @ gram @ plane.dual == pytest.approx(1.0)
    assert plane.along == pytest.approx((gram @ plane.dual)[plane.order])
    assert plane.factor @ plane.factor.T + np.outer(plane.along, plane.along) == pytest.approx(in_order, abs=1e-9)
    assert not plane.factor[:, plane.spare].any()
    assert np.array_equal(np.triu(plane.factor, 1), np.zeros_like(gram))

    y = np.random.default_rng(0).standard_normal((patches, 2 * m, 6))
    y[:, np.diag(plane.factor) == 0.0] = 0.0
    y[:, plane.spare] = 0.5
    values, back = np.empty_like(y), np.empty_like(y)
    values[:, plane.order] = plane.along[:, None] * y[:, [plane.spare]] + plane.factor @ y
    plane_coordinates(plane, values, back)
    assert back == pytest.approx(y, abs=1e-6)


def test_tilts_are_what_the_gain_differs_from_its_tangent():
    gram, helping = random_gram(4, 30, 3), helping_half(4)
    points, heights = find_design_points(gram, helping)
    plane = tangent_planes(gram, helping, 3.0, EQUAL, 1, points, heights)[0]
    root, rng = square_root(gram), np.random.default_rng(1)
    e = root.T @ plane.dual
    w = rng.standard_normal((20, 8))
    w -= np.outer(w @ e, e)
    values = (plane.radius * e + w) @ root.T
    tilts = np.where(values < 0, plane.left[np.argsort(plane.order)], plane.right[np.argsort(plane.order)]) * values
    gained = noise_gain(values, helping) - plane.radius * np.sqrt(heights[0])
    assert tilts.sum(axis=1) == pytest.approx(plane.radius / np.sqrt(heights[0]) * gained)
