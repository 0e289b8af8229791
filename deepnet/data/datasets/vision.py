"""Data sets of torchvision by name, in whatever form it keeps their images."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from deepnet.data.decoding import to_tensor
from simulate.house import checks
from simulate.house.discovery import most_like

__all__ = ["labelled_images"]

_HALVES = {"train": ("train",), "test": ("test", "val")}
"""What torchvision calls the images to train on, and those to test on, where it has a `split`."""


def labelled_images(
    name: str, root: Path, *, download: bool, size: int | None
) -> tuple[list[tuple[Tensor, Tensor]], tuple[str, ...]]:
    """Images to train and to test on, and the names of their classes.

    Args:
        name: Name of a class of `torchvision.datasets` that has images to train and to test on, each with one label.
        root: The folder that torchvision keeps the data set in.
        download: Let torchvision download it if it is not there.
        size: Side in pixels of the squares that images are brought to; None takes them as they are.

    Returns:
        Pixels (n, C, H, W) of uint8 and labels (n,) of int64, to train and to test on; and the names of the classes.

    Raises:
        ValueError: if torchvision has no such data set, or its images differ in size and none is given.
        FileNotFoundError: if it is not in the folder.
    """
    from torchvision import datasets

    known = [word for word in datasets.__all__ if _has_two_halves(getattr(datasets, word))]
    if name not in known:
        hint = most_like(name, known)
        raise ValueError(f"Argument `dataset` must be one of torchvision's, which has no {name!r}; {hint}.")
    reader = getattr(datasets, name)
    halves = [_opened(reader, half, root, download) for half in _HALVES]
    parts = [_pixels_and_labels(half, name, size) for half in halves]
    classes = getattr(halves[0], "classes", None) or range(1 + max(int(labels.max()) for _, labels in parts))
    return parts, tuple(str(one) for one in classes)


def _has_two_halves(reader: Any) -> bool:
    """Whether a class of torchvision is asked for images to train and to test on in one of two ways, and by no more."""
    asked = set(inspect.signature(reader.__init__).parameters) if inspect.isclass(reader) else set()
    return ("train" in asked) != ("split" in asked) and "root" in asked


def _opened(reader: Any, half: str, root: Path, download: bool) -> Any:
    takes = inspect.signature(reader.__init__).parameters
    ways: list[dict[str, Any]] = [{"split": word} for word in _HALVES[half]]
    if "train" in takes:
        ways = [{"train": half == "train"}]
    if "download" in takes:
        ways = [way | {"download": download} for way in ways]
    refused: Exception | None = None
    for way in ways:
        try:
            return reader(str(root), **way)
        except ValueError as error:  # no such split
            refused = error
        except (RuntimeError, OSError) as error:
            raise FileNotFoundError(
                f"The folder {root} does not hold {reader.__name__} as torchvision keeps it ({error}). "
                "With `download=True` torchvision fetches it."
            ) from None
    raise ValueError(f"Argument `dataset` must have images to test on, but {reader.__name__} has none ({refused}).")


def _pixels_and_labels(found: Any, name: str, size: int | None) -> tuple[Tensor, Tensor]:
    labels = next((getattr(found, word) for word in ("targets", "labels", "_labels") if hasattr(found, word)), None)
    data = getattr(found, "data", None)
    if size is None and labels is not None and isinstance(data, Tensor | np.ndarray):
        pixels = _channels_first(torch.as_tensor(data))
    else:
        pixels, labels = _decoded(found, name, size)
    return pixels, torch.as_tensor(labels).to(torch.int64)


def _channels_first(data: Tensor) -> Tensor:
    """Images (n, H, W), (n, H, W, C) or (n, C, H, W) as (n, C, H, W)."""
    if data.ndim == 3:
        return data[:, None].contiguous()
    return data.contiguous() if data.shape[1] in (1, 3) else data.permute(0, 3, 1, 2).contiguous()


def _decoded(found: Any, name: str, size: int | None) -> tuple[Tensor, Any]:
    """The images one by one, as torchvision hands them out."""
    pixels, labels = [], []
    for place in range(len(found)):
        image, label = found[place]
        if not isinstance(image, Image.Image) or not isinstance(label, int | np.integer | Tensor):
            checks.fail("dataset", "be of images with one label each", name)
        image = image.convert("L" if image.mode in ("1", "L") else "RGB")
        pixels.append(to_tensor(image if size is None else image.resize((size, size), Image.Resampling.BILINEAR)))
        labels.append(int(label))
    if len({tuple(one.shape) for one in pixels}) > 1:
        raise ValueError(f"Argument `image_size` must be given for {name}, whose images differ in size.")
    return torch.stack(pixels), labels
