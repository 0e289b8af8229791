"""How alike two models are, against sums by hand and SciPy."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from deepnet.metrics.agreement import Agreement, agreement, layer_distances, zero_retrain_score
from deepnet.metrics.outputs import Outputs
from tests.deepnet.metrics.examples import random_outputs


def says(logits: list[list[float]], labels: list[int] | None = None) -> Outputs:
    found = np.array(logits, dtype=np.float32)
    labels = labels or [0] * len(found)
    return Outputs(found, np.array(labels), np.zeros((len(found), 1), dtype=np.float32))


def test_against_scipy_and_plain_sums() -> None:
    one, other = (random_outputs(40, n_classes=5, seed=seed) for seed in (0, 1))
    other = Outputs(other.logits, one.labels, other.features)
    p, q = (softmax(each.logits.astype(np.float64), axis=1) for each in (one, other))
    found = agreement(one, other)
    assert found.js_divergence == pytest.approx(np.mean(jensenshannon(p, q, axis=1) ** 2), rel=1e-10)
    assert found.activation_distance == pytest.approx(math.sqrt(sum(((p - q) ** 2).ravel()) / 40))
    assert found.completeness == np.mean(p.argmax(1) == q.argmax(1))
    assert zero_retrain_score(one, other) == pytest.approx(1 - found.js_divergence / math.log(2))
    assert agreement(other, one).js_divergence == pytest.approx(found.js_divergence, rel=1e-12)


def test_a_model_is_like_itself() -> None:
    one = random_outputs(10, n_classes=3)
    found = agreement(one, one)
    assert found == Agreement(js_divergence=found.js_divergence, activation_distance=0.0, completeness=1.0)
    assert 0.0 <= found.js_divergence < 1e-16
    assert zero_retrain_score(one, one) == 1.0


def test_models_that_are_sure_of_other_classes_are_as_far_apart_as_can_be() -> None:
    found = agreement(says([[1e4, 0.0]]), says([[0.0, 1e4]]))
    assert found.js_divergence == pytest.approx(math.log(2))
    assert found.activation_distance == pytest.approx(math.sqrt(2))
    assert found.completeness == 0.0
    assert zero_retrain_score(says([[1e4, 0.0]]), says([[0.0, 1e4]])) == 0.0


def test_completeness_asks_nothing_of_the_labels() -> None:
    one, other = (
        says([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]], [1, 1, 1]),
        says([[9.0, 1.0], [1.0, 0.0], [1.0, 0.0]], [1, 1, 1]),
    )
    assert agreement(one, other).completeness == pytest.approx(2 / 3)


def test_other_samples_or_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="same samples"):
        agreement(says([[1.0, 0.0]], [0]), says([[1.0, 0.0]], [1]))
    with pytest.raises(ValueError, match="2 and 3"):
        agreement(says([[1.0, 0.0]]), says([[1.0, 0.0, 0.0]]))


def test_layers_are_as_far_apart_as_their_weights() -> None:
    one = {"a": torch.tensor([3.0, 0.0]), "b": torch.ones(2, 2), "steps": torch.tensor(4)}
    other = {"a": torch.tensor([0.0, 4.0]), "b": torch.ones(2, 2), "steps": torch.tensor(1)}
    assert layer_distances(one, other) == {"a": 5.0, "b": 0.0, "steps": 3.0}
    with pytest.raises(ValueError, match=r"at b None is not \(2, 2\)"):
        layer_distances(one, {"a": other["a"]})
    with pytest.raises(ValueError, match="at more"):
        layer_distances({"a": other["a"]}, {"a": other["a"], "more": other["a"]})
