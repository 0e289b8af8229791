"""Folders of images, one for each class: read whole, or streamed where they are large."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deepnet.data.augment import Augment
from deepnet.data.datasets import DataConfig, load
from deepnet.data.images import DeviceImages, StreamedImages
from tests.deepnet import photographs
from tests.deepnet.data.datasets.pixels import pixels_of
from tests.deepnet.photographs import image_folder


def test_folders_are_read_class_by_class_and_by_number(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=12, test=2)
    dataset = load(DataConfig(name="folder", root=str(root), workers=2))
    assert dataset.class_names == ("cat", "dog")
    expected = [root / "train" / name / f"{k}.png" for name in ("cat", "dog") for k in range(12)]
    assert dataset.source.files == tuple(f"{path.parent.name}/{path.name}" for path in expected)
    for row, path in enumerate(expected):
        assert np.array_equal(dataset.train.pixels[row].numpy(), pixels_of(path))
    assert dataset.train.labels.tolist() == [0] * 12 + [1] * 12
    assert dataset.train.augment == Augment()
    assert (len(dataset.test), dataset.test.shape) == (4, (3, 8, 8))


def test_classes_named_by_numbers_are_in_their_order(tmp_path: Path) -> None:
    root = image_folder(tmp_path, classes=("10", "9", "2"), train=1, test=1)
    assert load(DataConfig(name="folder", root=str(root))).class_names == ("2", "9", "10")


def test_sixteen_bits_and_floats_are_read_on_the_scale_of_bytes(tmp_path: Path) -> None:
    root = image_folder(tmp_path, size=(8, 8), train=1, test=1)
    gray = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    Image.fromarray(gray.astype(np.uint16) * 257).save(root / "train" / "cat" / "0.png")
    Image.fromarray(gray.astype(np.float32) / 255).save(root / "train" / "dog" / "0.tif")
    (root / "train" / "dog" / "0.png").unlink()
    for pixels in load(DataConfig(name="folder", root=str(root))).train.pixels:
        assert np.array_equal(pixels.numpy(), np.stack([gray] * 3))


def test_an_augmentation_of_ones_own(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=1, val=1)
    augment = Augment(pad=2, random="randaugment")
    assert load(DataConfig(name="folder", root=str(root), augment=augment)).train.augment == augment


def test_images_are_brought_to_one_size(tmp_path: Path) -> None:
    root = image_folder(tmp_path, size=(10, 14), train=2, test=1)
    Image.fromarray(photographs.draw(6, 5, 7)).save(root / "train" / "dog" / "9.png")
    dataset = load(DataConfig(name="folder", root=str(root), image_size=6))
    assert dataset.train.shape == (3, 6, 6)
    expected = Image.open(root / "train" / "cat" / "0.png").resize((8, 6), Image.Resampling.BILINEAR).crop((1, 0, 7, 6))
    assert np.array_equal(dataset.train.pixels[0].numpy(), np.asarray(expected).transpose(2, 0, 1))
    with pytest.raises(ValueError, match=r"9\.png has 5 x 6 pixels and .* has 14 x 10: give `image_size`"):
        load(DataConfig(name="folder", root=str(root)))


@pytest.mark.parametrize("inside", [False, True])
def test_test_images_are_set_aside_alike_in_every_run(tmp_path: Path, inside: bool) -> None:
    root = image_folder(tmp_path, train=10)
    config = DataConfig(name="folder", root=str(root if inside else root / "train"), test_fraction=0.2)
    one, other = load(config), load(config)
    assert torch.equal(one.test.pixels, other.test.pixels)
    assert torch.bincount(one.test.labels).tolist() == [2, 2]
    everything = {p.numpy().tobytes() for part in (one.train, one.test) for p in part.pixels}
    assert len(everything) == 20


def test_large_folders_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = image_folder(tmp_path, size=(20, 20), train=3, test=1)
    monkeypatch.setattr("deepnet.data.datasets.loading.MAX_DECODED_BYTES", 8 * 3 * 16 * 16)
    config = {"name": "folder", "root": str(root), "workers": 0}
    assert isinstance(load(DataConfig(**config, image_size=16)).train, DeviceImages)
    dataset = load(DataConfig(**config, image_size=17))
    assert isinstance(dataset.train, StreamedImages)
    assert (dataset.train.shape, len(dataset.test)) == ((3, 17, 17), 2)
    with pytest.raises(ValueError, match="give `image_size`"):
        load(DataConfig(**config))
    with pytest.raises(ValueError, match="`augment`"):
        load(DataConfig(**config, image_size=17, augment=Augment()))


def test_imagenet_is_streamed(tmp_path: Path) -> None:
    root = image_folder(tmp_path, size=(300, 260), classes=("n01", "n02", "n03"), train=2, val=1)
    dataset = load(DataConfig(name="imagenet", root=str(root), workers=0, subset=3))
    assert isinstance(dataset.train, StreamedImages)
    assert (dataset.train.shape, dataset.train.resize, dataset.n_classes) == ((3, 224, 224), 256, 3)
    assert dataset.train.labels.tolist() == [0, 1, 2]
    assert dataset.mean == (0.485, 0.456, 0.406)
    (batch,) = dataset.test.batches([(torch.tensor([2]), None)])
    assert batch.shape == (1, 3, 224, 224)
