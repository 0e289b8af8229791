"""Training or test images of each known data set, before any is left out and before they are brought to the device."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepnet.data.datasets.config import DataConfig
from deepnet.data.datasets.folders import Listing, list_annotated, list_folder
from deepnet.data.datasets.vision import labelled_images
from deepnet.data.splits import stratified_rows
from simulate.house.extras import installed_by
from simulate.house.files import require_folder

__all__ = ["Part", "Parts", "read"]

DIGITS_TEST_FRACTION = 0.2


@dataclass(frozen=True, eq=False)
class Part:
    """Images that are either decoded already, or files."""

    labels: Tensor
    """Their classes, (n,) of int64."""
    pixels: Tensor | None = None
    """(n, C, H, W) of uint8, or None."""
    files: tuple[str, ...] | None = None
    """Their files, or None."""

    def take(self, rows: Tensor) -> Part:
        """Some of the images."""
        pixels = None if self.pixels is None else self.pixels[rows]
        files = None if self.files is None else tuple(self.files[row] for row in rows.tolist())
        return Part(self.labels[rows], pixels, files)


@dataclass(frozen=True, eq=False)
class Parts:
    """The complete images of a data set."""

    train: Part
    """Training images."""
    test: Part
    """Test images."""
    class_names: tuple[str, ...]
    """Names of the classes 0, 1, ..."""


def read(config: DataConfig) -> Parts:
    """Read, or list, all images of a data set.

    Args:
        config: Which.

    Returns:
        Its training and test images.

    Raises:
        FileNotFoundError: if a folder or file is missing; the message says which and how to get it.
        ValueError: if a folder does not hold what it must, or scikit-learn is not installed.
    """
    if config.name == "digits":
        return _digits()
    root = Path(config.root or "")
    if not config.download or root.exists():
        require_folder(root, f"The folder of the data set {config.name}")
    if config.name == "folder":
        return _folder(root, config.test_fraction)
    if config.name == "torchvision":
        return _of_torchvision(root, config)
    if config.name == "tiny-imagenet":
        return _tiny_imagenet(root)
    if config.name == "imagenet":
        return _pair(root / "train", root / "val")
    if (root / "train").is_dir():
        return _pair(root / "train", root / "test")
    return _cifar(root, config)


def _digits() -> Parts:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError(
            f"The digits come with scikit-learn, which is not installed: {installed_by('deepnet')}."
        ) from None
    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    everything = Part(torch.from_numpy(labels.astype(np.int64)), torch.from_numpy(pixels))
    return _set_aside(everything, DIGITS_TEST_FRACTION, tuple(str(digit) for digit in range(10)))


def _folder(root: Path, test_fraction: float | None) -> Parts:
    train = root / "train" if (root / "train").is_dir() else root
    tests = [root / name for name in ("test", "val") if train != root and (root / name).is_dir()]
    if tests and test_fraction is not None:
        raise ValueError(f"Argument `test_fraction` must be left out, since {tests[0]} holds test images.")
    if tests:
        return _pair(train, tests[0])
    if test_fraction is None:
        raise ValueError(
            f"The image folder {root} must have folders train and test, or `test_fraction` must say how many "
            "images are set aside for testing."
        )
    listing = list_folder(train)
    return _set_aside(_part(listing), test_fraction, listing.class_names)


def _tiny_imagenet(root: Path) -> Parts:
    val = root / "val"
    annotations = val / "val_annotations.txt"
    if not (annotations.is_file() and any((val / "images").glob("*"))):
        return _pair(root / "train", val)
    train = list_folder(root / "train")
    return Parts(_part(train), _part(list_annotated(val / "images", annotations, train.class_names)), train.class_names)


def _pair(train: Path, test: Path) -> Parts:
    listing = list_folder(train)
    return Parts(_part(listing), _part(list_folder(test, listing.class_names)), listing.class_names)


def _part(listing: Listing) -> Part:
    return Part(listing.labels, files=listing.files)


def _set_aside(everything: Part, fraction: float, class_names: tuple[str, ...]) -> Parts:
    """Test images for those that come without: the same in every run."""
    chosen = torch.zeros(len(everything.labels), dtype=torch.bool)
    chosen[torch.from_numpy(stratified_rows(everything.labels.numpy(), fraction, 0, "test"))] = True
    train, test = (everything.take(mask.nonzero().flatten()) for mask in (~chosen, chosen))
    if not len(test.labels):
        raise ValueError("Argument `test_fraction` must leave an image for testing, but leaves none.")
    return Parts(train, test, class_names)


def _of_torchvision(root: Path, config: DataConfig) -> Parts:
    both, class_names = labelled_images(config.dataset, root, download=config.download, size=config.image_size)
    train, test = (Part(labels, pixels) for pixels, labels in both)
    return Parts(train, test, class_names)


def _cifar(root: Path, config: DataConfig) -> Parts:
    """CIFAR in the files that its authors distribute, whose checksums torchvision verifies before it unpickles them."""
    from torchvision import datasets

    reader = datasets.CIFAR10 if config.name == "cifar10" else datasets.CIFAR100
    parts = []
    for train in (True, False):
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module=r"torchvision|numpy|pickle")  # the files are of 2009
                found = reader(str(root), train=train, download=config.download)
        except RuntimeError:
            raise FileNotFoundError(
                f"The folder {root} holds neither the files of {config.name} ({reader.base_folder}/...), or not whole, "
                "nor image folders (train/<class>/, test/<class>/). With `download=True` torchvision fetches the files."
            ) from None
        pixels = torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous()
        parts.append(Part(torch.tensor(found.targets, dtype=torch.int64), pixels))
    return Parts(parts[0], parts[1], tuple(found.classes))
