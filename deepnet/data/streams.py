"""Endless streams of batches in which batch t is a function of t alone, whatever was read before or elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from deepnet.data.augment import N_DRAWS
from deepnet.data.images import Images
from deepnet.house.seeding import generator, seed_words
from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["Batch", "Relabel", "Stream", "smallest_batch"]


def smallest_batch(images: int, batch_size: int) -> int:
    """The size of the smallest batch into which a pass over so many images is cut.

    Example:
        >>> smallest_batch(35, 12), smallest_batch(5, 2)
        (11, 1)
    """
    return images // -(-images // batch_size)


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """What one process sees of one batch."""

    x: Tensor
    """Samples on the device; images are (b, C, H, W) of uint8."""
    y: Tensor
    """Their labels, (b,) of int64 on the device."""
    rows: Tensor
    """Their rows, (b,) of int64 on the CPU."""
    total: int
    """Images in the whole batch, over all processes."""
    world: int
    """Number of processes."""

    def mean(self, values: Tensor) -> Tensor:
        """This process's part of the mean over the whole batch: summed over processes it is that mean.

        Args:
            values: One value for each image here, (b,).

        Returns:
            The sum of `values` divided by the size of the whole batch.
        """
        return values.sum() / self.total

    def share(self, value: Tensor) -> Tensor:
        """This process's part of a value that every process knows: summed over processes it is that value."""
        return value / self.world


@dataclass(frozen=True, eq=False)
class Relabel:
    """Labels drawn anew, uniformly over all classes (the true one too), at each visit."""

    rows: Tensor
    """The rows it concerns, (k,) of int64; others keep their labels."""
    n_classes: int
    """Number of classes."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.integer("n_classes", self.n_classes, least=1)


@dataclass(frozen=True, eq=False)
class Stream:
    """An endless sequence of batches: passes over some rows, each in its own random order.

    A pass is cut into ⌈n / batch_size⌉ batches whose sizes differ by at most one, so none is so small that it
    upsets BatchNorm. With several processes, process r holds every `world`-th image of a batch from the r-th on,
    augmented as a single process would.

    Raises:
        ValueError: if an argument is out of range, or a batch has fewer images than there are processes.
    """

    images: Images
    """Where the images are."""
    rows: Tensor
    """Rows of `images` that a pass goes through, (n,) of int64 on the CPU."""
    batch_size: int
    """Largest number of images in a batch, over all processes."""
    seed: int | Sequence[int]
    """Decides every order and every augmentation."""
    _: KW_ONLY
    augment: bool = True
    """Augment the images, anew at each visit."""
    rank: int = 0
    """Number of this process."""
    world: int = 1
    """Number of processes."""
    relabel: Relabel | None = None
    """Rows whose labels are drawn at random at each visit."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.integer("batch_size", self.batch_size, least=1)
        checks.boolean("augment", self.augment)
        checks.integer("world", self.world, least=1)
        checks.integer("rank", self.rank, least=0)
        if self.rank >= self.world:
            checks.fail("rank", f"be less than the number of processes, {self.world}", self.rank)
        object.__setattr__(self, "seed", seed_words(self.seed))
        rows = self.rows
        if rows.dtype != torch.int64 or rows.ndim != 1 or not len(rows):
            found = f"is {rows.dtype} of shape {tuple(rows.shape)}"
            raise ValueError(f"Argument `rows` must be int64 of shape (n,) with n of at least 1, but {found}.")
        if not 0 <= int(rows.min()) <= int(rows.max()) < len(self.images):
            checks.fail("rows", f"lie in 0 to {len(self.images) - 1}", [int(rows.min()), int(rows.max())])
        if smallest_batch(len(rows), self.batch_size) < self.world:
            requirement = (
                f"leave each batch an image for each of {self.world} processes (of {counted(len(rows), 'image')})"
            )
            checks.fail("batch_size", requirement, self.batch_size)

    @property
    def steps_per_pass(self) -> int:
        """Number of batches in which every row is seen once."""
        return -(-len(self.rows) // self.batch_size)

    def batches(self, start: int = 0) -> Iterator[Batch]:
        """The batches start, start + 1, ..., without end.

        Args:
            start: Number of the first batch.

        Yields:
            One batch after another; images that are read from files are read ahead.

        Raises:
            ValueError: if `start` is not a whole number of at least 0.
        """
        checks.integer("start", start, least=0)
        asked, planned = itertools.tee(self._plan(t) for t in itertools.count(start))
        found = self.images.batches((plan.rows, plan.draws) for plan in asked)
        for x, plan in zip(found, planned, strict=False):
            y = plan.labels.to(self.images.device, non_blocking=True)
            yield Batch(x=x, y=y, rows=plan.rows, total=plan.total, world=self.world)

    def _plan(self, t: int) -> _Plan:
        """Everything about batch t but its pixels: drawn for the whole batch, then this process's part of it."""
        number, part = divmod(t, self.steps_per_pass)
        bounds = [len(self.rows) * k // self.steps_per_pass for k in (part, part + 1)]
        whole = self.rows[_permutation(self.seed, len(self.rows), number)[slice(*bounds)]]
        mine = slice(self.rank, None, self.world)
        labels = self.images.labels[whole]
        if self.relabel is not None:
            drawn = generator(self.seed, "labels", t).integers(self.relabel.n_classes, size=len(whole))
            labels = torch.where(torch.isin(whole, self.relabel.rows), torch.from_numpy(drawn), labels)
        draws = None
        if self.augment:
            draws = torch.from_numpy(generator(self.seed, "draws", t).random((len(whole), N_DRAWS)))[mine]
        return _Plan(whole[mine], labels[mine], draws, len(whole))


@dataclass(frozen=True, eq=False)
class _Plan:
    rows: Tensor
    labels: Tensor
    draws: Tensor | None
    total: int


@lru_cache(maxsize=4)  # a retain and a forget stream, and a pass begun while another is still read ahead
def _permutation(seed: tuple[int, ...], n: int, number: int) -> Tensor:
    """The order of one pass, (n,)."""
    return torch.from_numpy(generator(seed, "order", number).permutation(n).astype(np.int64))
