"""Memorization scores against counting by hand, and on images whose labels are wrong."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.data.datasets import DataConfig, Dataset, load  # noqa: E402
from deepnet.data.images import DeviceImages  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.networks.models import ModelConfig, Network, build  # noqa: E402
from deepnet.studies.memorization import Memorization, Vote, cast_vote, memorization_scores  # noqa: E402
from tests.deepnet.oracles import small_dataset, small_network, with_torch_layers  # noqa: E402


def by_hand(seen: np.ndarray, right: np.ndarray) -> list[float]:
    """P(right | seen) - P(right | not seen), counted."""
    scores = []
    for i in range(seen.shape[1]):
        with_it = [bool(right[m, i]) for m in range(len(seen)) if seen[m, i]]
        without = [bool(right[m, i]) for m in range(len(seen)) if not seen[m, i]]
        known = bool(with_it) and bool(without)
        scores.append(sum(with_it) / len(with_it) - sum(without) / len(without) if known else float("nan"))
    return scores


@pytest.mark.parametrize("models", [1, 2, 3, 17])
def test_equals_counting_by_hand(models: int) -> None:
    rng = np.random.default_rng(models)
    seen, right = rng.random((models, 40)) < 0.7, rng.random((models, 40)) < 0.5
    np.testing.assert_allclose(memorization_scores(seen, right), by_hand(seen, right), rtol=1e-12)


def test_an_example() -> None:
    seen = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]], dtype=bool)
    right = np.array([[1, 1, 1, 0], [0, 1, 1, 1], [0, 1, 1, 1]], dtype=bool)
    np.testing.assert_array_equal(memorization_scores(seen, right), [0.5, 0.0, np.nan, np.nan])
    np.testing.assert_array_equal(memorization_scores(seen[:, :1], ~right[:, :1]), [-0.5])


UNTRAINED = Training(epochs=0)


def test_parts_have_the_size_and_every_image_its_chance() -> None:
    data = small_dataset()
    votes = [cast_vote(small_network(), data, UNTRAINED, 0.7, number) for number in range(150)]
    seen = np.stack([vote.seen for vote in votes])
    assert seen.dtype == bool
    assert (seen.sum(1) == 42).all()
    counts = seen.sum(0)  # binomial(150, 0.7): deviation 5.6
    assert np.abs(counts - 105).max() < 4 * 5.6
    assert ((counts - 105) ** 2).sum() / 31.5 < 100  # chi-squared of about 59 degrees of freedom at 0.1 %
    together = (seen[:, :, None] & seen[:, None, :]).mean(0)[np.triu_indices(60, 1)]
    assert together.mean() == pytest.approx(42 * 41 / (60 * 59), rel=1e-12)
    assert np.abs(together - together.mean()).max() < 5 * np.sqrt(0.25 / 150)


def test_a_vote_is_that_of_a_model_trained_on_its_part() -> None:
    data, model = small_dataset(), small_network(dtype=torch.float32, width=4)
    training = Training(epochs=6, batch_size=20, descent=Descent(lr=0.1))
    vote = cast_vote(model, data, training, 0.5, 7)
    with torch.no_grad():
        logits = with_torch_layers(model).eval()(data.train.pixels)
    assert (vote.right == (logits.argmax(1) == data.train.labels).numpy()).all()
    assert 0.4 < vote.right.mean() < 1  # it has learned something, and not all
    again = cast_vote(small_network(dtype=torch.float32, width=4), data, training, 0.5, 7)
    other = cast_vote(small_network(dtype=torch.float32, width=4), data, training, 0.5, 8)
    assert (vote.seen == again.seen).all()
    assert (vote.right == again.right).all()
    assert (vote.seen != other.seen).any()


def test_images_outside_the_part_are_not_trained_on() -> None:
    """Their pixels may change as they like: the model and its votes on the part stay."""
    data, ends = small_dataset(), []
    training = Training(epochs=2, batch_size=20, descent=Descent(lr=0.1))
    seen = cast_vote(small_network(), data, UNTRAINED, 0.5, 3).seen
    for spoil in (False, True):
        pixels = data.train.pixels.clone()
        if spoil:
            pixels[torch.from_numpy(~seen)] = 255 - pixels[torch.from_numpy(~seen)]
        model = small_network()
        images = DeviceImages(pixels, data.train.labels)
        vote = cast_vote(model, replace(data, train=images), training, 0.5, 3)
        assert (vote.seen == seen).all()
        ends.append(torch.cat([value.detach().flatten() for value in model.parameters()]))
    assert torch.equal(*ends)


def mislabelled_digits(n: int = 200, wrong: int = 20) -> tuple[Dataset, np.ndarray]:
    """Digits of which some carry the label of the next class."""
    data = load(DataConfig(name="digits", subset=n, test_subset=10))
    labels = data.train.labels.clone()
    chosen = np.random.default_rng(0).choice(n, wrong, replace=False)
    labels[torch.from_numpy(chosen)] = (labels[torch.from_numpy(chosen)] + 1) % 10
    images = DeviceImages(data.train.pixels, labels)
    return replace(data, train=images), np.isin(np.arange(n), chosen)


def fresh(data: Dataset, seed: int) -> Network:
    config = ModelConfig(architecture="convnet", width=8)
    return build(config, n_classes=10, channels=1, mean=data.mean, std=data.std, seed=seed)


def test_wrong_labels_are_memorized() -> None:
    """A wrong label is predicted only by models that have seen it; a right one by nearly all."""
    data, wrong = mislabelled_digits()
    training = Training(epochs=25, batch_size=35, descent=Descent(lr=0.1, weight_decay=0.0, schedule="cosine"))
    votes = [cast_vote(fresh(data, number), data, training, 0.7, number) for number in range(8)]
    scores = memorization_scores(np.stack([v.seen for v in votes]), np.stack([v.right for v in votes]))
    known = ~np.isnan(scores)
    assert known.mean() > 0.8  # an image is in all eight parts or in none with probability 0.7^8 + 0.3^8
    assert scores[wrong & known].mean() > 0.7
    assert abs(scores[~wrong & known].mean()) < 0.25
    ranks = scores[known].argsort().argsort()
    mislabelled = wrong[known]
    area = (ranks[mislabelled].mean() - (mislabelled.sum() - 1) / 2) / (~mislabelled).sum()
    assert area > 0.9  # of the ROC curve


@pytest.mark.parametrize(
    ("field", "value"), [("models", 0), ("models", 1), ("fraction", 0.0), ("fraction", 1.0), ("fraction", 1.2)]
)
def test_bad_settings_are_named(field: str, value: object) -> None:
    """One model has seen an image or not: no score follows."""
    with pytest.raises(ValueError, match=f"`{field}`"):
        Memorization(**{field: value})


def test_votes_hold_what_they_are_given() -> None:
    vote = Vote(np.array([True]), np.array([False]))
    assert vote.seen[0]
    assert not vote.right[0]
