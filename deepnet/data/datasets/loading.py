"""From a configuration to images on a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepnet.data.augment import NO_AUGMENTATION, Augment
from deepnet.data.datasets.config import DataConfig
from deepnet.data.datasets.dataset import Dataset, Source
from deepnet.data.datasets.folders import Listing, decode, list_folder
from deepnet.data.datasets.parts import Part, read
from deepnet.data.images import DeviceImages, Images, StreamedImages
from deepnet.data.noise import Noise, add_noise
from deepnet.house.resources import usable_cores
from deepnet.house.seeding import generator
from simulate.house import checks
from simulate.house.pictures.reading import read_image

__all__ = ["file_names", "load", "load_folder", "statistics_of"]

MAX_DECODED_BYTES = 2 * 1024**3
"""Images of a folder that take more memory than this are streamed from their files."""

IMAGENET_SIZE = 224
"""Side of ImageNet's images in pixels, where no other is asked for."""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
IMAGENET_STATISTICS: Statistics = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STATISTICS: dict[str, Statistics] = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),
    "tiny-imagenet": IMAGENET_STATISTICS,
    "imagenet": IMAGENET_STATISTICS,
}
"""Mean and standard deviation of each channel that the field uses; other images are measured."""


def load(config: DataConfig, device: torch.device | str = "cpu") -> Dataset:
    """Read a data set.

    Args:
        config: Which images, and how many of them.
        device: Where batches of images shall be.

    Returns:
        The data set. Images of more than 2 GiB are streamed from their files, all others lie on the device.

    Raises:
        FileNotFoundError: if a folder or file is missing; the message says which and how to get it.
        ValueError: if a folder does not hold what it must, or a file is no image (the message names it), or if images
            are streamed or too small for the noise that they shall have.
    """
    device = torch.device(device)
    parts = read(config)
    kept = _balanced(parts.train.labels, config.subset, "subset")
    kept_test = _balanced(parts.test.labels, config.test_subset, "test_subset")
    train, test = parts.train.take(kept), parts.test.take(kept_test)
    streamed = config.name == "imagenet" or _decoded_bytes(train, test, config.image_size) > MAX_DECODED_BYTES
    bring = _streamed if streamed else _decoded
    train_images, test_images = bring(train, config, device), bring(test, config, device)
    mean, std = STATISTICS.get(config.name) or statistics_of(train_images)  # of clean images, with noise or without
    train_images = _noisy(train_images, config.noise, kept)
    source = Source(parts.train.labels, _names(parts.train, parts.class_names), kept)
    return Dataset(config.name, train_images, test_images, parts.class_names, mean, std, source)


def load_folder(
    root: Path, config: DataConfig, device: torch.device | str = "cpu", class_names: Sequence[str] | None = None
) -> tuple[DeviceImages | StreamedImages, Listing]:
    """Read one folder of images that holds a sub-folder for each class, whatever it is for.

    Args:
        root: The folder.
        config: How its images are read: the size that they are brought to, their augmentation, and workers.
        device: Where batches of images shall be.
        class_names: The classes it must have; None takes what there is.

    Returns:
        The images, and their files and classes. Images of more than 2 GiB are streamed from their files.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it does not hold what it must, or a file is no image; the message names it.
    """
    listing = list_folder(root, class_names)
    part = Part(listing.labels, files=listing.files)
    large = _decoded_bytes(part, Part(listing.labels[:0]), config.image_size) > MAX_DECODED_BYTES
    return (_streamed if large else _decoded)(part, config, torch.device(device)), listing


def file_names(listing: Listing) -> tuple[str, ...]:
    """The files of a folder as class/name, in their order."""
    return _names(Part(listing.labels, files=listing.files), listing.class_names) or ()


def _balanced(labels: Tensor, count: int | None, name: str) -> Tensor:
    """Rows of so many images, as equally many of each class as there are; a smaller choice lies in a larger one."""
    if count is None:
        return torch.arange(len(labels))
    if count > len(labels):
        checks.fail(name, f"be at most {len(labels)}, the number of images", count)
    place = np.empty(len(labels), dtype=np.int64)  # of an image among those of its class
    for cls in labels.unique().tolist():
        members = np.flatnonzero(labels.numpy() == cls)
        place[generator(0, name, cls).permutation(members)] = np.arange(len(members))
    return torch.from_numpy(np.sort(np.lexsort((labels.numpy(), place))[:count]))


def _decoded_bytes(train: Part, test: Part, size: int | None) -> int:
    """Memory that the images of files take when decoded."""
    if train.files is None:
        return 0
    width, height = (size, size) if size is not None else read_image(train.files[0]).size
    return 3 * width * height * (len(train.labels) + len(test.labels))


def _decoded(part: Part, config: DataConfig, device: torch.device) -> DeviceImages:
    """Images on the device."""
    pixels = part.pixels
    if pixels is None:
        pixels = decode(part.files or (), config.image_size, _workers(config))
    usual = NO_AUGMENTATION if config.name in ("digits", "torchvision") else Augment()
    return DeviceImages(pixels.to(device), part.labels, config.augment or usual)


def _streamed(part: Part, config: DataConfig, device: torch.device) -> StreamedImages:
    """Images in their files."""
    size = config.image_size or (IMAGENET_SIZE if config.name == "imagenet" else None)
    if size is None:
        raise ValueError(f"The images in {config.root} are too large to be decoded at once: give `image_size`.")
    if config.augment is not None:
        raise ValueError("Argument `augment` must be left out for images that are streamed from their files.")
    return StreamedImages(part.files or (), part.labels, device, size, round(size * 256 / 224), _workers(config))


def _noisy(images: DeviceImages | StreamedImages, noise: Noise, places: Tensor) -> DeviceImages | StreamedImages:
    """Images with noise, by their places in the complete data set."""
    if noise.kind == "none":
        return images
    if isinstance(images, StreamedImages):
        checks.fail("noise.kind", 'be "none" for images that are streamed from their files', noise.kind)
    made = add_noise(images.pixels.cpu().numpy(), images.labels.numpy(), places.numpy(), noise)
    return replace(images, pixels=torch.from_numpy(made).to(images.device))


def _workers(config: DataConfig) -> int:
    if config.workers is not None:
        return config.workers
    return usable_cores()


def statistics_of(images: Images) -> Statistics:
    """Mean and standard deviation of each channel, exact, from how often each of the 256 values occurs.

    Images that are streamed from their files are not read for it: they have ImageNet's.
    """
    if not isinstance(images, DeviceImages):
        return IMAGENET_STATISTICS
    values = torch.arange(256, dtype=torch.float64) / 255
    mean, std = [], []
    for channel in images.pixels.unbind(1):
        share = torch.bincount(channel.flatten(), minlength=256).cpu().double() / channel.numel()
        mean.append(float(share @ values))
        std.append(float(share @ (values - mean[-1]) ** 2) ** 0.5 or 1.0)  # 1 for a channel without contrast
    return tuple(mean), tuple(std)


def _names(part: Part, class_names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Files as class/name."""
    if part.files is None:
        return None
    classes = part.labels.tolist()
    return tuple(f"{class_names[cls]}/{Path(file).name}" for cls, file in zip(classes, part.files, strict=True))
