"""The digits of scikit-learn, and subsets of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deepnet.data.augment import NO_AUGMENTATION
from deepnet.data.datasets import DataConfig, load


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    dataset = load(DataConfig())
    assert (len(dataset.train), len(dataset.test), dataset.n_classes) == (1438, 359, 10)
    assert dataset.train.shape == (1, 8, 8)
    assert dataset.train.augment == NO_AUGMENTATION
    found = [
        (tuple(p.flatten().tolist()), int(y))
        for part in (dataset.train, dataset.test)
        for p, y in zip(part.pixels, part.labels, strict=True)
    ]
    expected = [(tuple(np.rint(row * 255 / 16).astype(int)), int(y)) for row, y in zip(images, labels, strict=True)]
    assert sorted(found) == sorted(expected)
    share = np.bincount(dataset.test.labels) / np.bincount(labels)
    assert np.abs(share - 0.2).max() < 0.01


def test_measured_statistics_are_those_of_the_pixels() -> None:
    dataset = load(DataConfig(subset=100))
    pixels = dataset.train.pixels.double() / 255
    np.testing.assert_allclose(dataset.mean, [pixels.mean()], rtol=1e-12)
    np.testing.assert_allclose(dataset.std, [pixels.std(correction=0)], rtol=1e-12)


def test_subsets_are_balanced_and_nested() -> None:
    rows = [load(DataConfig(subset=n, test_subset=30)).source.rows for n in (33, 200, 1438)]
    labels = load(DataConfig()).train.labels
    assert [len(r) for r in rows] == [33, 200, 1438]
    assert set(rows[0].tolist()) < set(rows[1].tolist()) < set(rows[2].tolist())
    assert sorted(torch.bincount(labels[rows[0]]).tolist()) == [3] * 7 + [4] * 3
    assert torch.bincount(labels[rows[1]]).tolist() == [20] * 10
    small = load(DataConfig(subset=33, test_subset=30))
    assert torch.equal(small.train.pixels, load(DataConfig()).train.pixels[rows[0]])
    assert torch.bincount(small.test.labels).tolist() == [3] * 10


@pytest.mark.parametrize("name", ["subset", "test_subset"])
def test_subsets_are_not_larger_than_the_set(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at most"):
        load(DataConfig(**{name: 10_000}))


def test_scores_follow_a_subset(tmp_path: Path) -> None:
    np.save(tmp_path / "scores.npy", np.arange(1438.0))
    dataset = load(DataConfig(subset=50))
    np.testing.assert_array_equal(dataset.scores(str(tmp_path / "scores.npy")), dataset.source.rows.numpy())
