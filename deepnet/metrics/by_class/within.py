"""Membership inference within classes: forgotten samples against samples of the same class that were never seen.

Where the forget set is a class, or has other parts of the classes than the test set, an attack on all of them together
tells classes apart, and calls that membership: a network whose logit of one class has sunk gives that class large
losses, whether it saw a sample or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from deepnet.house.fields import of_type
from deepnet.metrics.attacks import threshold_attack
from deepnet.metrics.outputs import Outputs, margin
from simulate.house import checks

__all__ = ["WithinClasses", "attack_within_classes"]


@dataclass(frozen=True, kw_only=True)
class WithinClasses:
    """A threshold on the margin, for each class by itself; means over classes, weighted by their forgotten samples."""

    auc: float
    """Probability that a forgotten sample has a larger margin than a test sample of its class, ties counting half."""
    true_positive_rate: float
    """Fraction of the forgotten samples found where of each class at most 1 % of the test samples are, too."""
    by_class: Mapping[int, float] = field(default_factory=dict)
    """The area for each class."""
    left_out: tuple[int, ...] = ()
    """Classes with forgotten samples and without a test sample."""

    def __post_init__(self) -> None:
        """Validate every field."""
        for value in (self.auc, self.true_positive_rate, *self.by_class.values()):
            checks.fraction("auc", value)


def attack_within_classes(forget: Outputs, test: Outputs, max_false_positive_rate: float = 0.01) -> WithinClasses:
    """Attack the forget set, each class by held-out samples of the same class.

    Args:
        forget: What a model says of the forget set.
        test: What it says of the test set.
        max_false_positive_rate: Largest fraction of a class's test samples that may be taken for members.

    Raises:
        ValueError: if the sets differ in their number of classes, or share no class.
    """
    of_type("forget", forget, Outputs)
    of_type("test", test, Outputs)
    if forget.n_classes != test.n_classes:
        checks.fail("test", f"have {forget.n_classes} classes as `forget` has", test.n_classes)
    mine, theirs = margin(forget), margin(test)
    found = {
        label: threshold_attack(mine[forget.labels == label], theirs[test.labels == label], max_false_positive_rate)
        for label in np.intersect1d(forget.labels, test.labels).tolist()
    }
    if not found:
        raise ValueError("Arguments `forget` and `test` must share a class, but share none.")
    weights = [int(np.count_nonzero(forget.labels == label)) for label in found]
    area, rate = (
        float(np.average([getattr(one, name) for one in found.values()], weights=weights))
        for name in ("auc", "true_positive_rate")
    )
    return WithinClasses(
        auc=area,
        true_positive_rate=rate,
        by_class={label: one.auc for label, one in found.items()},
        left_out=tuple(np.setdiff1d(forget.labels, test.labels).tolist()),
    )
