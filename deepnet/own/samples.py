"""Any labelled samples as the training loop asks for them: tensors, a map-style data set of torch, or our own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from deepnet.data.datasets import Dataset
from deepnet.data.images import BatchRequest, DeviceImages, Images, StreamedImages
from deepnet.own.reading import ReadSamples, read_dataset
from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["TensorSamples", "dataset_of", "samples_of"]

MOST_ON_A_CARD = 4 * 1024**3
"""Bytes of samples that are moved to a CUDA device as a whole; more travel there batch by batch."""

_NEED = "be a pair of tensors (samples, labels), a map-style data set of torch, or a data set of `deepnet`"


@dataclass(frozen=True, eq=False)
class TensorSamples:
    """Samples that lie in one tensor.

    Example:
        >>> samples = TensorSamples(torch.eye(3), torch.tensor([0, 1, 1]), torch.device("cpu"))
        >>> [batch.tolist() for batch in samples.batches([(torch.tensor([2, 0]), None)])]
        [[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]
    """

    values: Tensor
    """All samples, (n, ...) of any type, wherever they lie."""
    labels: Tensor
    """Their classes, (n,) of int64 on the CPU."""
    device: torch.device
    """Where batches are."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample."""
        return tuple(self.values.shape[1:])

    def batches(self, requests: Iterable[BatchRequest]) -> Iterator[Tensor]:
        """Gather one batch after another; nothing is augmented."""
        for rows, _ in requests:
            chosen = self.values[rows.to(self.values.device, non_blocking=True)]
            yield chosen.to(self.device, non_blocking=True)


def samples_of(name: str, data: Any, device: torch.device, *, workers: int = 0, part: str = "train") -> Images:
    """Labelled samples from what a user has.

    Args:
        name: Name of the argument, for messages.
        data: A pair of tensors or arrays, samples (n, ...) of any type and labels (n,) of whole numbers; a map-style
            data set of torch whose entries are such pairs; a `deepnet` data set, or one of its sets of images.
        device: Where batches shall be.
        workers: Processes that read entries of a torch data set that is too large, or too random, to be kept.
        part: Which part of a `deepnet` data set is meant, "train" or "test".

    Returns:
        The samples. Those of a torch data set whose entries are always the same, and take less than a gibibyte, are
        read once; all others when a batch needs them.

    Raises:
        ValueError: if it is none of these, is empty, or has labels that are no classes; the message names it.
    """
    if isinstance(data, Dataset):
        data = data.train if part == "train" else data.test
    if isinstance(data, DeviceImages):
        return replace(data, pixels=data.pixels.to(device))
    if isinstance(data, StreamedImages):
        return replace(data, device=device)
    if isinstance(data, TensorSamples | ReadSamples):
        return replace(data, device=device)
    if isinstance(data, TensorDataset):
        data = data.tensors
    if isinstance(data, tuple | list):
        return _from_pair(name, data, device)
    if (
        not hasattr(data, "__getitem__")
        or not hasattr(data, "__len__")
        or isinstance(data, str | bytes | dict | Tensor)
    ):
        hint = f"; its data set is `{name}.dataset`" if isinstance(data, DataLoader) else ""
        raise ValueError(f"Argument `{name}` must {_NEED}, but is of the type {type(data).__name__}{hint}.")
    read = read_dataset(name, data, device, workers)
    return read if isinstance(read, ReadSamples) else _from_pair(name, read, device)


def _from_pair(name: str, pair: Any, device: torch.device) -> TensorSamples:
    if len(pair) != 2 or not all(isinstance(one, Tensor | np.ndarray) for one in pair):
        kinds = ", ".join(type(one).__name__ for one in pair[:3])
        raise ValueError(
            f"Argument `{name}` must {_NEED}, but holds {counted(len(pair), 'entry', 'entries')} ({kinds})."
        )
    values, labels = (torch.as_tensor(one) for one in pair)
    if values.ndim < 1 or labels.ndim != 1 or len(values) != len(labels):
        raise ValueError(
            f"Argument `{name}` must have samples (n, ...) and labels (n,), but they have the shapes "
            f"{tuple(values.shape)} and {tuple(labels.shape)}."
        )
    if not len(labels):
        raise ValueError(f"Argument `{name}` must hold at least one sample, but is empty.")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        kind = str(labels.dtype).removeprefix("torch.")
        raise ValueError(f"Argument `{name}` must have whole numbers as labels, but has {kind}.")
    small = values.nbytes <= MOST_ON_A_CARD
    return TensorSamples(values.to(device) if small else values, labels.to("cpu", torch.int64), device)


def dataset_of(name: str, train: Images, test: Images | None, n_classes: int) -> Dataset:
    """A data set of samples of one's own, as a `Task` asks for it."""
    nothing = TensorSamples(torch.empty(0), torch.empty(0, dtype=torch.int64), train.device)
    names = tuple(str(number) for number in range(n_classes))
    checks.integer("n_classes", n_classes, least=2)
    return Dataset(name, train, nothing if test is None else test, names, mean=(), std=())
