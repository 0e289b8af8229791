"""Accuracy and loss, by counting."""

import math

import numpy as np
import pytest

from deepnet.metrics.accuracy import Score, score
from deepnet.metrics.outputs import Outputs
from tests.deepnet.metrics.examples import random_outputs


def test_score_by_hand() -> None:
    logits = np.log(np.array([[3.0, 1.0], [3.0, 1.0], [1.0, 1.0]])).astype(np.float32)
    found = score(Outputs(logits, np.array([0, 1, 1]), np.ones((3, 1), dtype=np.float32)))
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.loss == pytest.approx((math.log(4 / 3) + math.log(4) + math.log(2)) / 3, rel=1e-6)
    assert found.n == 3


def test_score_of_the_whole_is_the_weighted_mean() -> None:
    outputs = random_outputs(30)
    mask = np.arange(30) < 12
    parts = [score(outputs.subset(mask)), score(outputs.subset(~mask))]
    assert [part.n for part in parts] == [12, 18]
    for name in ("accuracy", "loss"):
        mean = sum(part.n * getattr(part, name) for part in parts) / 30
        assert getattr(score(outputs), name) == pytest.approx(mean)


@pytest.mark.parametrize(
    ("change", "name"), [({"accuracy": 1.2}, "accuracy"), ({"loss": math.nan}, "loss"), ({"n": 0}, "n")]
)
def test_scores_are_validated(change: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        Score(**{"accuracy": 0.5, "loss": 1.0, "n": 3} | change)
