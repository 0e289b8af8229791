"""Samples of one's own: what is kept, what is read, and that what is drawn at random hangs on the request alone."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from deepnet.data.images import DeviceImages
from deepnet.own import reading
from deepnet.own.reading import ReadSamples
from deepnet.own.samples import TensorSamples, samples_of
from tests.deepnet.oracles import small_dataset
from tests.deepnet.own.foreign import table, texts

CPU = torch.device("cpu")


class Entries(Dataset):
    """A map-style data set that counts its readers, and perhaps draws."""

    def __init__(self, n: int = 40, draws: bool = False, targets: bool = True) -> None:
        self.x, self.y = table(n)
        self.draws, self.read = draws, 0
        if targets:
            self.targets = self.y.tolist()

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        self.read += 1
        noise = torch.rand(8) + np.random.rand() + random.random() if self.draws else 0.0  # noqa: NPY002
        return self.x[row] + noise, int(self.y[row])


def states() -> tuple[Any, ...]:
    """Of the three global generators."""
    numpy = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), numpy[1].tolist(), numpy[2], random.getstate()


def batch(samples: Any, rows: list[int], share: float | None = None) -> Tensor:
    draws = None if share is None else torch.full((len(rows), 4), share)
    (found,) = samples.batches([(torch.tensor(rows), draws)])
    return found


@pytest.mark.parametrize(
    "data",
    [
        table(40), list(table(40)), tuple(part.numpy() for part in table(40)), TensorDataset(*table(40)), Entries(),
        Subset(Entries(80), range(40)),
    ],
    ids=["pair", "list", "arrays", "tensors", "entries", "subset"],
)  # fmt: skip
def test_the_same_samples_in_every_form(data: Any) -> None:
    samples = samples_of("train_set", data, CPU)
    assert isinstance(samples, TensorSamples)
    x, y = table(80) if isinstance(data, Subset) else table(40)
    assert torch.equal(batch(samples, [3, 1]), x[[3, 1]])
    assert torch.equal(samples.labels, y[:40])
    assert samples.shape == (8,)


def test_whole_numbers_stay_whole() -> None:
    samples = samples_of("train_set", texts(), CPU)
    assert batch(samples, [0]).dtype == torch.int64


def test_ours_are_taken_as_they_are() -> None:
    data = small_dataset()
    assert isinstance(samples_of("train_set", data, CPU), DeviceImages)
    assert samples_of("test_set", data, CPU, part="test").labels is data.test.labels
    read = samples_of("train_set", Entries(draws=True), CPU)
    assert samples_of("train_set", read, CPU).labels is read.labels


def test_what_is_drawn_hangs_on_the_request_alone() -> None:
    samples = samples_of("train_set", Entries(draws=True), CPU)
    assert isinstance(samples, ReadSamples)
    first = batch(samples, [3, 1], 0.3)
    torch.rand(5)
    before = states()
    assert torch.equal(batch(samples, [3, 1], 0.3), first)
    assert torch.equal(batch(samples, [1], 0.3)[0], first[1])
    assert not torch.equal(batch(samples, [3, 1], 0.4), first)
    assert torch.equal(batch(samples, [3, 1]), batch(samples, [3, 1]))  # in testing always alike
    assert states() == before


def test_large_ones_are_read_and_known_labels_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_KEPT", 0)
    for data, most in ((Entries(), 33), (Subset(Entries(80), range(40)), 33), (Entries(targets=False), 73)):
        samples = samples_of("train_set", data, CPU)
        assert isinstance(samples, ReadSamples)
        entries = data.dataset if isinstance(data, Subset) else data
        assert entries.read <= most
        assert torch.equal(samples.labels, entries.y[:40])
        assert torch.equal(batch(samples, [5]), entries.x[[5]])


def test_labels_that_transforms_change_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_KEPT", 0)
    data = Entries()
    data.targets = [(label + 1) % 4 for label in data.targets]
    assert torch.equal(samples_of("train_set", data, CPU).labels, data.y)


def test_workers_read_the_same() -> None:
    data = Entries(draws=True)
    alone, helped = (samples_of("train_set", data, CPU, workers=workers) for workers in (0, 1))
    assert torch.equal(batch(alone, [3, 1], 0.3), batch(helped, [3, 1], 0.3))


class Streamed(IterableDataset):
    def __iter__(self):
        return iter([])


class Odd(Dataset):
    def __init__(self, *entries: Any) -> None:
        self.entries = entries

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, row: int) -> Any:
        return self.entries[row]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Streamed(), "must be a pair of tensors.*of the type Streamed"),
        (torch.zeros(3), "must be a pair of tensors.*of the type Tensor"),
        ("cifar", "must be a pair of tensors.*of the type str"),
        ((torch.zeros(3),), r"must be a pair of tensors.*holds 1 entry \(Tensor\)"),
        ((torch.zeros(3, 2), [0, 1, 1]), r"must be a pair.*\(Tensor, list\)"),
        ((torch.zeros(3, 2), torch.zeros(2)), r"the shapes \(3, 2\) and \(2,\)"),
        ((torch.zeros(3, 2), torch.zeros(3, 4)), r"the shapes \(3, 2\) and \(3, 4\)"),
        ((torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64)), "must hold at least one sample, but is empty"),
        ((torch.zeros(3, 2), torch.zeros(3)), "must have whole numbers as labels, but has float32"),
        (Odd(), "must hold at least one sample, but is empty"),
        (Odd(torch.zeros(2)), "entry 0 is of the type Tensor"),
        (Odd((torch.zeros(2), 1, 0)), r"entry 0 has 3 parts\."),
        (Odd(("x", 1)), "entry 0 has a sample of the type str"),
        (Odd((torch.zeros(2), 0.5)), "entry 0 has a class of the type float"),
        (Odd((torch.zeros(2), torch.zeros(2))), "entry 0 has a class of the type Tensor"),
        (Odd((torch.zeros(2), 0), (torch.zeros(3), 1)), r"one shape, but that of sample 0 is \(2,\).*\(3,\)"),
    ],
    ids=range(16),
)  # fmt: skip
def test_what_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"Argument `val_set` must .*{message}|`val_set` {message}"):
        samples_of("val_set", data, CPU)
