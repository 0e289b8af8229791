"""Do estimated memorization scores rank images as published scores do?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from deepnet.studies.memorization import memorization_scores
from simulate.house import ties
from simulate.house.counting import counted
from theory.statistics import Estimate, bootstrap

__all__ = ["Agreement", "agreement", "reliability"]


@dataclass(frozen=True)
class Agreement:
    """How well two rankings of the same images agree."""

    correlation: Estimate
    """Spearman's rank correlation, its standard error from the bootstrap over images."""
    chance: tuple[float, float]
    """Where 95 % of the correlations lie when the published scores are shuffled: the negative control, around 0."""
    reliability: float
    """Rank correlation that the estimate would have with an independent one like it: a ceiling."""
    images: int
    """Number of images that have both scores."""
    models: int
    """Number of models behind the estimate."""


def agreement(seen: np.ndarray, right: np.ndarray, published: np.ndarray, rng: np.random.Generator) -> Agreement:
    """Compare the scores that votes amount to with published ones.

    Args:
        seen: Which images each model has seen, (models, n) of bool.
        right: Which it predicts rightly, (models, n) of bool.
        published: Published scores, (n,), large for images that are memorized; NaN where there is none.
        rng: Draws the bootstrap samples and the shuffled order.

    Raises:
        ValueError: if fewer than three images have both scores, or if the number of scores is not that of images.
    """
    estimated = memorization_scores(seen, right)
    if estimated.shape != published.shape:
        raise ValueError(
            f"Argument `published` must hold a score for each of {counted(len(estimated), 'image')}, but "
            f"holds {len(published)}."
        )
    known = np.isfinite(estimated) & np.isfinite(published)
    if known.sum() < 3:
        raise ValueError(
            f"Argument `published` must share at least 3 images with the estimate, but shares {known.sum()}."
        )
    ours, theirs = estimated[known], published[known]
    return Agreement(
        correlation=_correlation(ours, theirs, rng),
        chance=_chance(ours, theirs, rng),
        reliability=reliability(seen[:, known], right[:, known]),
        images=int(known.sum()),
        models=len(seen),
    )


def reliability(seen: np.ndarray, right: np.ndarray) -> float:
    """Rank correlation of the scores of one half of the models with those of the other, 2r/(1 + r) for all of them.

    Source: the formula of Spearman and Brown for a test of double length.
    """
    halves = [memorization_scores(seen[half::2], right[half::2]) for half in (0, 1)]
    known = np.isfinite(halves[0]) & np.isfinite(halves[1])
    r = _rank_correlation(halves[0][known], halves[1][known])
    return 2.0 * r / (1.0 + r)


def _correlation(one: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> Estimate:
    return bootstrap(lambda chosen: _rank_correlation(one[chosen], other[chosen]), len(one), rng)


def _chance(one: np.ndarray, other: np.ndarray, rng: np.random.Generator, shuffles: int = 400) -> tuple[float, float]:
    """The central 95 % of the rank correlations of shuffled scores."""
    found = [_rank_correlation(one, rng.permutation(other)) for _ in range(shuffles)]
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation, tied scores of one rank; NaN if either is constant."""
    one, other = ties.levels(one), ties.levels(other)  # 3/5 - 1/5 and 2/5 - 0 are one score
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)
