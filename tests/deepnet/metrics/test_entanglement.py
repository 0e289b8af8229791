"""Entanglement against hand-made geometry, closed forms and an independent solver."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance as wasserstein_on_the_line

from deepnet.metrics.entanglement import (
    Entanglement,
    measure_entanglement,
    normalise_variance,
    variance_entanglement,
    wasserstein_distance,
    wasserstein_entanglement,
)
from deepnet.metrics.outputs import Outputs

EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


def outputs(features: np.ndarray, labels: np.ndarray | None = None) -> Outputs:
    labels = np.zeros(len(features), dtype=np.int64) if labels is None else labels
    return Outputs(np.zeros((len(features), 5), dtype=np.float32), labels, np.asarray(features, dtype=np.float32))


def points(n: int, dimension: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dimension))


def test_variance_by_hand() -> None:
    # R = {e1, e2}: mean (½, ½), variance ½. F = {-e1}: variance 0. Mean of all (0, ⅓).
    # ‖μ_R - μ‖² = ¼ + 1/36 = 10/36, ‖μ_F - μ‖² = 1 + 1/9 = 40/36, so half the sum is 25/36.
    found = variance_entanglement(np.array([EAST, NORTH]), np.array([WEST]))
    assert found == pytest.approx(0.5 / (25 / 36))


def test_variance_looks_at_directions_only() -> None:
    retain, forget = points(20), points(9, seed=1)
    lengths = np.random.default_rng(2).uniform(0.1, 10.0, size=(20, 1))
    assert variance_entanglement(lengths * retain, 5 * forget) == pytest.approx(variance_entanglement(retain, forget))


def test_variance_is_infinite_where_means_agree() -> None:
    cloud = points(500, 40)
    assert variance_entanglement(cloud, cloud) == math.inf
    assert variance_entanglement(cloud, np.concatenate([cloud[::-1], cloud])) == math.inf  # up to rounding
    assert variance_entanglement(np.array([EAST, WEST]), np.array([NORTH, (0.0, -1.0)])) == math.inf
    assert variance_entanglement(np.array([EAST]), np.array([EAST])) == math.inf
    nearby = np.concatenate([cloud[:-1], cloud[-1:] + 1e-6])
    assert 1e9 < variance_entanglement(cloud, nearby) < math.inf


def test_variance_of_apart_points_is_zero() -> None:
    assert variance_entanglement(np.array([EAST, EAST]), np.array([NORTH])) == 0.0


@pytest.mark.parametrize(
    ("value", "normalised"), [(0.0, 0.0), (650.0, 0.5), (1300.0, 1.0), (1e6, 1.0), (math.inf, 1.0)]
)
def test_variance_normalised(value: float, normalised: float) -> None:
    assert normalise_variance(value) == normalised
    assert math.isnan(normalise_variance(math.nan))


@pytest.mark.parametrize("p", [1, 2])
def test_wasserstein_of_a_shift(p: int) -> None:
    cloud = points(40)
    shift = np.array([3.0, -4.0, 12.0])
    assert wasserstein_distance(cloud, cloud + shift, p=p) == pytest.approx(13.0)
    assert wasserstein_distance(cloud, cloud[::-1], p=p) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("p", [1, 2])
def test_wasserstein_by_assignment(p: int) -> None:
    first, second = points(60, 5), points(60, 5, seed=1)
    cost = np.linalg.norm(first[:, None] - second[None], axis=2) ** p
    best = cost[linear_sum_assignment(cost)].mean() ** (1 / p)
    assert wasserstein_distance(first, second, p=p) == pytest.approx(best)
    assert wasserstein_distance(first, second, p=1) < wasserstein_distance(first, second, p=2)


def test_wasserstein_of_unequal_sizes_on_the_line() -> None:
    first, second = points(31, 1), points(50, 1, seed=1)
    assert wasserstein_distance(first, second) == pytest.approx(wasserstein_on_the_line(first[:, 0], second[:, 0]))


def test_an_unfinished_transport_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepnet.metrics.entanglement.MAX_PIVOTS", 1)
    with pytest.raises(RuntimeError, match="Optimal transport of 50 to 40 points failed"):
        wasserstein_distance(points(50), points(40, seed=1))


@pytest.mark.parametrize("scale", ["diameter", "own maximum"])
@pytest.mark.parametrize("p", [1, 2])
def test_wasserstein_entanglement_extremes(scale: str, p: int) -> None:
    here, there = np.array([EAST, EAST]), np.array([WEST])
    assert wasserstein_entanglement(here, there, p=p, scale=scale) == pytest.approx(0.0)
    assert wasserstein_entanglement(here, 7 * here, p=p, scale=scale) == 1.0


def test_only_the_fixed_scale_compares_models() -> None:
    here, near, far = np.array([EAST]), np.array([(1.0, 0.1)]), np.array([NORTH])
    values = [wasserstein_entanglement(here, other) for other in (near, far)]
    assert values == pytest.approx([1 - math.sqrt(2 - 2 / math.sqrt(1.01)) / 2, 1 - math.sqrt(0.5)])
    own = [wasserstein_entanglement(here, other, scale="own maximum") for other in (near, far)]
    assert own == pytest.approx([0.0, 0.0])


def test_own_maximum_by_definition() -> None:
    retain, forget = points(12), points(12, seed=1)
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (retain, forget)]
    cost = np.linalg.norm(unit[0][:, None] - unit[1][None], axis=2)
    cost /= cost.max()
    best = 1 - cost[linear_sum_assignment(cost)].mean()
    assert wasserstein_entanglement(retain, forget, scale="own maximum") == pytest.approx(best)


def test_dead_features_stay_at_the_origin() -> None:
    dead = np.zeros((3, 2))
    assert wasserstein_entanglement(dead, np.array([EAST])) == pytest.approx(0.5)
    assert variance_entanglement(dead, np.array([EAST])) == 0.0


def classes() -> tuple[Outputs, Outputs]:
    """Class 0 on both sides, class 1 with one forget sample, class 2 and 3 on one side only."""
    retain = outputs(points(40), np.repeat([0, 1, 2], [20, 15, 5]))
    forget = outputs(points(12, seed=1), np.repeat([0, 1, 3], [9, 1, 2]))
    return retain, forget


def test_classes_are_weighted_by_their_size() -> None:
    retain, forget = classes()
    found = measure_entanglement(retain=retain, forget=forget)
    within = [
        variance_entanglement(retain.features[retain.labels == k], forget.features[forget.labels == k]) for k in (0, 1)
    ]
    assert found.variance_by_class == pytest.approx((29 * within[0] + 16 * within[1]) / 45)
    assert found.variance_by_class_normalised == pytest.approx(found.variance_by_class / 1300)
    assert found.wasserstein_by_class == pytest.approx(
        wasserstein_entanglement(retain.features[:20], forget.features[:9])
    )
    assert (found.n_classes, found.n_classes_wasserstein) == (2, 1)
    assert found.variance == pytest.approx(variance_entanglement(retain.features, forget.features))
    assert found.variance_normalised == pytest.approx(found.variance / 1300)
    assert found.wasserstein == pytest.approx(wasserstein_entanglement(retain.features, forget.features))


def test_a_forgotten_class_has_no_value_by_class() -> None:
    found = measure_entanglement(retain=outputs(points(9)), forget=outputs(points(5), np.full(5, 1)))
    assert math.isnan(found.variance_by_class)
    assert math.isnan(found.variance_by_class_normalised)
    assert math.isnan(found.wasserstein_by_class)
    assert (found.n_classes, found.n_classes_wasserstein) == (0, 0)
    assert 0.0 < found.wasserstein < 1.0


def test_one_entangled_class_is_infinite() -> None:
    retain = outputs(points(40), np.repeat([0, 1], 20))
    forget = retain.subset(retain.labels == 1)
    found = measure_entanglement(retain=retain, forget=forget)
    assert (found.variance_by_class, found.variance_by_class_normalised) == (math.inf, 1.0)
    assert found.wasserstein_by_class == pytest.approx(1.0)


def test_large_sets_are_thinned_by_a_seed() -> None:
    retain, forget = outputs(points(300)), outputs(points(50, seed=1))
    whole = measure_entanglement(retain=retain, forget=forget)
    one, again, other = (
        measure_entanglement(retain=retain, forget=forget, max_samples=60, seed=seed) for seed in (0, 0, 1)
    )
    assert one == again
    assert one.wasserstein != other.wasserstein
    swapped = [measure_entanglement(retain=forget, forget=retain, max_samples=60, seed=seed) for seed in (0, 1)]
    assert swapped[0].wasserstein != swapped[1].wasserstein
    assert one.wasserstein == pytest.approx(whole.wasserstein, abs=0.1)
    assert dataclasses.replace(one, wasserstein=0.0, wasserstein_by_class=0.0) == dataclasses.replace(
        whole, wasserstein=0.0, wasserstein_by_class=0.0
    )


def test_order_and_scale_are_passed_on() -> None:
    retain, forget = classes()
    by_default, second, own = (
        measure_entanglement(retain=retain, forget=forget, **options)
        for options in ({}, {"p": 2}, {"scale": "own maximum"})
    )
    assert second.wasserstein < by_default.wasserstein
    assert own.wasserstein == pytest.approx(
        wasserstein_entanglement(retain.features, forget.features, scale="own maximum")
    )


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"p": 3}, "p"),
        ({"p": 0}, "p"),
        ({"scale": "none"}, "scale"),
        ({"max_samples": 1}, "max_samples"),
        ({"forget": outputs(points(4, 7))}, "forget"),
        ({"seed": -1}, "seed"),
    ],
)
def test_measure_refuses(options: dict[str, object], name: str) -> None:
    retain, forget = classes()
    with pytest.raises(ValueError, match=f"`{name}`"):
        measure_entanglement(**{"retain": retain, "forget": forget} | options)


@pytest.mark.parametrize(
    ("retain", "forget", "name"),
    [
        (points(0), points(3), "retain"),
        (points(3), points(3) * np.nan, "forget"),
        (points(3), points(3, 2), "forget"),
        (points(3)[0], points(3), "retain"),
    ],
)
def test_features_are_checked(retain: np.ndarray, forget: np.ndarray, name: str) -> None:
    for measure in (variance_entanglement, wasserstein_entanglement):
        with pytest.raises(ValueError, match=f"`{name}`"):
            measure(retain, forget)


def test_arguments_are_left_alone() -> None:
    retain, forget = points(6), points(4, seed=1)
    copies = retain.copy(), forget.copy()
    variance_entanglement(retain, forget)
    wasserstein_entanglement(retain, forget)
    np.testing.assert_array_equal(retain, copies[0])
    np.testing.assert_array_equal(forget, copies[1])


def test_result_is_of_plain_numbers() -> None:
    retain, forget = classes()
    found = dataclasses.asdict(measure_entanglement(retain=retain, forget=forget))
    assert {type(value) for value in found.values()} == {float, int}
    assert set(found) == {field.name for field in dataclasses.fields(Entanglement)}
