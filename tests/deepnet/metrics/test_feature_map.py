"""One plane for both models."""

import numpy as np
import pytest

from deepnet.metrics.feature_map import FeatureMap, feature_map
from deepnet.metrics.outputs import Outputs
from tests.deepnet.metrics.examples import random_outputs


def models(n: int = 24) -> tuple[Outputs, Outputs, np.ndarray]:
    """Two classes far apart; unlearning moves the forgotten half of class 1 to class 0."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], n // 2)
    forgotten = np.arange(n) >= 3 * n // 4
    centre = 30.0 * np.eye(5)
    noise = rng.normal(size=(2, n, 5))
    logits = np.zeros((n, 2), dtype=np.float32)
    before = Outputs(logits, labels, (centre[labels] + noise[0]).astype(np.float32))
    after = Outputs(logits, labels, (centre[np.where(forgotten, 0, labels)] + noise[1]).astype(np.float32))
    return before, after, forgotten


def check_clusters(found: FeatureMap, forgotten: np.ndarray) -> None:
    """The map has the two clusters, and the forgotten samples have changed theirs."""
    centres = np.stack([found.before[found.labels == k].mean(axis=0) for k in (0, 1)])

    def nearest(points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points[:, None] - centres[None], axis=2).argmin(axis=1)

    np.testing.assert_array_equal(nearest(found.before), found.labels)
    np.testing.assert_array_equal(nearest(found.after), np.where(forgotten, 0, found.labels))


def test_principal_components() -> None:
    before, after, forgotten = models()
    found = feature_map(before=before, after=after, forgotten=forgotten, method="pca")
    assert found.before.shape == found.after.shape == (24, 2)
    np.testing.assert_array_equal(found.forgotten, forgotten)
    check_clusters(found, forgotten)
    # By the singular value decomposition of all points about their common mean:
    points = np.concatenate([before.features, after.features]).astype(float)
    points -= points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    plane = np.concatenate([found.before, found.after])
    np.testing.assert_allclose(np.abs(plane), np.abs(points @ axes[:2].T), atol=1e-9)


@pytest.mark.slow  # compiles for ten seconds
def test_umap() -> None:
    before, after, forgotten = models()
    options = {"before": before, "after": after, "forgotten": forgotten, "n_neighbors": 8}
    found, again = feature_map(**options), feature_map(**options)
    check_clusters(found, forgotten)
    np.testing.assert_array_equal(found.before, again.before)
    np.testing.assert_array_equal(found.after, again.after)
    other = feature_map(**options, seed=1)
    assert not np.array_equal(found.before, other.before)


def test_refusals() -> None:
    before, after, forgotten = models()
    good = {"before": before, "after": after, "forgotten": forgotten}
    narrow = Outputs(before.logits, before.labels, before.features[:, :1])
    for change, message in [
        ({"method": "tsne"}, "`method`"),
        ({"after": random_outputs(24, p=5)}, "`after` must be of the same samples"),
        ({"after": after.take(np.arange(20))}, "`after.features`"),
        ({"forgotten": forgotten[:5]}, "`forgotten`"),
        ({"forgotten": forgotten.astype(int)}, "`forgotten`"),
        ({"n_neighbors": 48}, "`n_neighbors` must be less than the number of points"),
        ({"n_neighbors": 1}, "`n_neighbors`"),
        ({"min_dist": -0.1}, "`min_dist`"),
        ({"seed": -1}, "`seed`"),
        ({"before": narrow, "after": narrow, "method": "pca"}, "at least two columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            feature_map(**good | change)


def test_maps_are_checked() -> None:
    plane, labels, forgotten = np.zeros((3, 2)), np.zeros(3, dtype=int), np.zeros(3, dtype=bool)
    with pytest.raises(ValueError, match="`after`"):
        FeatureMap(before=plane, after=plane[:2], labels=labels, forgotten=forgotten)
    with pytest.raises(ValueError, match="`before`"):
        FeatureMap(before=plane * np.nan, after=plane, labels=labels, forgotten=forgotten)
