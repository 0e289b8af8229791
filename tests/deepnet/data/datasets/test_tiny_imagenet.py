"""Tiny-ImageNet as it is distributed, and in class folders."""

from pathlib import Path

import numpy as np
import pytest

from deepnet.data.datasets import DataConfig, load
from tests.deepnet.data.datasets.pixels import pixels_of
from tests.deepnet.photographs import image_folder


def tiny_imagenet(root: Path) -> Path:
    """The layout in which it is distributed: boxes beside the images, and one folder of validation images."""
    image_folder(root, classes=("n01", "n02"), size=(64, 64), train=2, val=2)
    for name in ("n01", "n02"):
        (root / "train" / name / "images").mkdir()
        for path in list((root / "train" / name).glob("*.png")):
            path.rename(path.parent / "images" / path.name)
        (root / "train" / name / f"{name}_boxes.txt").write_text("0.png\t0\t0\t62\t62\n")
    (root / "val" / "images").mkdir()
    for number, (name, k) in enumerate([("n02", 0), ("n01", 1), ("n01", 0), ("n02", 1)]):
        (root / "val" / name / f"{k}.png").rename(root / "val" / "images" / f"val_{number}.png")
    for name in ("n01", "n02"):
        (root / "val" / name).rmdir()
    lines = [f"val_{number}.png\t{name}\t0\t0\t62\t62\n" for number, name in enumerate(["n02", "n01", "n01", "n02"])]
    (root / "val" / "val_annotations.txt").write_text("".join(lines))
    return root


def test_tiny_imagenet_as_it_is_distributed(tmp_path: Path) -> None:
    root = tiny_imagenet(tmp_path)
    dataset = load(DataConfig(name="tiny-imagenet", root=str(root)))
    assert dataset.train.shape == (3, 64, 64)
    assert dataset.test.labels.tolist() == [0, 0, 1, 1]
    for row, number in enumerate([1, 2, 0, 3]):
        path = root / "val" / "images" / f"val_{number}.png"
        assert np.array_equal(dataset.test.pixels[row].numpy(), pixels_of(path))


def test_tiny_imagenet_in_class_folders(tmp_path: Path) -> None:
    image_folder(tmp_path, classes=("n01", "n02"), size=(64, 64), train=2, val=1)
    assert load(DataConfig(name="tiny-imagenet", root=str(tmp_path))).test.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("val_9.png\tn01\n", r"Line 5 of .*val_annotations\.txt names no image"),
        ("val_0.png\tn03\n", r"Line 5 of .*val_annotations\.txt names no image"),
        ("val_0.png\n", r"Line 5 of .*val_annotations\.txt names no image"),
    ],
)
def test_bad_annotations_are_named(tmp_path: Path, line: str, message: str) -> None:
    root = tiny_imagenet(tmp_path)
    with (root / "val" / "val_annotations.txt").open("a") as file:
        file.write(line)
    with pytest.raises(ValueError, match=message):
        load(DataConfig(name="tiny-imagenet", root=str(root)))


def test_annotations_name_every_class(tmp_path: Path) -> None:
    root = tiny_imagenet(tmp_path)
    (root / "val" / "val_annotations.txt").write_text("val_0.png\tn02\n")
    with pytest.raises(ValueError, match='names no image of the class "n01"'):
        load(DataConfig(name="tiny-imagenet", root=str(root)))
