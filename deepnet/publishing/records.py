"""What a published folder holds, as records. Nothing here needs torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from deepnet.report.columns import SCALARS
from deepnet.report.naming import optimizer_words
from deepnet.report.summary import Mean

__all__ = ["METRICS", "WHO", "Contrast", "Curve", "GroupRecord", "Movement", "Surface", "Who", "rounded"]

METRICS = (*SCALARS, "seconds_ratio", "memory_ratio")
"""Columns of numbers of a group: those of the result rows, and time and memory over those of plain NegGrad."""
_COARSE = 4


def rounded(values: Any, digits: int = _COARSE) -> Any:
    """Numbers to so many significant digits, as lists that JSON can hold; null for what is not finite.

    Example:
        >>> rounded([[1.23456, -0.0], [12345.6, float("nan")]])
        [[1.235, 0.0], [12350.0, None]]
    """
    if isinstance(values, list | tuple | np.ndarray):
        return [rounded(value, digits) for value in values]
    return float(f"{values:.{digits}g}") + 0.0 if math.isfinite(values) else None


@dataclass(frozen=True, kw_only=True)
class Who:
    """Models that differ in their seeds alone."""

    study: str
    """Name of the study."""
    forget_set: str
    """Which samples are forgotten."""
    request: str
    """What of them is forgotten: "samples", "labels" or "feature"."""
    pretrain: str
    """Label of the optimizer of pretraining."""
    method: str
    """Method's short name; "retrain" and "pretrained" are the references."""
    variant: str
    """Which hyper-parameters of the method; empty for the usual ones."""
    optimizer: str
    """Label of the optimizer of unlearning."""
    title: str
    """Method's name for people."""

    @property
    def words(self) -> str:
        """Method, variant and optimizer in words.

        Example:
            >>> Who(study="main", forget_set="high", request="samples", pretrain="sgd", method="neggrad", variant="",
            ...     optimizer="asam-0.5", title="NegGrad").words
            'NegGrad, ASAM ρ=0.5'
        """
        parts = [f"{self.title} ({self.variant})" if self.variant else self.title]
        return ", ".join([*parts, *([] if self.method == "retrain" else [optimizer_words(self.optimizer)])])


WHO = tuple(item.name for item in fields(Who))
"""Names of the fields that say who was measured."""


@dataclass(frozen=True, kw_only=True)
class GroupRecord(Who):
    """What was measured of such models."""

    runs: int
    """Number of models, one a seed."""
    diverged: int
    """How many of them did not stay finite; the means are then over the others, and have no interval."""
    means: Mapping[str, Mean]
    """Mean over seeds and Student's interval of 95 % of each of `METRICS`."""


@dataclass(frozen=True, kw_only=True)
class Curve(Who):
    """Accuracy on the forget set while the models learn it again."""

    runs: int
    """Number of seeds behind it."""
    steps: Sequence[int]
    """Steps of the attack, (k,)."""
    accuracy: Sequence[float]
    """Mean over seeds, (k,) fractions."""
    low: Sequence[float | None]
    """Lower ends of Student's intervals of 95 %, (k,); None where there is none."""
    high: Sequence[float | None]
    """Upper ends, (k,)."""

    def __post_init__(self) -> None:
        """Require as many numbers as steps.

        Raises:
            ValueError: if there are not; the message names the field.
        """
        for name in ("accuracy", "low", "high"):
            _require_shape(name, getattr(self, name), (len(self.steps),))


@dataclass(frozen=True, kw_only=True)
class Surface(Who):
    """The loss around one model on two directions that all surfaces share."""

    seed: int
    """Seed of the model."""
    part: str
    """Which samples the loss is of: "retain" or "forget"."""
    a: Sequence[float]
    """Coordinates along the first direction, (g,), in norms of the filters."""
    b: Sequence[float]
    """Coordinates along the second direction, (g,)."""
    loss: Sequence[Sequence[float | None]]
    """Mean cross-entropy in nats, (g, g); None where it is not finite."""

    def __post_init__(self) -> None:
        """Require a loss at every point of the grid.

        Raises:
            ValueError: if there is not.
        """
        _require_shape("loss", self.loss, (len(self.a), len(self.b)))


@dataclass(frozen=True, kw_only=True)
class Movement(Who):
    """Positions of samples in one plane, by the features before and after unlearning of one model."""

    seed: int
    """Seed of the model."""
    before: Sequence[Sequence[float]]
    """Positions before unlearning, (n, 2)."""
    after: Sequence[Sequence[float]]
    """Positions after unlearning, (n, 2)."""
    labels: Sequence[int]
    """Labels of the samples, (n,)."""
    forgotten: Sequence[int]
    """1 for samples of the forget set, else 0, (n,)."""

    def __post_init__(self) -> None:
        """Require positions of every sample.

        Raises:
            ValueError: if some are missing; the message names the field.
        """
        n = len(self.labels)
        for name, shape in (("before", (n, 2)), ("after", (n, 2)), ("forgotten", (n,))):
            _require_shape(name, getattr(self, name), shape)


def _require_shape(name: str, values: Sequence[Any], expected: tuple[int, ...]) -> None:
    found = np.shape(np.array(values, dtype=float))
    if found != expected:
        raise ValueError(f"`{name}` must have shape {expected}, but has {found}.")


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A conclusion in one study: an effect over seeds that is positive where the conclusion holds."""

    conclusion: str
    """Name of the conclusion."""
    words: str
    """The conclusion in words."""
    quirk: str
    """The quirk of the released code that is switched on; empty for the corrected code."""
    forget_set: str
    """Which samples are forgotten."""
    seeds: int
    """Number of seeds, paired."""
    effect: float | None
    """Mean over seeds."""
    low: float | None
    """Lower end of Student's interval of 95 %; None if there is none."""
    high: float | None
    """Upper end."""
    verdict: str
    """Supported, refuted or inconclusive: where the interval lies from 0."""
    change: float | None
    """Effect minus that of the corrected code, paired by seed."""
    change_low: float | None
    """Lower end of its interval."""
    change_high: float | None
    """Upper end of its interval."""
