"""What the benchmark of the deep networks is asked: `python -m tests.benchmarks deepnet --help`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import torch

from deepnet.house.environment import find_device
from deepnet.learning.sharpness import Sharpness, sam, sgd
from deepnet.networks.models import Architecture
from deepnet.networks.modes import autotuned
from deepnet.networks.precision import Precision
from simulate.house import checks

__all__ = ["SHARPNESS", "Options", "Part", "Variant", "autotuning", "chosen", "variants"]

Part = Literal["operations", "products", "speed", "learned"]
"""What can be measured by itself."""

SHARPNESS: dict[str, Sharpness] = {"SGD": sgd(), "SAM": sam(0.1)}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Speed of the training loop beside a plain one, and whether what makes it fast changes what is learned."""

    device: str = "auto"
    """cpu, cuda, or auto for the first CUDA device if there is one."""
    architecture: Architecture | None = None
    """Network, with the stem of CIFAR; None is resnet50 on CUDA devices and a small convnet elsewhere."""
    image_size: int = 32
    """Side of the images in pixels."""
    batch_size: int | None = None
    """Images of a batch; None is 256 on CUDA devices and 64 elsewhere."""
    steps: int | None = None
    """Timed steps of a block; None is 40 on CUDA devices and 8 elsewhere."""
    warm: int | None = None
    """Steps before them that are not timed; None is 10 on CUDA devices and 2 elsewhere."""
    rounds: int = 5
    """Rounds, in each of which every variant runs one block."""
    workers: int | None = None
    """Processes that load images for the plain loop; None is one for each core but at most 8."""
    limit: float = 240.0
    """Seconds that a variant may take over all rounds, compiling included."""
    seeds: int = 5
    """Seeds of the trainings that compare what is learned; 0 leaves them out."""
    epochs: int = 8
    """Their epochs."""
    parts: tuple[Part, ...] = ()
    """What to measure, in this order: operations (counted for a step, without a card), products (the rate of a large
    one), speed, learned; none named is all of it, but operations where there is a card, which they do not need."""
    only: tuple[str, ...] = ()
    """Only variants with these words in their names, such as ours SAM float16; none named is all."""
    out: Path = Path("results/deepnet_speed.json")
    """Where all figures are kept as they come, with configuration, versions and hardware."""

    def __post_init__(self) -> None:
        """Validate every field."""
        for name in ("image_size", "batch_size", "steps", "rounds", "epochs"):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name), least=1)
        for name in ("warm", "workers", "seeds"):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name), least=0)
        checks.real("limit", self.limit, positive=True)
        for part in self.parts:
            checks.choice("parts", part, get_args(Part))

    def resolved(self) -> Options:
        """The same with every None replaced by what it stands for here."""
        fast = find_device(self.device).type == "cuda"
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        usual = {
            "device": str(find_device(self.device)), "architecture": "resnet50" if fast else "convnet",
            "batch_size": 256 if fast else 64, "steps": 40 if fast else 8, "warm": 10 if fast else 2,
            "workers": min(cores, 8),
        }  # fmt: skip
        parts = self.parts or tuple(part for part in get_args(Part) if part != "operations" or not fast)
        given = {name: getattr(self, name) for name in usual if getattr(self, name) is not None}
        return replace(self, **{**usual, **given, "device": usual["device"], "parts": parts})  # type: ignore[arg-type]

    @property
    def on(self) -> torch.device:
        """The device."""
        return find_device(self.device)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A loop with its options."""

    loop: str
    """"ours"; "plain", written as most people would; or "bare": passes and steps on one batch, nothing else."""
    optimizer: str = "SGD"
    """SGD or SAM."""
    precision: Precision = "float32"
    """Number format of products."""
    channels_last: bool = False
    compile: bool = False
    """Whether torch.compile fuses the network."""
    autotune: bool = False
    """Whether cuDNN tries its algorithms and takes the fastest."""

    @property
    def label(self) -> str:
        """The variant in words."""
        words = [self.loop, self.optimizer, self.precision]
        return " ".join([*words, *(name for name in ("channels_last", "compile", "autotune") if getattr(self, name))])


def autotuning(variant: Variant) -> AbstractContextManager[None]:
    """Within it cuDNN tries its algorithms if the variant says so."""
    return autotuned(variant.autotune)


def chosen(tried: Sequence[Variant], words: Sequence[str]) -> list[Variant]:
    """The variants whose names have all of some words.

    Raises:
        ValueError: if there is none; the message has their names.

    Example:
        >>> [one.label for one in chosen(variants(torch.device("cpu")), ["ours", "SAM", "channels_last"])]
        ['ours SAM float32 channels_last']
    """
    found = [one for one in tried if set(words) <= set(one.label.split())]
    if not found:
        known = ", ".join(one.label for one in tried)
        raise ValueError(f"Argument `only` must hold words of a variant out of {known}, but has {' '.join(words)}.")
    return found


def variants(device: torch.device) -> list[Variant]:
    """What is tried, in the order in which each round runs it; what is most likely to fail comes last."""
    cuda = device.type == "cuda"
    plain: Precision = "tf32" if cuda else "float32"
    found = []
    for optimizer in SHARPNESS:
        found += [Variant(loop=loop, optimizer=optimizer, precision=plain, autotune=cuda) for loop in ("plain", "bare")]
        found.append(Variant(loop="ours", optimizer=optimizer))
        found.append(Variant(loop="ours", optimizer=optimizer, channels_last=True))
    ours: list[Variant] = []
    if cuda:
        ours = [
            Variant(loop="ours", precision="tf32", autotune=True),
            Variant(loop="ours", precision="float16"),
            Variant(loop="ours", precision="float16", channels_last=True),
            Variant(loop="ours", precision="float16", channels_last=True, autotune=True),
            Variant(loop="ours", precision="float16", channels_last=True, autotune=True, compile=True),
        ]
    else:
        ours = [Variant(loop="ours", precision="bfloat16")]
    return found + [replace(one, optimizer=optimizer) for one in ours for optimizer in SHARPNESS]
