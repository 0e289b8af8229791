"""The images that a command line names, and what of them is to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from deepnet.data.augment import NO_AUGMENTATION
from deepnet.data.datasets import DataConfig, load
from deepnet.data.datasets.config import NAMES
from deepnet.data.datasets.loading import file_names, load_folder, statistics_of
from deepnet.data.images import Images
from deepnet.data.indices import read_rows
from deepnet.own.forgetting import Classes
from simulate.house import checks
from simulate.house.discovery import most_like

__all__ = ["Given", "forget_of", "given_images"]

_BY_NAME = tuple(name for name in NAMES if name not in ("folder", "torchvision"))


@dataclass(frozen=True, eq=False)
class Given:
    """Images to forget of, and to test on."""

    train: Images
    """What a network was trained on."""
    test: Images | None
    """What it was not trained on, if there is any."""
    class_names: tuple[str, ...]
    """Names of the classes 0, 1, ..."""
    mean: tuple[float, ...]
    """Mean of each channel that such images are usually normalised by."""
    std: tuple[float, ...]
    """Standard deviation of each channel, likewise."""
    names: tuple[str, ...] = ()
    """The training images as class/file, if they lie in folders."""


def given_images(
    data: str,
    *,
    root: Path | None,
    test: Path | None,
    image_size: int | None,
    augment: bool,
    download: bool,
    device: torch.device,
) -> Given:
    """Read images by the folder that they lie in, or by the name that others know them by.

    Args:
        data: A folder with a sub-folder for each class, or with folders `train` and `test` or `val` of that kind; or
            a name of ours, or "torchvision:NAME", whose files lie in `root`.
        root: That folder.
        test: Folder of images to test on.
        image_size: Side of the squares that images are brought to.
        augment: Whether training images are augmented as is usual for them.
        download: Whether torchvision may fetch its own.
        device: Where batches shall be.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if there are no such images, or an argument does not go with another.
    """
    how: dict[str, Any] = {"image_size": image_size, "augment": None if augment else NO_AUGMENTATION}
    maker, _, name = data.partition(":")
    if data in _BY_NAME or (maker == "torchvision" and name):
        if test is not None:
            raise ValueError(f"Argument `test` must be left out, since {data} has images to test on, but is {test}.")
        kind = "torchvision" if name else data
        where = None if root is None else str(root)
        found = load(DataConfig(name=kind, dataset=name, root=where, download=download, **how), device)  # type: ignore[arg-type]
        files = found.source.files if found.source is not None else None
        return Given(found.train, found.test, found.class_names, found.mean, found.std, files or ())
    if not Path(data).is_dir():
        known = ", ".join((*_BY_NAME, "torchvision:NAME"))
        checks.fail("data", f"be a folder of images, or one of {known}", data)
    return _in_folders(Path(data), test, how, device)


def _in_folders(data: Path, test: Path | None, how: dict[str, Any], device: torch.device) -> Given:
    root = data / "train" if (data / "train").is_dir() else data
    if test is None and root != data:
        test = next((data / name for name in ("test", "val") if (data / name).is_dir()), None)
    config = DataConfig(name="folder", root=str(root), **how)
    train, listing = load_folder(root, config, device)
    others = None if test is None else load_folder(test, config, device, listing.class_names)[0]
    mean, std = statistics_of(train)
    return Given(train, others, listing.class_names, mean, std, file_names(listing))


def forget_of(words: Sequence[str], given: Given) -> Any:
    """What is to be forgotten: the rows that a file tells by number or name, or all images of classes.

    Args:
        words: The path of a file, or classes by name or number.
        given: The images.

    Raises:
        ValueError: if a word is neither.
        OSError: if the file cannot be read.
    """
    first = Path(words[0]) if words else Path()
    if len(words) == 1 and words[0] not in given.class_names and (first.is_file() or first.suffix):
        return read_rows(first, given.names, "forget")
    return Classes(tuple(dict.fromkeys(_class(word, given.class_names) for word in words)))


def _class(word: str, names: Sequence[str]) -> int:
    if word in names:
        return names.index(word)
    if word.isdecimal() and int(word) < len(names):
        return int(word)
    hint = most_like(word, list(names))
    raise ValueError(f"Argument `forget` must be a file of indices, or name classes, but is {word!r}; {hint}.")
