"""Accuracy on the classes that were forgotten, and on those that were not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from deepnet.house.fields import of_type
from deepnet.metrics.outputs import Outputs, correctness
from simulate.house import checks

__all__ = ["ClassAccuracies", "class_accuracies", "whole_classes"]


@dataclass(frozen=True, kw_only=True)
class ClassAccuracies:
    """Accuracies on two parts of a set; None of a part that has no samples.

    A sample counts as right where its own logit is the largest of all classes, the forgotten ones among them.
    """

    kept: float | None
    """On samples of the other classes."""
    forgotten: float | None
    """On samples of the forgotten classes; a network that never saw them is at 0."""

    def __post_init__(self) -> None:
        """Validate every field."""
        for name in ("kept", "forgotten"):
            if getattr(self, name) is not None:
                checks.fraction(name, getattr(self, name))


def whole_classes(*, retain: Outputs, forget: Outputs) -> tuple[int, ...]:
    """The classes that are forgotten whole: they have samples in the forget set, and none in the retain set."""
    return tuple(np.setdiff1d(forget.labels, retain.labels).tolist())


def class_accuracies(outputs: Outputs, forgotten: Iterable[int]) -> ClassAccuracies:
    """Accuracies on a set, such as the test set, by whether a sample's class was forgotten.

    Args:
        outputs: What a model says of the set.
        forgotten: The forgotten classes.

    Raises:
        ValueError: if one of them is no class; the message names it.
    """
    of_type("outputs", outputs, Outputs)
    classes = list(forgotten)
    for one in classes:
        checks.integer("forgotten", one, least=0, most=outputs.n_classes - 1)
    right, inside = correctness(outputs), np.isin(outputs.labels, classes)
    kept, lost = (float(right[part].mean()) if part.any() else None for part in (~inside, inside))
    return ClassAccuracies(kept=kept, forgotten=lost)
