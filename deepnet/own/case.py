"""A network with its samples, checked: what is retained, forgotten, validated on and tested on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from deepnet.data.datasets import Dataset
from deepnet.data.images import Images
from deepnet.data.splits import Split
from deepnet.matched.watched.looking import Sight
from deepnet.own.forgetting import split_of
from deepnet.own.networks import check_labels, classes_of
from deepnet.own.samples import dataset_of, samples_of
from simulate.house import checks

__all__ = ["MOST_GATHERED", "Case", "OwnSight"]

MOST_GATHERED = 256 * 1024**2
"""Bytes of samples of one set that stay gathered between two looks at a network."""


@dataclass(frozen=True, eq=False)
class Case:
    """Samples that go with a network."""

    dataset: Dataset
    """Those it was trained on, and those it is tested on, if any."""
    split: Split
    """What of the former is retained and forgotten."""
    val: Images | None
    """Those it is validated on."""

    @classmethod
    def of(
        cls,
        model: nn.Module,
        train_set: Any,
        forget: Any,
        device: torch.device,
        *,
        test_set: Any = None,
        val_set: Any = None,
        without: Any = None,
        workers: int = 0,
    ) -> Case:
        """Bring samples to a device and require that they go with a network that is there.

        Raises:
            ValueError: if something does not go with something else; the message names the argument.
        """
        checks.integer("workers", workers, least=0)
        if test_set is None and isinstance(train_set, Dataset):
            test_set = train_set
        given = {"train_set": (train_set, "train"), "test_set": (test_set, "test"), "val_set": (val_set, "test")}
        sets = {
            name: samples_of(name, data, device, workers=workers, part=part)
            for name, (data, part) in given.items()
            if data is not None
        }
        split = split_of(forget, sets["train_set"].labels, without=without)
        n_classes = classes_of("model", model, sets["train_set"])
        for name, samples in sets.items():
            check_labels(name, samples.labels, n_classes)
            _check_alike(name, samples, sets["train_set"])
        dataset = dataset_of("own", sets["train_set"], sets.get("test_set"), n_classes)
        return cls(dataset, split, sets.get("val_set"))

    def sights(self, probe: int, batch: int) -> dict[str, Sight]:
        """What a network is looked at on, in batches: so many retained and validation samples, all forgotten."""
        found = {"retain": Sight(self.dataset.train, self.split.retain).at_most(probe, "retain")}
        found["forget"] = Sight(self.dataset.train, self.split.forget)
        if self.val is not None:
            found["val"] = Sight(self.val, torch.arange(len(self.val))).at_most(probe, "val")
        return {name: OwnSight(one.images, one.rows, batch) for name, one in found.items()}


@dataclass(frozen=True, eq=False)
class OwnSight(Sight):
    """Some samples, which stay gathered unless they are large, as pictures of floats may be."""

    batch: int
    """Samples of a batch, which the network is known to bear."""

    @property
    def chunks(self) -> Iterable[tuple[Tensor, Tensor]]:
        """The samples and their labels, in batches."""
        return self._kept if self._are_small else self._read()

    @cached_property
    def _are_small(self) -> bool:
        (sample,) = self.images.batches([(self.rows[:1], None)])
        return sample.nbytes * len(self.rows) <= MOST_GATHERED

    def _read(self) -> Iterator[tuple[Tensor, Tensor]]:
        chunks = self.rows.split(self.batch)
        for x, chunk in zip(self.images.batches((chunk, None) for chunk in chunks), chunks, strict=True):
            yield x, self.images.labels[chunk].to(x.device)


def _check_alike(name: str, samples: Images, others: Images) -> None:
    """Require samples of the shape of those that a network was trained on."""
    if samples.shape != others.shape:
        raise ValueError(
            f"Argument `{name}` must hold samples of the shape of those of `train_set`, {others.shape}, but they have "
            f"{samples.shape}."
        )
