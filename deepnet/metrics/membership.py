"""Membership inference: does a model still treat the forget set as it treats what it was trained on?

No number here is best at an extreme. A model that never saw the forget set answers differently on hard forget
samples than on the test set, so the optimum is the value of the retrained model: see `gap`.

A support vector machine learns from some known members and non-members, its shadow set, and where the outputs of a
model are nearly all alike (confidences near 1) other rows make another machine: one and the same model gave 0.03, 0.25
and 1 for three orders of its rows. So its numbers are means over random shadow sets, beside their spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from statistics import fmean, stdev
from typing import Literal

import numpy as np

from deepnet.house.fields import of_type
from deepnet.house.seeding import generator
from deepnet.metrics.attacks import MIN_SIDE, logistic_attack, svc_efficacy, threshold_attack
from deepnet.metrics.outputs import (
    Outputs,
    confidence,
    correctness,
    cross_entropy,
    entropy,
    log_softmax,
    m_entropy,
    m_entropy_official,
    margin,
)
from simulate.house import checks

__all__ = ["Membership", "gap", "membership_inference", "shadow_sets"]

MFormula = Literal["definition", "official"]
Shadow = Literal["random", "first", "balanced"]
_DATA = ("spread", "n_sets", "n_shadow", "logistic_spread")
"""Fields that are no result of an attack."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """All membership inference numbers of one model.

    The first five are efficacies, one support vector machine a feature: the fraction of the forget set that it takes
    for non-members, mean over shadow sets. The others attack the forget set against the test set directly.
    """

    correctness: float
    """Efficacy by whether the prediction is right."""
    confidence: float
    """Efficacy by p_y; the one that papers report."""
    entropy: float
    """Efficacy by the entropy of the prediction."""
    m_entropy: float
    """Efficacy by the modified entropy."""
    probabilities: float
    """Efficacy by all K probabilities."""
    auc: float
    """Threshold on the margin, which orders samples as loss and confidence do: area under the curve."""
    true_positive_rate: float
    """Threshold on the margin: fraction of the forget set found at a false positive rate of at most 1 %."""
    logistic_accuracy: float
    """Logistic regression on the loss: accuracy on held-out samples."""
    logistic_spread: float
    """Its standard deviation over the splits."""
    n_shadow: int
    """Number of members, and of non-members, that a support vector machine learned from."""
    n_sets: int = 1
    """Number of shadow sets that the efficacies are means over."""
    spread: Mapping[str, float] = field(default_factory=dict)
    """Standard deviation of the efficacies over the shadow sets, by name; empty for one set."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range; the message names it.
        """
        for one in fields(self):
            if one.name not in _DATA:
                checks.fraction(one.name, getattr(self, one.name))
        for value in (self.logistic_spread, *self.spread.values()):
            checks.fraction("spread", value)
        checks.integer("n_shadow", self.n_shadow, least=1)
        checks.integer("n_sets", self.n_sets, least=1)


def membership_inference(
    *,
    retain: Outputs,
    forget: Outputs,
    test: Outputs,
    shadow: Shadow = "random",
    shadow_size: int | None = None,
    draws: int = 10,
    m_entropy_by: MFormula = "definition",
    seed: int = 0,
) -> Membership:
    """Attack one model by all protocols.

    Args:
        retain: Its outputs on the retain set, rows in the order of the data set.
        forget: Its outputs on the forget set.
        test: Its outputs on the test set.
        shadow: Which samples the support vector machines learn from; see `shadow_sets`.
        shadow_size: At most so many of them a side; None sets no limit, as the paper. Their time grows with its
            square (for each draw about half a minute at ten thousand, two seconds at two thousand).
        draws: Number of shadow sets, whose mean and spread the efficacies have; "first" has but one.
        m_entropy_by: "definition", or "official" for the faulty formula of the released code.
        seed: Seed of all draws.

    Returns:
        The numbers.

    Raises:
        ValueError: if the sets differ in their classes, or forget or test set have fewer than ten samples.
    """
    of_type("forget", forget, Outputs)
    checks.choice("m_entropy_by", m_entropy_by, ("definition", "official"))
    checks.integer("draws", draws, least=1)
    count = 1 if shadow == "first" else draws
    sets = [shadow_sets(retain, test, shadow=shadow, size=shadow_size, seed=seed, draw=one) for one in range(count)]
    for name, outputs in (("forget", forget), ("test", test)):
        if len(outputs) < MIN_SIDE:
            raise ValueError(f"Argument `{name}` must hold at least {MIN_SIDE} samples, but holds {len(outputs)}.")
    if forget.n_classes != test.n_classes:
        checks.fail("forget", f"have {test.n_classes} classes as `test` has", forget.n_classes)
    target = _features(forget, m_entropy_by)
    found: dict[str, list[float]] = {name: [] for name in target}
    for pair in sets:
        members, others = (_features(outputs, m_entropy_by) for outputs in pair)
        for name, values in found.items():
            values.append(svc_efficacy(members[name], others[name], target[name]))
    threshold = threshold_attack(margin(forget), margin(test))
    logistic = logistic_attack(cross_entropy(forget), cross_entropy(test), seed=seed)
    return Membership(
        **{name: fmean(values) for name, values in found.items()},
        spread={name: stdev(values) for name, values in found.items()} if count > 1 else {},
        auc=threshold.auc,
        true_positive_rate=threshold.true_positive_rate,
        logistic_accuracy=logistic.accuracy,
        logistic_spread=logistic.spread,
        n_shadow=len(sets[0][0]),
        n_sets=count,
    )


def gap(unlearned: Membership, retrained: Membership) -> dict[str, float]:
    """Differences unlearned - retrained of each number but spreads and sizes; 0 is the optimum.

    A positive gap of an efficacy, or a negative one of the area, says that the forget set looks less like training
    data than it should: the model has forgotten too much.
    """
    names = [one.name for one in fields(Membership) if one.name not in _DATA]
    return {name: getattr(unlearned, name) - getattr(retrained, name) for name in names}


def shadow_sets(
    retain: Outputs, test: Outputs, *, shadow: Shadow = "random", size: int | None = None, seed: int = 0, draw: int = 0
) -> tuple[Outputs, Outputs]:
    """Known members and non-members, as many of one as of the other.

    Args:
        retain: Outputs on the retain set.
        test: Outputs on the test set.
        shadow: "random" draws rows of both, as many as the smaller has; "balanced" draws them with equal numbers of
            each class on both sides, and so leaves out classes that one side lacks; "first" takes the first rows of
            both, as many as the smaller has, which is the protocol of the paper's released code.
        size: At most so many samples a side; None sets no limit.
        seed: Seed of the draws.
        draw: Which of the sets that belong to the seed.

    Returns:
        The members and the non-members.

    Raises:
        ValueError: if an argument is out of range, if the sets differ in the number of classes, or share no class.
    """
    of_type("retain", retain, Outputs)
    of_type("test", test, Outputs)
    checks.choice("shadow", shadow, ("random", "first", "balanced"))
    checks.integer("draw", draw, least=0)
    if size is not None:
        checks.integer("size", size, least=1)
    if retain.n_classes != test.n_classes:
        checks.fail("retain", f"have {test.n_classes} classes as `test` has", retain.n_classes)
    count = min(len(retain), len(test), size or len(test))
    if shadow == "first":
        return retain.take(np.arange(count)), test.take(np.arange(count))
    streams = [generator(seed, "shadow", side, draw) for side in ("members", "others")]
    if shadow == "random":
        pairs = zip((retain, test), streams, strict=True)
        members, others = (side.take(np.sort(rng.permutation(len(side))[:count])) for side, rng in pairs)
        return members, others
    counts = _class_counts(retain, test, size)
    members, others = (
        side.take(_draw(side.labels, counts, rng)) for side, rng in zip((retain, test), streams, strict=True)
    )
    return members, others


def _class_counts(retain: Outputs, test: Outputs, size: int | None) -> np.ndarray:
    """How many samples of each class to take from either side, (K,)."""
    both = (np.bincount(outputs.labels, minlength=outputs.n_classes) for outputs in (retain, test))
    counts: np.ndarray = np.minimum(*both)
    shared = np.count_nonzero(counts)
    if not shared:
        raise ValueError("Arguments `retain` and `test` must have a class in common, but have none.")
    if size is None:
        return counts
    if size < shared:
        checks.fail("size", f"be at least the number of classes in both sets ({shared})", size)
    return np.minimum(counts, size // shared)


def _draw(labels: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows of a random sample with so many of each class, in ascending order."""
    chosen = [rng.permutation(np.flatnonzero(labels == k))[:count] for k, count in enumerate(counts)]
    return np.sort(np.concatenate(chosen))


def _features(outputs: Outputs, m_entropy_by: MFormula) -> dict[str, np.ndarray]:
    """What the support vector machines read, (n,) or (n, K), under the names of `Membership`."""
    return {
        "correctness": correctness(outputs),
        "confidence": confidence(outputs),
        "entropy": entropy(outputs),
        "m_entropy": (m_entropy_official if m_entropy_by == "official" else m_entropy)(outputs),
        "probabilities": np.exp(log_softmax(outputs)),
    }
