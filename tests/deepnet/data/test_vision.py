"""Data sets of torchvision by name: its own files, and classes of each form that it has."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from PIL import Image
from torchvision import datasets

from deepnet.data.augment import NO_AUGMENTATION
from deepnet.data.datasets import DataConfig, load
from deepnet.house.identity import key_of

RNG = np.random.default_rng(0)


def write_mnist(root: Path, name: str = "MNIST") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The four files that MNIST and its followers come as."""
    folder, found = root / name / "raw", {}
    folder.mkdir(parents=True)
    for half, prefix, count in (("train", "train", 40), ("test", "t10k", 20)):
        pixels = RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        head = struct.pack(">IIII", 0x803, count, 28, 28)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels.tobytes())
        found[half] = pixels, labels
    return found


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_the_files_of_mnist_are_read(tmp_path: Path, name: str) -> None:
    written = write_mnist(tmp_path, name)
    found = load(DataConfig(name="torchvision", dataset=name, root=str(tmp_path)))
    for half, images in (("train", found.train), ("test", found.test)):
        pixels, labels = written[half]
        assert np.array_equal(images.pixels[:, 0].numpy(), pixels)  # type: ignore[attr-defined]
        assert np.array_equal(images.labels.numpy(), labels)
        assert images.shape == (1, 28, 28)
    assert len(found.class_names) == 10
    assert found.mean == pytest.approx((written["train"][0].mean() / 255,), rel=1e-6)


def test_digits_are_not_flipped(tmp_path: Path) -> None:
    """No augmentation, but where it is asked for."""
    write_mnist(tmp_path)
    plain = load(DataConfig(name="torchvision", dataset="MNIST", root=str(tmp_path))).train
    assert plain.augment == NO_AUGMENTATION  # type: ignore[attr-defined]


def test_fewer_images_are_equally_many_of_each_class(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    found = load(DataConfig(name="torchvision", dataset="MNIST", root=str(tmp_path), subset=20))
    assert found.train.labels.bincount().tolist() == [2] * 10


class Arrays:
    """Colour images as SVHN has them: (n, 3, H, W) and `labels`, and a `split`."""

    def __init__(self, root: str, split: str = "train", download: bool = False) -> None:
        if split not in ("train", "test"):
            raise ValueError(f"no split {split}")
        rng = np.random.default_rng(split == "test")
        self.data, self.labels = rng.integers(0, 256, (6, 3, 5, 5), dtype=np.uint8), np.arange(6) % 3


class Pictures:
    """Images that are decoded one by one, validation images in the place of test images, and names of classes."""

    classes = ("cat", "dog")
    sides = (8, 8)

    def __init__(self, root: str, split: str = "train") -> None:
        if split not in ("train", "val"):
            raise ValueError(f"no split {split}")

    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> tuple[Image.Image, int]:
        side = self.sides[place % 2]
        return Image.fromarray(np.full((side, side, 3), 60 * place, dtype=np.uint8)), place % 2


class Sizes(Pictures):
    """Of two sizes."""

    sides = (8, 12)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision with three more data sets."""
    for kind in (Arrays, Pictures, Sizes):
        monkeypatch.setattr(datasets, kind.__name__, kind, raising=False)
    monkeypatch.setattr(datasets, "__all__", (*datasets.__all__, "Arrays", "Pictures", "Sizes"))


def of(name: str, root: Path, **more: object):
    return load(DataConfig(name="torchvision", dataset=name, root=str(root), **more))  # type: ignore[arg-type]


@pytest.mark.usefixtures("known")
def test_arrays_with_channels_first_stay_as_they_are(tmp_path: Path) -> None:
    found = of("Arrays", tmp_path)
    assert np.array_equal(found.train.pixels.numpy(), Arrays("").data)
    assert found.test.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.class_names == ("0", "1", "2")


@pytest.mark.usefixtures("known")
def test_pictures_are_decoded(tmp_path: Path) -> None:
    found = of("Pictures", tmp_path)
    assert found.train.shape == (3, 8, 8)
    assert found.train.pixels[:, 0, 0, 0].tolist() == [0, 60, 120, 180]
    assert found.class_names == ("cat", "dog")
    assert of("Pictures", tmp_path, image_size=4).train.shape == (3, 4, 4)


@pytest.mark.usefixtures("known")
def test_pictures_of_several_sizes_need_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`image_size` must be given for Sizes"):
        of("Sizes", tmp_path)
    assert of("Sizes", tmp_path, image_size=6).train.shape == (3, 6, 6)


def test_what_is_not_there_is_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not hold MNIST as torchvision keeps it") as refused:
        of("MNIST", tmp_path)
    assert "download=True" in str(refused.value)


def test_unknown_names_are_answered_with_similar_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no 'Mnist'; the most similar ones are MNIST"):
        of("Mnist", tmp_path)


@pytest.mark.parametrize("fields", [{"name": "torchvision", "root": "x"}, {"name": "digits", "dataset": "MNIST"}])
def test_the_name_goes_with_torchvision_alone(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="`dataset`"):
        DataConfig(**fields)  # type: ignore[arg-type]


def test_older_configurations_keep_their_keys() -> None:
    assert key_of(DataConfig()) == key_of({name: value for name, value in vars(DataConfig()).items() if name not in (
        "noise", "dataset")})  # fmt: skip
