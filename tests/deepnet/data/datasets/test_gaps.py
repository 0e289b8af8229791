"""Every gap in a layout and every image that cannot be read is named."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from deepnet.data.datasets import DataConfig, load
from tests.deepnet import photographs
from tests.deepnet.photographs import image_folder


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        (r"test has no folder for the class \"dog\"", ["test/dog"]),
        (r"test has a folder for the class \"dog\", which the training", ["train/dog"]),
        (r"class folder .*train/dog holds no image", ["train/dog/0.png", "train/dog/1.png"]),
        (r"class folder .*test/cat holds no image", ["test/cat/0.png"]),
        (r"image folder .*train holds no sub-folder", ["train/cat", "train/dog"]),
        (r"must have folders train and test, or `test_fraction`", ["test"]),
    ],
)
def test_gaps_in_folders_are_named(tmp_path: Path, message: str, gone: list[str]) -> None:
    root = image_folder(tmp_path, train=2, test=1)
    for name in gone:
        remove(root / name)
    with pytest.raises(ValueError, match=message):
        load(DataConfig(name="folder", root=str(root)))


@pytest.mark.parametrize("name", ["folder", "cifar10", "tiny-imagenet", "imagenet"])
def test_a_missing_root_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/none .*does not exist"):
        load(DataConfig(name=name, root=str(tmp_path / "none")))
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=rf"{tmp_path}/file .*is a file"):
        load(DataConfig(name=name, root=str(tmp_path / "file")))


@pytest.mark.parametrize("name", ["tiny-imagenet", "imagenet"])
@pytest.mark.parametrize("gone", ["train", "val"])
def test_a_missing_half_is_named(tmp_path: Path, name: str, gone: str) -> None:
    root = image_folder(tmp_path, train=1, val=1)
    remove(root / gone)
    with pytest.raises(FileNotFoundError, match=rf"image folder {root}/{gone} does not exist"):
        load(DataConfig(name=name, root=str(root)))


@pytest.mark.parametrize("content", ["truncated", "empty", "text"])
def test_bad_images_are_named(tmp_path: Path, content: str) -> None:
    root = image_folder(tmp_path, train=3, test=1)
    bad = root / "train" / "dog" / "1.jpg"
    Image.fromarray(photographs.draw(8, 8, 5)).save(bad)
    bad.write_bytes({"truncated": bad.read_bytes()[:-40], "empty": b"", "text": b"no image"}[content])
    with pytest.raises(ValueError, match=r"The image file .*dog/1\.jpg cannot be read"):
        load(DataConfig(name="folder", root=str(root)))


def test_a_test_fraction_beside_test_images_is_refused(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=2, val=1)
    with pytest.raises(ValueError, match=r"`test_fraction` must be left out, since .*val"):
        load(DataConfig(name="folder", root=str(root), test_fraction=0.1))


def test_a_test_fraction_of_nothing_is_refused(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=2)
    with pytest.raises(ValueError, match=r"`test_fraction` must leave an image"):
        load(DataConfig(name="folder", root=str(root), test_fraction=0.1))
