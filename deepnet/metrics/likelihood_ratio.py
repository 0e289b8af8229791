"""U-LiRA: does a sample's confidence tell models that unlearned it from models that never saw it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepnet.house.seeding import generator
from deepnet.metrics.attacks import threshold_attack
from simulate.house import checks, ties

__all__ = ["LikelihoodRatio", "u_lira", "u_lira_null"]

_LEAST = 3
"""Models a side without which none can be left out and a spread be left."""
_MANY = 16
"""Models a side from which on each sample has a spread of its own; with fewer all samples share one, as in LiRA."""
_NARROWEST = 1e-6
"""Smallest spread, for samples of which all models say the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LikelihoodRatio:
    """How well the attack tells models that unlearned the samples from models that never saw them."""

    unlearned: np.ndarray
    """Log-likelihood ratio of each sample in each unlearned model, (models, n); positive speaks for "unlearned"."""
    retrained: np.ndarray
    """The same in each retrained one, (models, n)."""
    max_false_positive_rate: float = 0.01
    """Largest fraction of samples that may be taken for unlearned where they were never seen."""

    def __post_init__(self) -> None:
        """Validate every field."""
        for name in ("unlearned", "retrained"):
            checks.finite(name, getattr(self, name))
        checks.fraction("max_false_positive_rate", self.max_false_positive_rate)

    @property
    def auc(self) -> float:
        """Area under the curve over all samples and models; 1/2 is chance, and perfect unlearning."""
        return threshold_attack(self.unlearned.ravel(), self.retrained.ravel()).auc

    @property
    def true_positive_rate(self) -> float:
        """Largest fraction found by one threshold within the allowed rate of false positives."""
        found = threshold_attack(self.unlearned.ravel(), self.retrained.ravel(), self.max_false_positive_rate)
        return found.true_positive_rate

    @property
    def accuracy(self) -> np.ndarray:
        """Of each sample the mean of both rates at which the larger likelihood is right, (n,); 1/2 is chance."""
        hits = _share_above_zero(self.unlearned)
        return np.asarray(0.5 * (hits + 1.0 - _share_above_zero(self.retrained)))


def u_lira(unlearned: np.ndarray, retrained: np.ndarray, *, max_false_positive_rate: float = 0.01) -> LikelihoodRatio:
    """Likelihood ratios of each sample's confidence, of each model by normal laws of all the others.

    The confidence of a sample is log p_y - log(1 - p_y). For each sample, one normal law is fitted to it over models
    that unlearned the sample and one over models that were retrained without it; the model in question is left out
    of its own. **Few models cannot tell**: set the value beside `u_lira_null`, and use tens of them a side.

    Args:
        unlearned: Confidences, (at least three models that unlearned the samples, n); see
            `deepnet.metrics.klom.stack_margins`.
        retrained: Confidences of the same samples, (at least three models that never saw them, n).
        max_false_positive_rate: Largest fraction that may be taken for unlearned where it was never seen.

    Raises:
        ValueError: if a side has fewer than three models, is not finite, or has other samples than the other.

    Source: Hayes et al. 2024 (arXiv 2403.01218); the attack of Carlini et al. 2022 (arXiv 2112.03570), with its
    shared spread where models are few.
    """
    one, other = _side("unlearned", unlearned), _side("retrained", retrained)
    checks.shape("retrained", other, ("models", one.shape[1]))
    shared = min(len(one), len(other)) < _MANY
    (for_one, out_of_one), (for_other, out_of_other) = _laws(one, shared), _laws(other, shared)
    return LikelihoodRatio(
        unlearned=_log_density(one, *out_of_one) - _log_density(one, *for_other),
        retrained=_log_density(other, *for_one) - _log_density(other, *out_of_other),
        max_false_positive_rate=max_false_positive_rate,
    )


def u_lira_null(retrained: np.ndarray, *, seed: int = 0, max_false_positive_rate: float = 0.01) -> LikelihoodRatio:
    """The floor: the same between two random halves of the retrained models, which differ by chance alone.

    Args:
        retrained: Confidences, (at least six models, n); of an odd number one is left out.
        seed: Seed of the halving.
        max_false_positive_rate: See `u_lira`.

    Raises:
        ValueError: if there are fewer than six models, or they are not finite.
    """
    retrained = _side("retrained", retrained, models=2 * _LEAST)
    order = generator(seed, "u-lira null").permutation(len(retrained))
    half = len(retrained) // 2
    halves = retrained[order[:half]], retrained[order[half : 2 * half]]
    return u_lira(*halves, max_false_positive_rate=max_false_positive_rate)


Law = tuple[np.ndarray, np.ndarray]
"""Means and standard deviations."""


def _laws(values: np.ndarray, shared: bool) -> tuple[Law, Law]:
    """Of each sample the law of all models, (n,), and that of all others for each model, (models, n)."""
    count = len(values)
    mean = values.mean(axis=0)
    squares = np.square(values - mean).sum(axis=0)
    gap = (values - mean) * count / (count - 1)  # from the mean of the others
    rest = squares - gap * (values - mean)
    whole, without = squares / (count - 1), rest / (count - 2)
    if shared:
        whole, without = whole.mean(keepdims=True), without.mean(axis=1, keepdims=True)
    return (mean, _spread(whole)), (values - gap, _spread(without))


def _spread(variance: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.maximum(variance, _NARROWEST**2)))


def _log_density(values: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Of a normal law, but for a constant."""
    return np.asarray(-0.5 * np.square((values - mean) / spread) - np.log(spread))


def _share_above_zero(ratios: np.ndarray) -> np.ndarray:
    """Fraction of the models in which a ratio is positive, one that is tied with 0 as half, (n,)."""
    above = ties.difference(ratios, 0.0)
    return np.asarray((0.5 * (1.0 + np.sign(above))).mean(axis=0))


def _side(name: str, values: np.ndarray, models: int = _LEAST) -> np.ndarray:
    array = checks.real_array(name, values)
    checks.shape(name, array, ("models", "n"))
    if len(array) < models:
        raise ValueError(f"Argument `{name}` must hold at least {models} models, but holds {len(array)}.")
    return array
