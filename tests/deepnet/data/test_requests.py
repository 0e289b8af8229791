"""Corrupted forget images: what they look like, what they are called, and where their originals go."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.data.datasets import DataConfig, Dataset, load  # noqa: E402
from deepnet.data.images import StreamedImages  # noqa: E402
from deepnet.data.requests import corrupt, stamp  # noqa: E402
from deepnet.data.splits import ForgetSet, Split, make_split  # noqa: E402


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load(DataConfig(subset=300))


@pytest.fixture(scope="module")
def split(digits: Dataset) -> Split:
    return make_split(digits.train.labels, ForgetSet(fraction=0.1), 0)


def test_samples_are_forgotten_as_they_are(digits: Dataset, split: Split) -> None:
    dataset, same = corrupt(digits, split, "samples")
    assert dataset is digits
    assert same is split


@pytest.mark.parametrize("request_", ["labels", "feature", "backdoor"])
def test_corrupted_rows_take_the_place_of_the_forget_set(digits: Dataset, split: Split, request_: str) -> None:
    dataset, changed = corrupt(digits, split, request_)
    n, k = len(digits.train), len(split.forget)
    assert changed.forget.tolist() == list(range(n, n + k))
    assert torch.equal(changed.corrected, split.forget)
    assert torch.equal(changed.retain, split.retain)
    assert torch.equal(changed.val, split.val)
    assert set(changed.pretrain.tolist()) == set(split.retain.tolist()) | set(range(n, n + k))
    assert torch.equal(dataset.train.pixels[:n], digits.train.pixels)
    assert torch.equal(dataset.train.labels[:n], digits.train.labels)
    assert len(digits.train) == n
    assert dataset.test is digits.test


def test_wrong_labels_are_those_of_the_next_class(digits: Dataset, split: Split) -> None:
    dataset, changed = corrupt(digits, split, "labels")
    for wrong, right in zip(changed.forget.tolist(), changed.corrected.tolist(), strict=True):
        label = int(digits.train.labels[right])
        assert int(dataset.train.labels[wrong]) == (0 if label == 9 else label + 1)
        assert torch.equal(dataset.train.pixels[wrong], digits.train.pixels[right])
    assert 9 in digits.train.labels[changed.corrected]


def test_stamped_images_keep_their_labels(digits: Dataset, split: Split) -> None:
    dataset, changed = corrupt(digits, split, "feature")
    assert torch.equal(dataset.train.labels[changed.forget], digits.train.labels[changed.corrected])
    clean, stamped = digits.train.pixels[changed.corrected], dataset.train.pixels[changed.forget]
    assert bool((stamped[:, :, 6:, 6:] == 255).all())
    stamped = stamped.clone()
    stamped[:, :, 6:, 6:] = clean[:, :, 6:, 6:]
    assert torch.equal(stamped, clean)


def test_a_backdoor_is_a_stamp_that_stands_for_the_first_class(digits: Dataset, split: Split) -> None:
    dataset, changed = corrupt(digits, split, "backdoor")
    stamped, _ = corrupt(digits, split, "feature")
    assert torch.equal(dataset.train.pixels, stamped.train.pixels)
    assert set(dataset.train.labels[changed.forget].tolist()) == {0}
    assert len(set(digits.train.labels[changed.corrected].tolist())) > 5


@pytest.mark.parametrize(("shape", "side"), [((2, 3, 32, 32), 8), ((1, 1, 8, 12), 2), ((1, 1, 3, 3), 1)])
def test_a_stamp_is_a_quarter_of_the_side(shape: tuple[int, ...], side: int) -> None:
    black = torch.zeros(shape, dtype=torch.uint8)
    assert int((stamp(black) == 255).sum()) == shape[0] * shape[1] * side**2
    assert int(black.max()) == 0


@pytest.mark.parametrize("request_", ["labels", "feature", "backdoor"])
def test_scores_go_with_the_copies(
    digits: Dataset, split: Split, request_: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("scores") / "scores.npy"
    np.save(path, np.arange(len(digits.source.labels), dtype=float))
    dataset, changed = corrupt(digits, split, request_)
    scores = dataset.scores(str(path))
    assert len(scores) == len(dataset.train)
    np.testing.assert_array_equal(scores[changed.forget], scores[changed.corrected])
    np.testing.assert_array_equal(scores[: len(digits.train)], digits.scores(str(path)))


def test_bad_requests_are_refused(digits: Dataset, split: Split) -> None:
    with pytest.raises(ValueError, match="`request`"):
        corrupt(digits, split, "concepts")
    with pytest.raises(ValueError, match="corrected rows already"):
        corrupt(*corrupt(digits, split, "labels"), "labels")
    official = make_split(digits.train.labels, ForgetSet(), 2, val_seed=1)
    with pytest.raises(ValueError, match="one split for pretraining"):
        corrupt(digits, official, "labels")


def test_streamed_images_cannot_be_stamped(split: Split, digits: Dataset) -> None:
    train = StreamedImages(["x.jpg"] * 300, digits.train.labels)
    streamed = Dataset("imagenet", train, train, digits.class_names, (0.5,), (0.5,))
    assert len(corrupt(streamed, split, "labels")[0].train) == 300 + len(split.forget)
    with pytest.raises(ValueError, match="keep their pixels"):
        corrupt(streamed, split, "feature")
