"""Attacks that tell members of a training set from others by one array of numbers per sample."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score
from sklearn.svm import SVC

from deepnet.house.seeding import generator
from simulate.house import checks, ties

__all__ = ["MIN_SIDE", "LogisticAttack", "ThresholdAttack", "logistic_attack", "svc_efficacy", "threshold_attack"]

MIN_SIDE = 10
"""Fewest samples a side of the logistic attack, so that a tenth of both sides is at least one of each."""


@dataclass(frozen=True, kw_only=True)
class ThresholdAttack:
    """How well a threshold on a score separates members from others."""

    auc: float
    """Probability that a member scores above another sample, ties counting half; 1/2 is chance."""
    true_positive_rate: float
    """Largest fraction of members found by a threshold that is within the allowed rate of false positives."""


@dataclass(frozen=True, kw_only=True)
class LogisticAttack:
    """How well a logistic regression tells members from others on held-out samples."""

    accuracy: float
    """Mean accuracy over the splits; 1/2 is chance."""
    spread: float
    """Standard deviation over the splits. They share samples: it is no standard error of the accuracy."""


def svc_efficacy(members: np.ndarray, others: np.ndarray, target: np.ndarray) -> float:
    """Fraction of a target set that a support vector machine takes for non-members: 1 - mean(predicted member).

    The machine (radial kernel of width 1/p, C = 3) is trained to tell members from others. Its time grows with the
    square of their number: ten thousand a side take five to fifteen seconds, two thousand well under one.

    Args:
        members: Feature of samples that were trained on, (a,) or (a, p).
        others: The same of samples that were not, (b,) or (b, p).
        target: The same of the samples in question, (c,) or (c, p).

    Returns:
        The fraction, in [0, 1].

    Raises:
        ValueError: if an array is empty, not finite, or of another width; the message names it.

    Source: the released code of the paper, of Zhao et al. 2024 and of Fan et al. 2024 (arXiv 2310.12508).
    """
    members, others, target = (
        _columns(name, values) for name, values in (("members", members), ("others", others), ("target", target))
    )
    for name, values in (("others", others), ("target", target)):
        checks.shape(name, values, ("n", members.shape[1]))
    classifier = SVC(C=3, gamma="auto", kernel="rbf")
    classifier.fit(np.concatenate([members, others]), np.repeat([1, 0], [len(members), len(others)]))
    return float(1.0 - classifier.predict(target).mean())


def threshold_attack(members: np.ndarray, others: np.ndarray, max_false_positive_rate: float = 0.01) -> ThresholdAttack:
    """Separate members from others by a threshold on a score, such as the margin or minus the loss.

    The curve of true against false positive rates is exact: all thresholds, no interpolation between them. With
    fewer than 1 / `max_false_positive_rate` others the allowed number of false positives is zero.

    Args:
        members: Score of samples that may have been trained on, (a,); high scores speak for it.
        others: Score of samples that were not, (b,).
        max_false_positive_rate: Largest fraction of the others that may be taken for members.

    Raises:
        ValueError: if an array is empty or not finite, or the rate no fraction.
    """
    checks.fraction("max_false_positive_rate", max_false_positive_rate)
    scores, truth = _two_sides(members, others)
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    return ThresholdAttack(
        auc=float(roc_auc_score(truth, scores)),
        true_positive_rate=float(true[ties.at_most(false, max_false_positive_rate)].max()),
    )


def logistic_attack(members: np.ndarray, others: np.ndarray, *, splits: int = 10, seed: int = 0) -> LogisticAttack:
    """Separate members from others by a logistic regression on one number a sample, judged on held-out tenths.

    The larger side is thinned at random to the size of the smaller, so that chance is 1/2; then stratified random
    splits into nine tenths for fitting and one tenth for judging.

    The regression is penalised and takes the losses as they are, as in the source: where both sides have losses far
    below one it calls all alike, even if one side's are thirty times the other's. `threshold_attack` sees that.

    Args:
        members: Losses of samples that may have been trained on, (a,).
        others: Losses of samples that were not, (b,).
        splits: Number of splits.
        seed: Seed of the thinning and of the splits.

    Raises:
        ValueError: if a side is not finite or has fewer than ten samples.

    Source: starting kit of the NeurIPS 2023 machine unlearning challenge.
    """
    checks.integer("splits", splits, least=2)
    checks.integer("seed", seed, least=0)
    for name, values in (("members", members), ("others", others)):
        if len(_columns(name, values)) < MIN_SIDE:
            raise ValueError(f"Argument `{name}` must hold at least {MIN_SIDE} samples, but holds {len(values)}.")
    size = min(len(members), len(others))
    rng = generator(seed, "logistic attack")
    values, truth = _two_sides(*(side[np.sort(rng.permutation(len(side))[:size])] for side in (members, others)))
    folds = StratifiedShuffleSplit(n_splits=splits, test_size=0.1, random_state=int(rng.integers(2**31)))
    model = LogisticRegression(max_iter=1000)
    with warnings.catch_warnings():
        # Among losses of 1e30 the solver does not converge; what it has found by then is judged like any attack.
        warnings.simplefilter("ignore", ConvergenceWarning)
        accuracies = cross_val_score(model, values[:, None], truth, cv=folds, scoring="accuracy")
    return LogisticAttack(accuracy=float(accuracies.mean()), spread=float(accuracies.std(ddof=1)))


def _two_sides(members: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One number a sample, members first, and whether the sample is one."""
    sides = [_columns(name, values) for name, values in (("members", members), ("others", others))]
    for name, side in zip(("members", "others"), sides, strict=True):
        checks.shape(name, side, ("n", 1))
    return np.concatenate(sides)[:, 0], np.repeat([1, 0], [len(side) for side in sides])


def _columns(name: str, values: np.ndarray) -> np.ndarray:
    """Values as a matrix of one row a sample."""
    array = checks.real_array(name, values)
    if array.ndim == 1:
        array = array[:, None]
    checks.shape(name, array, ("n", "p"))
    return array
