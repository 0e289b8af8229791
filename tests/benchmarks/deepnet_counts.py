"""What a step of the training loop asks of a card: operations, waits of the host, bytes sent; counted without a card.

A pretended card (`tests.deepnet.pretended_card`) keeps the books. Where kernels are short, as with networks for small
images, the operations of a step times some microseconds of the host are a floor of its time; a wait costs more, since
the card is idle until the host has asked for the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch

from deepnet.data.augment import Augment
from deepnet.data.datasets import Dataset
from deepnet.data.images import DeviceImages
from deepnet.data.splits import Split
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.methods import Pretrain, SharpMinMax, apply
from deepnet.methods.base import Method
from deepnet.networks.models import ModelConfig, Network, build
from deepnet.networks.precision import Precision
from tests.benchmarks.measurement import Figure
from tests.deepnet.pretended_card import CARD, Books, pretended_card

__all__ = ["COUNTED", "Count", "count_step", "counts", "noise_task"]

COUNTED: MappingProxyType[str, tuple[Method, Sharpness]] = MappingProxyType(
    {
        "SGD": (Pretrain(), sgd()), "SAM": (Pretrain(), sam(0.1)), "ASAM": (Pretrain(), asam(1.0)),
        "Sharp MinMax with ASAM": (SharpMinMax(), asam(1.0)),
    }
)  # fmt: skip
"""What is counted."""


@dataclass(frozen=True)
class Count:
    """What one step asks for."""

    operations: int
    """Dispatched operations, views among them."""
    waits: int
    """How often the host waits for the card."""
    sent: int
    """Bytes that go to the card."""


def noise_task(model: Network, precision: Precision = "float32", sharpness: Sharpness | None = None) -> Task:
    """Twelve images of 8x8 pixels on the card: a CPU is quick with them, in as many operations as with large ones."""
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.integers(0, 256, size=(12, 3, 8, 8), dtype=np.uint8)).to(CARD)
    images = DeviceImages(pixels, torch.arange(12) % 3, Augment(pad=1))
    dataset = Dataset("noise", images, images, ("a", "b", "c"), (0.5,) * 3, (0.25,) * 3)
    rows = torch.arange(12)
    split = Split(pretrain=rows, retain=rows[:8], forget=rows[8:], val=rows[:0], seed=0)
    training = Training(epochs=1, batch_size=2, descent=Descent(lr=1e-3), precision=precision)
    return Task(model, dataset, split, training, (0,), sharpness or sgd())


class _SeenError(Exception):
    """Ends a training that has made the step which is looked at."""


def count_step(method: Method, task: Task, books: Books) -> Count:
    """Count what the second step asks for; in the first, optimizers begin to remember."""
    seen: list[Count] = []

    def look(number: int) -> None:
        seen.append(Count(sum(books.operations.values()), sum(books.waits.values()), sum(books.sent)))
        if number == 2:
            raise _SeenError

    with suppress(_SeenError):
        apply(method, task, on_step=look)
    before, after = seen
    return Count(after.operations - before.operations, after.waits - before.waits, after.sent - before.sent)


def counts(architecture: str = "resnet18") -> Iterator[Figure]:
    """A figure for each optimizer, in the format and layout that are meant for cards and in plain float32."""
    config = ModelConfig(architecture=architecture, stem="cifar", width=32)  # type: ignore[arg-type]
    for precision, last in (("float32", False), ("float16", True)):
        for name, (method, sharpness) in COUNTED.items():
            with pretended_card() as books:
                model = build(config, n_classes=3, channels=3, mean=(0.5,) * 3, std=(0.25,) * 3, seed=0)
                if last:
                    model.memory_format = torch.channels_last
                    model = model.to(memory_format=torch.channels_last)
                task = noise_task(model.to(CARD), precision, sharpness)  # type: ignore[arg-type]
                found = count_step(method, task, books)
            layout = " channels_last" if last else ""
            value = f"{found.operations:,} operations, {found.waits} waits, {found.sent} bytes sent"
            yield Figure(f"a step of {name}, {architecture}, {precision}{layout}", value, "no wait", found.waits == 0)
