"""Training images with noise: which of a data set have it, and what stays as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from deepnet.data.datasets import DataConfig, Dataset, load, loading
from deepnet.data.noise import Noise
from deepnet.data.requests import corrupt, stamp
from deepnet.data.splits import ForgetSet, make_split
from tests.deepnet.photographs import image_folder

GAUSS = Noise(kind="gauss")


def differing(one: Dataset, other: Dataset) -> torch.Tensor:
    """Which of the training images of two data sets differ, (n,)."""
    return (one.train.pixels != other.train.pixels).flatten(1).any(1)


@pytest.mark.parametrize("kind", ["gauss", "glass"])
def test_training_images_have_noise_and_all_else_is_as_it_was(kind: str) -> None:
    clean, noisy = (load(DataConfig(noise=noise)) for noise in (Noise(), Noise(kind=kind)))
    assert differing(clean, noisy).float().mean() > 0.99
    assert torch.equal(clean.test.pixels, noisy.test.pixels)
    assert torch.equal(clean.train.labels, noisy.train.labels)
    assert torch.equal(clean.source.rows, noisy.source.rows)
    assert (clean.mean, clean.std, clean.train.augment) == (noisy.mean, noisy.std, noisy.train.augment)
    difference = (noisy.train.pixels.double() - clean.train.pixels) / 255
    inside = (clean.train.pixels > 90) & (clean.train.pixels < 165)  # where nothing is cut off
    assert (float(difference[inside].std()) == pytest.approx(0.08, rel=0.02)) == (kind == "gauss")


def test_an_image_has_its_noise_in_every_subset() -> None:
    whole, part = (load(DataConfig(noise=GAUSS, subset=count)) for count in (None, 300))
    assert torch.equal(whole.train.pixels[part.source.rows], part.train.pixels)


def test_a_fraction_of_the_kept_images_has_noise() -> None:
    clean, half = (load(DataConfig(noise=n, subset=200)) for n in (Noise(), replace(GAUSS, fraction=0.5)))
    assert torch.bincount(clean.train.labels[differing(clean, half)]).tolist() == [10] * 10


def test_photographs_of_a_folder(tmp_path: Path) -> None:
    root = str(image_folder(tmp_path, size=(16, 20), train=3, test=1))
    clean, snowy = (load(DataConfig(name="folder", root=root, noise=noise)) for noise in (Noise(), Noise(kind="snow")))
    assert bool(differing(clean, snowy).all())
    assert snowy.train.pixels.float().mean() > clean.train.pixels.float().mean()
    assert torch.equal(clean.test.pixels, snowy.test.pixels)


def test_what_is_forgotten_carries_its_noise() -> None:
    """A stamp stands on noisy images, whose originals are noisy, too."""
    dataset = load(DataConfig(noise=GAUSS, subset=200))
    split = make_split(dataset.train.labels, ForgetSet(size=20), 0)
    stamped, changed = corrupt(dataset, split, "feature")
    assert torch.equal(stamped.train.pixels[changed.forget], stamp(dataset.train.pixels[changed.corrected]))


def test_streamed_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_DECODED_BYTES", 0)
    root = str(image_folder(tmp_path, train=2, test=1))
    config = DataConfig(name="folder", root=root, image_size=8, noise=GAUSS, workers=0)
    with pytest.raises(ValueError, match=r'`noise.kind` must be "none" for images that are streamed from their files'):
        load(config)
    assert len(load(replace(config, noise=Noise())).train) == 4


def test_digits_are_too_small_for_snow() -> None:
    for severity in (1, 5):
        with pytest.raises(ValueError, match=r'another than "snow" for images of 8 x 8 pixels'):
            load(DataConfig(noise=Noise(kind="snow", severity=severity), subset=20))


def test_noise_of_another_type_is_named() -> None:
    with pytest.raises(ValueError, match="`noise` must be of the type Noise"):
        DataConfig(noise=np.float64(0.1))
