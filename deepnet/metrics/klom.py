"""KLoM: the divergence between the margins of many unlearned and of many retrained models, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from deepnet.house.seeding import generator
from deepnet.metrics.outputs import Outputs, margin
from simulate.house import checks

__all__ = ["Klom", "klom", "klom_null", "stack_margins"]

_MOST_BINS, _WIDEST = 10**6, 1e100
"""Bins that are counted at most, and the largest margins: beyond, floats do not hold a difference of two."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Klom:
    """Divergences of margins."""

    per_sample: np.ndarray
    """D_KL(unlearned ‖ retrained) in nats for each sample, (n,) float64, each at least 0."""

    def __post_init__(self) -> None:
        """Validate the field.

        Raises:
            ValueError: if it is empty or not finite.
        """
        checks.shape("per_sample", self.per_sample, ("n",))
        checks.finite("per_sample", self.per_sample)

    @property
    def mean(self) -> float:
        """Mean over the samples."""
        return float(self.per_sample.mean())

    @property
    def percentile_95(self) -> float:
        """95th percentile over the samples, the value that is usually reported."""
        return float(np.percentile(self.per_sample, 95))


def klom(
    unlearned: np.ndarray, retrained: np.ndarray, *, bins: int = 20, clip: float = 100.0, floor: float = 1e-5
) -> Klom:
    """D_KL(unlearned ‖ retrained) of the margins of each sample over models, from histograms.

    Per sample, margins are clipped to ±`clip` and counted in equal bins over the range of both groups together; the
    last bin is closed on the right, so that no margin is lost. With bin frequencies p of the unlearned and q of the
    retrained models, q is raised to `floor` where p > 0 and normalised again, and the value is Σ p log(p / q).

    **Few models are noise.** The models are the sample here: a bin that only an unlearned model fell into costs
    up to log(1 / `floor`) ≈ 11.5 nats times its frequency, which with a handful of models is nearly every bin. The
    originators use a hundred models a side. Always set the value beside `klom_null`.

    Args:
        unlearned: Margins, (number of unlearned models, n); see `stack_margins`.
        retrained: Margins, (number of retrained models, n), of the same samples.
        bins: Number of bins.
        clip: Largest absolute margin that counts.
        floor: Smallest frequency of the retrained models where unlearned ones are found.

    Returns:
        The divergences; all 0 if both groups have the same margins.

    Raises:
        ValueError: if a group has fewer than two models, is not finite, or has other samples than the other.

    Source: Rinberg et al. 2025, data-unlearning-bench, whose binning loses the largest margin of each sample.
    """
    checks.integer("bins", bins, least=2, most=_MOST_BINS)
    checks.real("clip", clip, positive=True)
    if clip > _WIDEST:
        checks.fail("clip", f"be at most {_WIDEST:g}", clip)
    checks.real("floor", floor, positive=True)
    checks.fraction("floor", floor)
    unlearned = np.clip(_group("unlearned", unlearned, models=2), -clip, clip)
    retrained = np.clip(_group("retrained", retrained, models=2), -clip, clip)
    checks.shape("retrained", retrained, ("models", unlearned.shape[1]))
    both = np.concatenate([unlearned, retrained])
    low, width = both.min(axis=0), np.ptp(both, axis=0)
    p = _frequencies(unlearned, low, width, bins)
    q = _frequencies(retrained, low, width, bins)
    q = np.where(p > 0.0, np.maximum(q, floor), q)
    q /= q.sum(axis=1, keepdims=True)
    return Klom(per_sample=np.maximum(rel_entr(p, q).sum(axis=1), 0.0))


def klom_null(
    retrained: np.ndarray, *, seed: int = 0, bins: int = 20, clip: float = 100.0, floor: float = 1e-5
) -> Klom:
    """The noise floor: `klom` between two random halves of the retrained models, which differ by chance alone.

    Its halves are smaller than the groups of the value it stands beside, so it tends to be too high; for an even
    comparison train twice as many models as are unlearned.

    Args:
        retrained: Margins, (at least four models, n); of an odd number one is left out.
        seed: Seed of the halving.
        bins: See `klom`.
        clip: See `klom`.
        floor: See `klom`.

    Raises:
        ValueError: if there are fewer than four models, or an argument is out of range.
    """
    retrained = _group("retrained", retrained, models=4)
    order = generator(seed, "klom null").permutation(len(retrained))
    half = len(retrained) // 2
    return klom(retrained[order[:half]], retrained[order[half : 2 * half]], bins=bins, clip=clip, floor=floor)


def stack_margins(models: Sequence[Outputs]) -> np.ndarray:
    """Margins of several models on the same samples, (number of models, n).

    Raises:
        ValueError: if there is no model, or if the labels differ between them.
    """
    if not models:
        raise ValueError("Argument `models` must hold the outputs of at least one model, but is empty.")
    for number, outputs in enumerate(models):
        if not np.array_equal(outputs.labels, models[0].labels):
            raise ValueError(f"Argument `models` must be of the same samples, but labels of model {number} differ.")
    return np.stack([margin(outputs) for outputs in models])


def _group(name: str, margins: np.ndarray, models: int) -> np.ndarray:
    array = checks.real_array(name, margins)
    checks.shape(name, array, ("models", "n"))
    if len(array) < models:
        raise ValueError(f"Argument `{name}` must hold at least {models} models, but holds {len(array)}.")
    return array


def _frequencies(margins: np.ndarray, low: np.ndarray, width: np.ndarray, bins: int) -> np.ndarray:
    """Fraction of the models in each bin, (n, bins); all in the first bin where the range is a point."""
    n = margins.shape[1]
    position = np.divide(margins - low, width, out=np.zeros_like(margins), where=width > 0.0)
    index = np.minimum((position * bins).astype(np.int64), bins - 1)
    counts = np.bincount((index + bins * np.arange(n)).ravel(), minlength=n * bins)
    return counts.reshape(n, bins) / len(margins)
