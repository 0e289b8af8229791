"""Map-style data sets of torch, read by row: what they draw at random is a function of the request alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torch.utils.data import Dataset as TorchDataset

from deepnet.data.images import BatchRequest, Requests
from deepnet.house.seeding import generator
from simulate.house.counting import counted

__all__ = ["MOST_KEPT", "ReadSamples", "read_dataset"]

MOST_KEPT = 1024**3
"""Bytes of samples that are kept in memory once they were read."""
_TRIED = 16
"""Entries that are read twice, to see whether a data set draws them at random."""
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class ReadSamples:
    """Samples that are read from a torch data set when a batch needs them.

    What an entry draws at random (crops, flips) is drawn from the numbers that a request brings, anew at each visit, by
    Python's, NumPy's and torch's global generators, which are left as they were; where a request brings none, as in
    testing, it is drawn from the number of the row, always alike.
    """

    data: Any
    """The data set, whose entries are pairs of a sample and its class."""
    labels: Tensor
    """The classes, (n,) of int64 on the CPU."""
    shape: tuple[int, ...]
    """Shape of a sample."""
    device: torch.device
    """Where batches are."""
    name: str = "train_set"
    """The argument that it came as, for messages."""
    workers: int = 0
    """Processes that read; 0 reads in this one."""

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, requests: Iterable[BatchRequest]) -> Iterator[Tensor]:
        """Read one batch after another, each in one worker.

        Raises:
            ValueError: if samples differ in shape.
        """
        reader = _Reader(self.data, self.name)
        for batch, _ in _loaded(reader, requests, len(self), self.workers, self.device):
            yield batch.to(self.device, non_blocking=True)


def read_dataset(name: str, data: Any, device: torch.device, workers: int = 0) -> ReadSamples | tuple[Tensor, Tensor]:
    """The samples and labels of a torch data set as tensors, or where that is too much, what reads them.

    Args:
        name: Name of the argument, for messages.
        data: The data set.
        device: Where batches shall be.
        workers: Processes that read.

    Raises:
        ValueError: if it is empty, or an entry is no pair of a sample and a class; the message names it.
    """
    n = len(data)
    if not n:
        raise ValueError(f"Argument `{name}` must hold at least one sample, but is empty.")
    reader = _Reader(data, name)
    first, _ = reader.entry(0)
    some = np.unique(np.linspace(0, n - 1, min(n, _TRIED)).astype(np.int64))
    drawn = [reader[(some, np.full((len(some), 4), share))] for share in (0.25, 0.75)]
    constant = torch.equal(drawn[0][0], drawn[1][0])
    requests = [(chunk, None) for chunk in torch.arange(n).split(_CHUNK)]
    if constant and n * first.nbytes <= MOST_KEPT:
        batches, labels = zip(*_loaded(reader, requests, n, workers, torch.device("cpu")), strict=True)
        return torch.cat(batches), torch.cat(labels)
    known = _known_labels(data)
    if known is None or not torch.equal(known[some], drawn[0][1]):
        known = torch.cat([found for _, found in _loaded(reader, requests, n, workers, torch.device("cpu"))])
    return ReadSamples(data, known, tuple(first.shape), device, name, workers)


def _loaded(
    reader: _Reader, requests: Iterable[BatchRequest], n: int, workers: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Samples and labels of one request after another, read ahead by workers."""
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        reader, batch_size=None, sampler=Requests(requests, n), num_workers=workers,
        prefetch_factor=2 if workers else None, pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # else it seeds its workers from the global one
    )  # fmt: skip
    yield from loader


class _Reader(TorchDataset[tuple[Tensor, Tensor]]):
    """Reads a whole batch."""

    def __init__(self, data: Any, name: str) -> None:
        self.data, self.name = data, name

    def __getitem__(self, request: tuple[np.ndarray, np.ndarray | None]) -> tuple[Tensor, Tensor]:
        rows, draws = request
        with _generators_restored():
            found = [self._visit(int(row), None if draws is None else draws[k]) for k, row in enumerate(rows)]
        samples, labels = zip(*found, strict=True)
        shapes = {tuple(sample.shape): row for sample, row in zip(samples, rows.tolist(), strict=True)}
        if len(shapes) > 1:
            (one, row), (other, another) = list(shapes.items())[:2]
            raise ValueError(
                f"Argument `{self.name}` must hold samples of one shape, but that of sample {row} is {one} and that of "
                f"sample {another} {other}."
            )
        return torch.stack(samples), torch.tensor(labels, dtype=torch.int64)

    def _visit(self, row: int, draws: np.ndarray | None) -> tuple[Tensor, int]:
        """An entry, whose random draws hang on the numbers of its visit."""
        words = [row] if draws is None else [int(value * 2**32) for value in draws]
        seed = int(generator(words, "visit").integers(2**32))
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - what transforms of other people draw from
        torch.default_generator.manual_seed(seed)
        return self.entry(row)

    def entry(self, row: int) -> tuple[Tensor, int]:
        """A sample and its class.

        Raises:
            ValueError: if the data set has something else there.
        """
        found = self.data[row]
        need = f"Argument `{self.name}` must have pairs of a tensor and a class as entries, but entry {row}"
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise ValueError(f"{need} is of the type {type(found).__name__}.")
        if len(found) != 2:
            raise ValueError(f"{need} has {counted(len(found), 'part')}.")
        sample, label = found
        if isinstance(sample, np.ndarray | np.generic):
            sample = torch.as_tensor(sample)
        if not isinstance(sample, Tensor):
            raise ValueError(f"{need} has a sample of the type {type(sample).__name__}.")
        whole = getattr(label, "item", lambda: label)() if getattr(label, "ndim", 0) == 0 else label
        if isinstance(whole, bool) or not isinstance(whole, int):
            raise ValueError(f"{need} has a class of the type {type(whole).__name__}.")
        return sample.detach(), whole


@contextmanager
def _generators_restored() -> Iterator[None]:
    """Within it, the global generators may be seeded; afterwards they are as they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def _known_labels(data: Any) -> Tensor | None:
    """The classes by the habits of torch's and torchvision's data sets, without reading an entry; None if unknown."""
    if isinstance(data, Subset):
        inner = _known_labels(data.dataset)
        return None if inner is None else inner[torch.as_tensor(data.indices, dtype=torch.int64)]
    for name in ("targets", "labels", "_labels"):
        found = getattr(data, name, None)
        if found is None:
            continue
        try:
            labels = torch.as_tensor(found)
        except (TypeError, ValueError, RuntimeError):
            return None
        if labels.shape == (len(data),) and not labels.is_floating_point():
            return labels.to("cpu", torch.int64)
    return None
