"""Mean loss and accuracy of a model on its sets, as trajectories, thresholds and measurements all take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from deepnet.data.datasets import Dataset
from deepnet.data.images import Images
from deepnet.data.splits import Split
from deepnet.house.seeding import generator
from deepnet.metrics.accuracy import Score
from deepnet.metrics.outputs import NotFiniteError
from deepnet.networks.modes import evaluating
from deepnet.networks.precision import Precision, autocast

__all__ = ["SETS", "Sets", "Sight", "held_out_loss", "look_at", "losses_of"]

SETS = ("retain", "forget", "val", "test")
"""The sets that a model is looked at on."""
_CHUNK = 512
_KEPT = 16 * _CHUNK
"""Most images that stay gathered, since they are looked at after every step."""


@dataclass(frozen=True, eq=False)
class Sight:
    """Some images in the order in which a model is shown them."""

    images: Images
    """Where they are."""
    rows: Tensor
    """Which of them, (n,) of int64 on the CPU."""

    @property
    def chunks(self) -> Iterable[tuple[Tensor, Tensor]]:
        """The images and their labels, in batches of 512."""
        return self._kept if len(self.rows) <= _KEPT else self._read()

    @cached_property
    def _kept(self) -> list[tuple[Tensor, Tensor]]:
        return list(self._read())

    def _read(self) -> Iterator[tuple[Tensor, Tensor]]:
        chunks = self.rows.split(_CHUNK)
        pictures = self.images.batches((chunk, None) for chunk in chunks)
        for x, chunk in zip(pictures, chunks, strict=True):
            yield x, self.images.labels[chunk].to(x.device)

    def at_most(self, count: int | None, *name: str | int) -> Sight:
        """So many of the images at random, the same for every model; all of them for None."""
        if count is None or count >= len(self.rows):
            return self
        chosen = generator(0, "probe", *name).permutation(len(self.rows))[:count]
        return Sight(self.images, self.rows[torch.from_numpy(np.sort(chosen))])


@dataclass(frozen=True, eq=False)
class Sets:
    """The four sets of a replicate."""

    by_name: Mapping[str, Sight]
    """By the names of `SETS`."""

    @classmethod
    def of(cls, dataset: Dataset, split: Split) -> Sets:
        """All images of each set."""
        train, test = dataset.train, dataset.test
        found = {"retain": split.retain, "forget": split.forget, "val": split.val}
        return cls({name: Sight(train, rows) for name, rows in found.items()} | {
            "test": Sight(test, torch.arange(len(test)))
        })  # fmt: skip

    def probe(self, count: int | None) -> Sets:
        """At most so many images of each set, but all of the forget set."""
        return Sets(
            {name: sight if name == "forget" else sight.at_most(count, name) for name, sight in self.by_name.items()}
        )


def look_at(model: nn.Module, sight: Sight, precision: Precision = "float32") -> Score:
    """Accuracy and mean cross-entropy of a model on some images, as in testing.

    Losses are made of the logits in double precision, so that what is small keeps its digits. The same images are
    always cut into the same batches: a threshold and what is held against it are the same sum.

    Raises:
        NotFiniteError: if a logit is NaN or infinite.
    """
    losses, right = losses_of(model, sight, precision)
    return Score(accuracy=float(right.double().mean()), loss=float(losses.mean()), n=len(losses))


def held_out_loss(model: nn.Module, forget: Sight, val: Sight, precision: Precision = "float32") -> float:
    """What the mean loss on a forget set would be, had its images been held out, as far as their classes tell.

    The mean over the forget set of the mean loss on the validation images of the same class. Images that were chosen
    since they are hard have a larger one, which only a retrained network knows.

    Args:
        model: The network before unlearning.
        forget: The forget set.
        val: The validation images, which no network was trained on.
        precision: Number format of the products.

    Raises:
        NotFiniteError: if a logit is NaN or infinite.
        ValueError: if there are no validation images of a class.
    """
    losses, _ = losses_of(model, val, precision)
    classes = val.images.labels[val.rows]
    total = 0.0
    for cls, count in zip(*forget.images.labels[forget.rows].unique(return_counts=True), strict=True):
        same = losses[classes == cls]
        if not len(same):
            raise ValueError(f"Argument `val` must hold images of the forgotten class {int(cls)}, but does not.")
        total += float(same.mean()) * int(count)
    return total / len(forget.rows)


@torch.no_grad()
def losses_of(model: nn.Module, sight: Sight, precision: Precision = "float32") -> tuple[Tensor, Tensor]:
    """For each image its loss (n,) of float64 and whether the model is right (n,) of bool, on the CPU.

    Raises:
        NotFiniteError: if a logit is NaN or infinite.
    """
    losses, right = [], []
    with evaluating(model):
        for x, y in sight.chunks:
            with autocast(precision, x.device):
                logits = model(x)
            losses.append(torch.nn.functional.cross_entropy(logits.double(), y, reduction="none"))
            right.append(logits.argmax(1) == y)
    found = torch.cat(losses).cpu()
    if not bool(found.isfinite().all()):
        raise NotFiniteError("Argument `logits` must be finite, but is not.")
    return found, torch.cat(right).cpu()
