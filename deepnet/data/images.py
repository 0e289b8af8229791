"""Sets of labelled images, addressed by row: held on the device, or read from files while training goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from deepnet.data.augment import N_DRAWS, NO_AUGMENTATION, Augment
from deepnet.data.decoding import center_view, random_view, to_tensor
from deepnet.house.fields import of_type
from simulate.house import checks
from simulate.house.pictures.reading import broken_metadata_ignored, read_image

__all__ = ["N_DRAWS", "BatchRequest", "DeviceImages", "Images", "Requests", "StreamedImages", "append"]

BatchRequest = tuple[Tensor, Tensor | None]
"""What a batch is asked for by: rows (b,) int64 on the CPU, and uniform numbers (b, N_DRAWS) for the augmentation,
or None for the images as they are in testing."""


class Images(Protocol):
    """A set of labelled images, or of other samples that a network reads (`deepnet.own.samples`), addressed by row."""

    @property
    def labels(self) -> Tensor:
        """The class of each image, (n,) of int64 on the CPU."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample in a batch: of an image channels, height and width."""

    @property
    def device(self) -> torch.device:
        """Where batches are."""

    def __len__(self) -> int: ...

    def batches(self, requests: Iterable[BatchRequest]) -> Iterator[Tensor]:
        """For each request the samples on `device`, (b, C, H, W) of uint8 if they are images.

        Requests may be asked for ahead of need.
        """


@dataclass(frozen=True, eq=False)
class DeviceImages:
    """Images that lie decoded on the device, where they are also augmented.

    Example:
        >>> images = DeviceImages(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 1]))
        >>> [batch.shape for batch in images.batches([(torch.tensor([2, 0]), None)])]
        [torch.Size([2, 1, 8, 8])]
    """

    pixels: Tensor
    """All images, (n, C, H, W) of uint8."""
    labels: Tensor
    """Their classes, (n,) of int64 on the CPU."""
    augment: Augment = NO_AUGMENTATION
    """How images are augmented where a request brings random numbers."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field has another type or shape; the message names it.
        """
        of_type("pixels", self.pixels, Tensor)
        if self.pixels.dtype != torch.uint8 or self.pixels.ndim != 4:
            found = f"is {self.pixels.dtype} of shape {tuple(self.pixels.shape)}"
            raise ValueError(f"Argument `pixels` must be uint8 of shape (n, C, H, W), but {found}.")
        _check_labels(self.labels, len(self.pixels))

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    @property
    def device(self) -> torch.device:
        """Where the images lie."""
        return self.pixels.device

    def batches(self, requests: Iterable[BatchRequest]) -> Iterator[Tensor]:
        """Gather, and augment, one batch after another; see `Images`.

        Raises:
            ValueError: if a request asks for a row that is not there.
        """
        for rows, draws in requests:
            _check_request(rows, draws, len(self))
            chosen = self.pixels[rows.to(self.device, non_blocking=True)]
            yield chosen if draws is None else self.augment(chosen, draws)


@dataclass(frozen=True, eq=False)
class StreamedImages:
    """Photographs that stay in their files and are decoded by worker processes, ahead of need and in order.

    For training: a random area scaled to a square, flipped at random; for testing: the shorter side scaled to
    `resize` and the central square. What a batch holds does not depend on the number of workers.
    """

    files: Sequence[str | PathLike[str]]
    """The image files."""
    labels: Tensor
    """Their classes, (n,) of int64 on the CPU."""
    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    """Where batches are put."""
    size: int = 224
    """Side of the square images in a batch, in pixels."""
    resize: int = 256
    """Length of the shorter side before the central square is cut out for testing, in pixels."""
    workers: int = 0
    """Processes that decode; 0 decodes in this one, when a batch is needed."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range; the message names it.
        """
        _check_labels(self.labels, len(self.files))
        checks.integer("size", self.size, least=1)
        checks.integer("resize", self.resize, least=self.size)
        checks.integer("workers", self.workers, least=0)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images in a batch."""
        return 3, self.size, self.size

    def batches(self, requests: Iterable[BatchRequest]) -> Iterator[Tensor]:
        """Decode one batch after another, each in one worker; see `Images`.

        Raises:
            ValueError: if a file cannot be read (the message names it), or a row is not there.
        """
        loader = DataLoader(
            _Decoder(self),
            batch_size=None,
            sampler=Requests(requests, len(self)),
            num_workers=self.workers,
            prefetch_factor=2 if self.workers else None,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # else it seeds its workers from the global one
        )
        for batch in loader:
            if isinstance(batch, str):
                raise ValueError(batch)
            yield batch.to(self.device, non_blocking=True)


class Requests(Sampler[tuple[np.ndarray, np.ndarray | None]]):
    """The requests as arrays, which travel to the workers without using up file descriptors."""

    def __init__(self, requests: Iterable[BatchRequest], n_images: int) -> None:
        self.requests, self.n_images = requests, n_images

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        for rows, draws in self.requests:
            _check_request(rows, draws, self.n_images)
            yield rows.numpy(), None if draws is None else draws.numpy()


class _Decoder(Dataset[Tensor | str]):
    """What a worker does: a whole batch, or the message of why it cannot be had."""

    def __init__(self, images: StreamedImages) -> None:
        self.files, self.size, self.resize = images.files, images.size, images.resize

    def __getitem__(self, request: tuple[np.ndarray, np.ndarray | None]) -> Tensor | str:
        rows, draws = request
        try:
            with broken_metadata_ignored():
                return torch.stack([self._view(row, None if draws is None else draws[k]) for k, row in enumerate(rows)])
        except ValueError as error:
            return str(error)  # an exception would arrive wrapped in the worker's own traceback

    def _view(self, row: int, draws: np.ndarray | None) -> Tensor:
        image = read_image(self.files[row])
        if draws is None:
            return to_tensor(center_view(image, self.resize, self.size))
        return to_tensor(random_view(image, draws, size=self.size))


def append(
    images: Images, rows: Tensor, labels: Tensor, change: Callable[[Tensor], Tensor] | None = None
) -> DeviceImages | StreamedImages:
    """A new set of images with copies of some images at its end, under other labels.

    Args:
        images: `DeviceImages` or `StreamedImages`.
        rows: Which images are copied, (k,) of int64.
        labels: Labels of the copies, (k,) of int64.
        change: Changes the pixels of the copies, (k, C, H, W) of uint8 to the same; None leaves them.

    Returns:
        The images with k more rows; the old rows keep their numbers.

    Raises:
        ValueError: if a row is not there, labels do not fit, or pixels of streamed images are to be changed.
        TypeError: if `images` is of another kind.
    """
    _check_request(rows, None, len(images))
    _check_labels(labels, len(rows))
    everything = torch.cat([images.labels, labels])
    if isinstance(images, DeviceImages):
        copies = images.pixels[rows.to(images.device)]
        copies = copies if change is None else change(copies)
        return replace(images, pixels=torch.cat([images.pixels, copies]), labels=everything)
    if isinstance(images, StreamedImages):
        if change is not None:
            raise ValueError("Images that are read from their files while training goes on keep their pixels.")
        return replace(images, files=[*images.files, *(images.files[row] for row in rows.tolist())], labels=everything)
    raise TypeError(f"Images of the type {type(images).__name__} cannot be appended to.")


def _check_labels(labels: Tensor, n: int) -> None:
    of_type("labels", labels, Tensor)
    if labels.dtype != torch.int64 or labels.device.type != "cpu" or labels.shape != (n,):
        found = f"is {labels.dtype} of shape {tuple(labels.shape)} on {labels.device}"
        raise ValueError(f"Argument `labels` must be int64 of shape ({n},) on the CPU, but {found}.")


def _check_request(rows: Tensor, draws: Tensor | None, n: int) -> None:
    """On a GPU a bad row would end the process at some later time."""
    of_type("rows", rows, Tensor)
    of_type("draws", draws, Tensor, optional=True)
    if rows.dtype != torch.int64 or rows.ndim != 1:
        raise ValueError(f"Argument `rows` must be int64 of one axis, but is {rows.dtype} of {rows.ndim} axes.")
    if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < n:
        checks.fail("rows", f"lie in 0 to {n - 1}", [int(rows.min()), int(rows.max())])
    if draws is not None and draws.shape != (len(rows), N_DRAWS):
        raise ValueError(f"Argument `draws` must have shape {(len(rows), N_DRAWS)}, but has {tuple(draws.shape)}.")
