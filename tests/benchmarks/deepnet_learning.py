"""Whether what makes the loop fast changes what is learned: short trainings with every option beside float32.

The handwritten digits of scikit-learn, every tenth label wrong: the accuracy on test images says what was learned,
the part of the wrong labels that the model predicts says what was memorized, which unlearning is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from deepnet.data.datasets import DataConfig, Dataset, load
from deepnet.data.images import DeviceImages
from deepnet.data.splits import Split
from deepnet.learning.descent import Descent
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.methods import Pretrain, apply
from deepnet.metrics.accuracy import score
from deepnet.metrics.outputs import collect
from deepnet.networks.precision import half_type
from tests.benchmarks.deepnet_loops import network
from tests.benchmarks.deepnet_options import SHARPNESS, Options, Variant, autotuning
from tests.benchmarks.deepnet_timing import time_limit

__all__ = ["MARGIN", "Learned", "difference", "learned"]

MARGIN = 0.02
"""Difference of accuracies below which two options count as equivalent."""


@dataclass
class Learned:
    """What trainings with one option ended with, by seed."""

    variant: Variant
    test: list[float] = field(default_factory=list)
    """Accuracy on test images."""
    memorized: list[float] = field(default_factory=list)
    """Part of the wrong training labels that the model predicts."""
    failure: str | None = None
    """Why it was given up."""


def learned(
    tried: Sequence[Variant],
    options: Options,
    *,
    after_each: Callable[[list[Learned], Learned], None] = lambda found, last: None,
) -> list[Learned]:
    """Train with each option, seed by seed; a failure stops no other.

    Args:
        tried: The variants of our loop.
        options: Network, device, seeds, epochs and the time limit of a variant.
        after_each: Called after each training with all that was found, and with the one that it belongs to.
    """
    found = [Learned(variant) for variant in tried]
    dataset, wrong = _digits(options)
    for seed in range(options.seeds):
        for one in found:
            if one.failure is None:
                _train(one, options, dataset, wrong, seed)
                after_each(found, one)
    return found


def difference(mine: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float, str]:
    """Mean difference paired by seed, its 95 % interval, and what follows.

    Returns:
        Mean, lower and upper end, and "equivalent" (two one-sided tests at 5 % with `MARGIN`), "different" (0 lies
        outside of the interval), both, or "undecided".

    Example:
        >>> difference([0.9, 0.9, 0.9], [0.9, 0.9, 0.9])[3]
        'equivalent'
    """
    both = np.subtract(mine, theirs)
    n, mean = len(both), float(np.mean(both))
    if n < 2:
        return mean, -np.inf, np.inf, "undecided"
    error = float(np.std(both, ddof=1)) / n**0.5
    wide, narrow = (error * float(stats.t.ppf(level, n - 1)) for level in (0.975, 0.95))
    words = ["equivalent"] if abs(mean) + narrow < MARGIN else []
    words += ["different"] if abs(mean) > wide else []
    return mean, mean - wide, mean + wide, " and ".join(words) or "undecided"


def _digits(options: Options) -> tuple[Dataset, Tensor]:
    """Digits as colour images of 32 pixels on CUDA devices, of 8 elsewhere; and the rows with wrong labels."""
    dataset = load(DataConfig(name="digits"), options.on)
    factor = 4 if options.on.type == "cuda" else 1
    rng = np.random.default_rng(0)
    wrong = torch.from_numpy(np.sort(rng.permutation(len(dataset.train))[: len(dataset.train) // 10]))
    labels = dataset.train.labels.clone()
    labels[wrong] = (labels[wrong] + torch.from_numpy(rng.integers(1, 10, size=len(wrong)))) % 10
    parts = {}
    for name, given in (("train", labels), ("test", dataset.test.labels)):
        images = getattr(dataset, name)
        pixels = images.pixels.repeat_interleave(factor, 2).repeat_interleave(factor, 3).repeat(1, 3, 1, 1)
        parts[name] = DeviceImages(pixels, given)
    return replace(dataset, **parts, mean=dataset.mean * 3, std=dataset.std * 3), wrong


def _train(one: Learned, options: Options, dataset: Dataset, wrong: Tensor, seed: int) -> None:
    """One training."""
    variant, rows, none = one.variant, torch.arange(len(dataset.train)), torch.empty(0, dtype=torch.int64)
    split = Split(pretrain=rows, retain=rows, forget=none, val=none, seed=0)
    descent = Descent(lr=0.05, schedule="cosine")
    training = Training(epochs=options.epochs, batch_size=64, descent=descent, precision=variant.precision)
    try:
        with time_limit(options.limit), autotuning(variant):
            model = network(variant, options, seed=seed)
            apply(Pretrain(), Task(model, dataset, split, training, (seed,), SHARPNESS[variant.optimizer]))
            half = half_type(variant.precision)
            model.eval()
            right = score(collect(model, dataset.test, torch.arange(len(dataset.test)), autocast=half)).accuracy
            kept = score(collect(model, dataset.train, wrong, autocast=half)).accuracy
    except Exception as error:  # its row says so
        one.failure = f"{type(error).__name__}: {error}"[:200]
        return
    one.test.append(right)
    one.memorized.append(kept)
