"""Attacks find what is there, and nothing where there is nothing."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import SVC

from deepnet.metrics.attacks import logistic_attack, svc_efficacy, threshold_attack
from deepnet.metrics.membership import Membership, Shadow, gap, membership_inference, shadow_sets
from deepnet.metrics.outputs import Outputs, confidence, m_entropy, m_entropy_official
from tests.deepnet.metrics.examples import random_outputs, with_margin

scores = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=30).map(np.array)


def auc_by_pairs(members: np.ndarray, others: np.ndarray) -> float:
    """Mann and Whitney: the fraction of pairs that are in the right order, ties counting half."""
    wins = [(m > o) + 0.5 * (m == o) for m, o in itertools.product(members, others)]
    return sum(wins) / len(wins)


def rate_by_scan(members: np.ndarray, others: np.ndarray, allowed: float) -> float:
    """The best threshold among all that matter."""
    thresholds = [*members, *others, math.inf]
    return max(np.mean(members >= t) for t in thresholds if np.mean(others >= t) <= allowed)


@given(scores, scores, st.sampled_from([0.01, 0.1, 0.5]))
def test_threshold_attack_by_brute_force(members: np.ndarray, others: np.ndarray, allowed: float) -> None:
    found = threshold_attack(members, others, max_false_positive_rate=allowed)
    assert found.auc == pytest.approx(auc_by_pairs(members, others))
    assert found.true_positive_rate == pytest.approx(rate_by_scan(members, others, allowed))


def test_threshold_attack_at_one_percent() -> None:
    rng = np.random.default_rng(0)
    members, others = rng.normal(1.0, size=700), rng.normal(size=700)
    found = threshold_attack(members, others)
    assert found.true_positive_rate == rate_by_scan(members, others, 7 / 700)
    assert found.true_positive_rate > rate_by_scan(members, others, 6 / 700)
    truth = np.repeat([1, 0], 700)
    assert found.auc == pytest.approx(roc_auc_score(truth, np.concatenate([members, others])))


def test_threshold_attack_extremes() -> None:
    low, high = np.arange(5.0), np.arange(5.0, 10.0)
    assert dataclasses.astuple(threshold_attack(high, low)) == (1.0, 1.0)
    assert dataclasses.astuple(threshold_attack(low, high)) == (0.0, 0.0)
    assert dataclasses.astuple(threshold_attack(low * 0, high * 0)) == (0.5, 0.0)


def test_svc_efficacy_where_members_are_apart() -> None:
    members, others = np.linspace(0.9, 1.0, 40), np.linspace(0.0, 0.1, 40)
    assert svc_efficacy(members, others, np.linspace(0.92, 0.99, 17)) == 0.0
    assert svc_efficacy(members, others, np.linspace(0.02, 0.09, 17)) == 1.0
    assert svc_efficacy(members, others, np.array([0.95, 0.05, 0.02, 0.01])) == 0.75
    assert svc_efficacy(members[:, None], others[:, None], others[:, None]) == 1.0


def test_svc_efficacy_by_its_kernel() -> None:
    rng = np.random.default_rng(0)
    members, others, target = (rng.normal(mean, 1.0, size=(80, 3)) for mean in (0.0, 0.6, 0.3))
    learned = np.concatenate([members, others])

    def kernel(points: np.ndarray) -> np.ndarray:
        squares = ((points[:, None] - learned[None]) ** 2).sum(axis=2)
        return np.exp(-squares / 3)

    twins = {C: SVC(C=C, kernel="precomputed").fit(kernel(learned), np.repeat([1, 0], 80)) for C in (1, 3)}
    expected = {C: 1.0 - twin.predict(kernel(target)).mean() for C, twin in twins.items()}
    assert svc_efficacy(members, others, target) == expected[3] != expected[1]


def test_svc_efficacy_of_the_many_is_that_of_the_majority() -> None:
    points = np.linspace(0.0, 1.0, 30)
    assert svc_efficacy(np.tile(points, 3), points, points) == 0.0
    assert svc_efficacy(points, np.tile(points, 3), points) == 1.0


def test_svc_efficacy_without_a_difference_is_about_half() -> None:
    rng = np.random.default_rng(0)
    found = [svc_efficacy(*rng.normal(size=(3, 300, 2))) for _ in range(8)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_logistic_attack_finds_what_is_there() -> None:
    rng = np.random.default_rng(0)
    members, others = rng.exponential(0.1, size=300), rng.exponential(3.0, size=200)
    model = LogisticRegression().fit(np.concatenate([members, others])[:, None], np.repeat([1, 0], [300, 200]))
    cut = float(-model.intercept_[0] / model.coef_[0, 0])
    expected = 0.5 * (1 - math.exp(-cut / 0.1)) + 0.5 * math.exp(-cut / 3.0)
    found = logistic_attack(members, others, splits=30)
    assert found.accuracy == pytest.approx(expected, abs=0.06)
    assert 0.0 < found.spread < 0.15


def test_logistic_attack_is_balanced_and_reproducible() -> None:
    rng = np.random.default_rng(1)
    members, others = rng.exponential(size=1500), rng.exponential(size=150)
    found = logistic_attack(members, others, seed=3)
    assert found.accuracy == pytest.approx(0.5, abs=0.12)  # unbalanced, it would be 10/11
    assert found == logistic_attack(members, others, seed=3)
    assert found != logistic_attack(members, others, seed=4)
    assert dataclasses.astuple(logistic_attack(np.zeros(50), np.full(50, 1e6))) == (1.0, 0.0)


def test_only_the_threshold_sees_small_losses() -> None:
    members, others = np.linspace(1e-6, 2e-6, 50), np.linspace(3e-5, 6e-5, 50)
    assert logistic_attack(members, others).accuracy == 0.5
    assert threshold_attack(-members, -others).auc == 1.0


@pytest.mark.parametrize(
    ("attack", "name"),
    [
        (lambda: threshold_attack(np.array([]), np.ones(3)), "members"),
        (lambda: threshold_attack(np.ones(3), np.array([1.0, np.nan])), "others"),
        (lambda: threshold_attack(np.ones((3, 2)), np.ones(3)), "members"),
        (lambda: threshold_attack(np.ones(3), np.ones(3), max_false_positive_rate=1.5), "max_false_positive_rate"),
        (lambda: svc_efficacy(np.ones((3, 2)), np.ones(3), np.ones((3, 2))), "others"),
        (lambda: svc_efficacy(np.ones(3), np.ones(3), np.array([])), "target"),
        (lambda: logistic_attack(np.ones(9), np.ones(20)), "members"),
        (lambda: logistic_attack(np.ones(20), np.ones(20), splits=1), "splits"),
    ],
)
def test_attacks_refuse(attack, name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        attack()


def test_first_shadows_are_the_first_rows() -> None:
    retain, test = random_outputs(50, seed=1), random_outputs(30, seed=2)
    members, others = shadow_sets(retain, test, shadow="first")
    np.testing.assert_array_equal(members.logits, retain.logits[:30])
    np.testing.assert_array_equal(others.logits, test.logits)


@pytest.mark.parametrize("shadow", ["first", "random"])
def test_both_sides_are_of_one_size(shadow: Shadow) -> None:
    retain, test = random_outputs(50, seed=1), random_outputs(30, seed=2)
    assert [len(side) for side in shadow_sets(test, retain, shadow=shadow)] == [30, 30]
    assert [len(side) for side in shadow_sets(retain, test, shadow=shadow, size=8)] == [8, 8]
    assert [len(side) for side in shadow_sets(retain, test, shadow=shadow, size=80)] == [30, 30]


def test_random_shadows_are_other_rows_for_every_draw_and_seed() -> None:
    retain, test = random_outputs(50, seed=1), random_outputs(40, seed=2)
    met = [shadow_sets(retain, test, size=20, seed=seed, draw=draw) for seed, draw in ((0, 0), (0, 1), (1, 0), (0, 0))]
    for side, whole in enumerate((retain, test)):
        rows = [[int(np.flatnonzero((whole.logits == z).all(1))[0]) for z in each[side].logits] for each in met]
        assert all(one == sorted(set(one)) for one in rows)
        assert rows[0] == rows[3]
        assert len({tuple(one) for one in rows}) == 3
    with pytest.raises(ValueError, match="`draw`"):
        shadow_sets(retain, test, draw=-1)


def test_balanced_shadows_have_the_same_classes() -> None:
    retain, test = random_outputs(90, seed=1), random_outputs(60, seed=2)
    retain = retain.subset(retain.labels != 3)  # a class that was forgotten as a whole
    for size in (None, 30):
        members, others = shadow_sets(retain, test, shadow="balanced", size=size, seed=5)
        np.testing.assert_array_equal(np.bincount(members.labels), np.bincount(others.labels))
        assert set(members.labels) == {0, 1, 2}
        rows = [np.flatnonzero((retain.logits == z).all(axis=1))[0] for z in members.logits]
        assert rows == sorted(set(rows))
    assert np.bincount(members.labels).tolist() == [10, 10, 10]
    again = shadow_sets(retain, test, shadow="balanced", size=30, seed=6)[0]
    assert not np.array_equal(again.logits, members.logits)


@pytest.mark.parametrize(
    ("options", "name"),
    [({"shadow": "last"}, "shadow"), ({"size": 0}, "size"), ({"shadow": "balanced", "size": 2}, "size")],
)
def test_shadows_refuse(options: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        shadow_sets(random_outputs(50), random_outputs(50), **options)
    with pytest.raises(ValueError, match="`retain` must have 3 classes"):
        shadow_sets(random_outputs(50), random_outputs(50, n_classes=3))


def memorising(seed: int = 0) -> dict[str, Outputs]:
    """A model that is sure of its training data, retained and to be forgotten, and often wrong on the test set."""
    rng = np.random.default_rng(seed)
    means = {"retain": (9.0, 400), "forget": (9.0, 60), "test": (-3.0, 200)}
    return {name: with_margin(rng.normal(mean, 1.0, size=size)) for name, (mean, size) in means.items()}


def test_a_model_that_remembers() -> None:
    found = membership_inference(**memorising())
    assert (found.correctness, found.confidence, found.m_entropy, found.probabilities) == (0.0, 0.0, 0.0, 0.0)
    assert (found.auc, found.true_positive_rate, found.n_shadow) == (1.0, 1.0, 200)
    assert found.logistic_accuracy > 0.97


def test_a_model_that_never_saw_the_forget_set() -> None:
    outputs = memorising()
    outputs["forget"] = with_margin(np.random.default_rng(9).normal(-3.0, 1.0, size=60))
    found = membership_inference(**outputs, shadow_size=50)
    assert (found.confidence, found.m_entropy, found.n_shadow) == (1.0, 1.0, 50)
    assert found.correctness > 0.95  # a right guess looks like a member
    assert found.auc == pytest.approx(0.5, abs=0.15)
    assert found.logistic_accuracy == pytest.approx(0.5, abs=0.25)
    difference = gap(found, membership_inference(**memorising()))
    assert difference["confidence"] == 1.0
    assert difference["auc"] == found.auc - 1.0
    data = {"logistic_spread", "spread", "n_shadow", "n_sets"}
    assert set(difference) == {field.name for field in dataclasses.fields(Membership)} - data
    assert not any(gap(found, found).values())


def test_the_official_formula_is_a_switch() -> None:
    outputs = {name: random_outputs(60, seed=seed) for seed, name in enumerate(("retain", "forget", "test"))}
    by_definition = membership_inference(**outputs, shadow="first")
    official = membership_inference(**outputs, shadow="first", m_entropy_by="official")
    sides = [outputs[name] for name in ("retain", "test", "forget")]
    assert by_definition.m_entropy == svc_efficacy(*map(m_entropy, sides))
    assert official.m_entropy == svc_efficacy(*map(m_entropy_official, sides))
    assert official.m_entropy != by_definition.m_entropy
    assert dataclasses.replace(official, m_entropy=by_definition.m_entropy) == by_definition


def test_the_seed_reaches_every_draw() -> None:
    outputs = {name: random_outputs(90, scale=0.5, seed=seed) for seed, name in enumerate(("retain", "forget", "test"))}
    one, again, other = (
        membership_inference(**outputs, shadow="balanced", shadow_size=40, seed=seed) for seed in (0, 0, 1)
    )
    assert one == again
    assert one.logistic_accuracy != other.logistic_accuracy
    assert one.confidence != other.confidence
    assert (one.auc, one.true_positive_rate) == (other.auc, other.true_positive_rate)


def test_membership_inference_refuses() -> None:
    outputs = memorising()
    few = outputs["test"].take(np.arange(9))
    for name in ("forget", "test"):
        with pytest.raises(ValueError, match=f"`{name}` must hold at least 10"):
            membership_inference(**outputs | {name: few})
    with pytest.raises(ValueError, match="`forget` must have 2 classes"):
        membership_inference(**outputs | {"forget": random_outputs(20)})
    with pytest.raises(ValueError, match="`m_entropy_by`"):
        membership_inference(**outputs, m_entropy_by="upstream")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`draws`"):
        membership_inference(**outputs, draws=0)


def fixed_scores(seed: int) -> dict[str, Outputs]:
    """The same outputs of a model that is nearly always sure, their rows in another order for every seed."""
    rng, shuffle = np.random.default_rng(0), np.random.default_rng(seed)
    sides = {"retain": (6.0, 400), "forget": (5.5, 80), "test": (5.0, 300)}
    margins = {name: rng.normal(mean, 2.0, size) for name, (mean, size) in sides.items()}
    return {name: with_margin(shuffle.permutation(values)) for name, values in margins.items()}


def test_the_order_of_rows_moves_the_mean_within_its_spread() -> None:
    """The released protocol, one set of the first rows, gives anything between none and nearly all."""
    first = [membership_inference(**fixed_scores(seed), shadow="first", shadow_size=40) for seed in range(4)]
    assert np.ptp([found.confidence for found in first]) > 0.3
    assert {(found.n_sets, *found.spread) for found in first} == {(1,)}
    random = [membership_inference(**fixed_scores(seed), shadow_size=40) for seed in range(4)]
    assert {found.n_sets for found in random} == {10}
    for name in ("correctness", "confidence", "entropy", "m_entropy", "probabilities"):
        means, spreads = [getattr(found, name) for found in random], [found.spread[name] for found in random]
        assert np.ptp(means) <= min(spreads), name


def test_mean_and_spread_are_those_over_the_shadow_sets() -> None:
    outputs = fixed_scores(0)
    single = []
    for draw in range(3):
        members, others = shadow_sets(outputs["retain"], outputs["test"], size=40, seed=5, draw=draw)
        single.append(svc_efficacy(*map(confidence, (members, others, outputs["forget"]))))
    found = membership_inference(**outputs, shadow_size=40, draws=3, seed=5)
    assert len(set(single)) > 1
    assert found.confidence == pytest.approx(np.mean(single))
    assert found.spread["confidence"] == pytest.approx(np.std(single, ddof=1))


def test_the_logistic_attack_is_told_with_the_deviation_over_its_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepnet.metrics.attacks.cross_val_score", lambda *given, **how: np.array([0.4, 0.8]))
    found = logistic_attack(np.arange(12.0), np.arange(12.0))
    assert (found.accuracy, found.spread) == pytest.approx((0.6, 0.4 / np.sqrt(2)))
