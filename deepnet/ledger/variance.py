"""Where chance in a number comes from: the images and the split, the training, or the batches of unlearning.

Two networks are retrained on the same split from other weights, and NegGrad unlearns the same network twice, with other
batches. What such twins differ by is the later stage's; what replicates differ by beyond that is of what came before.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepnet.ledger.choices import STOP
from deepnet.ledger.comparing import AGAIN, NEGGRAD
from deepnet.ledger.findings import PLAIN, Findings, NotMeasuredError
from simulate.house import ties
from theory.statistics import Estimate

__all__ = ["Share", "as_csv", "share_within", "shares_of"]

_NUMBERS = ("retain_accuracy", "forget_accuracy", "test_accuracy", "forget_loss", "auc", "relearn")
_ROUNDING = 1e-12
"""Share of a number that is no variation."""
_LEAST = 3
"""Pairs of twins without which nothing is said."""


@dataclass(frozen=True)
class Share:
    """How much of a number's variance is of one stage."""

    number: str
    """What is measured."""
    of: str
    """Which networks it is measured of."""
    source: str
    """The stage, whose twins share all that comes before it."""
    spread: float
    """Standard deviation of the number over everything."""
    share: Estimate
    """Share of its square that is of the stage; the rest is of what comes before."""
    pairs: int
    """Number of pairs of twins."""


def share_within(pairs: np.ndarray) -> tuple[float, Estimate]:
    """The standard deviation over everything, and the share of its square that is within pairs.

    One-way analysis of variance with two values a group: within a pair the mean of the halved squared differences,
    between pairs what their means vary by beyond half of that, at least 0.

    Args:
        pairs: Values of twins, (at least 3, 2).

    Returns:
        The standard deviation, and the share with the jackknife's error over pairs; NaN and 0 if nothing varies.

    Example:
        >>> share_within(np.array([[1.0, 3.0], [1.0, 3.0], [1.0, 3.0]]))[1].value
        1.0
    """
    spread, share = _components(pairs)
    rest = np.array([_components(np.delete(pairs, place, axis=0))[1] for place in range(len(pairs))])
    pseudo = len(pairs) * share - (len(pairs) - 1) * rest
    error = float(pseudo.std(ddof=1)) / len(pairs) ** 0.5
    return spread, Estimate(share, error, len(pairs) - 1, range=(0.0, 1.0))


def _components(pairs: np.ndarray) -> tuple[float, float]:
    within = float(np.square(pairs[:, 0] - pairs[:, 1]).mean()) / 2.0
    between = max(float(pairs.mean(axis=1).var(ddof=1)) - within / 2.0, 0.0)
    total = within + between
    nothing = ties.at_most(total, (_ROUNDING * float(np.abs(pairs).max())) ** 2)
    return total**0.5, float("nan") if nothing else within / total


def shares_of(findings: Findings) -> list[Share]:
    """The shares at a scale, as far as there are three pairs of twins.

    Args:
        findings: What was found there.
    """
    found = []
    for name in _NUMBERS:
        found += _share(name, "retrained networks", "weights and batches of training", _retrained(findings, name))
        found += _share(name, "NegGrad at the match", "batches of unlearning", _unlearned(findings, name))
    return found


def _share(number: str, of: str, source: str, pairs: Sequence[tuple[Any, Any]]) -> list[Share]:
    known = np.array([pair for pair in pairs if None not in pair], dtype=float).reshape(-1, 2)
    if len(known) < _LEAST:
        return []
    spread, share = share_within(known)
    return [Share(number, of, source, spread, share, len(known))]


def _retrained(findings: Findings, name: str) -> list[tuple[Any, Any]]:
    """Both networks that a replicate retrained without the first forget set."""
    plain = [known for (_, optimizer), known in findings.retrained.items() if optimizer == PLAIN]
    twins = [found for known in plain for found in known.values() if len(found) == 2]
    return [(one.get(name), other.get(name)) for one, other in twins]


def _unlearned(findings: Findings, name: str) -> list[tuple[Any, Any]]:
    try:
        one, other = (findings.stopped(arm, STOP.primary) for arm in (NEGGRAD, AGAIN))
    except NotMeasuredError:
        return []
    shared = sorted(set(one) & set(other))
    return [(one[number].numbers.get(name), other[number].numbers.get(name)) for number in shared]


def as_csv(shares: Mapping[str, Sequence[Share]]) -> str:
    """A line a number and stage of each scale: spread, share, and its plain interval."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["scale", "number", "of", "source", "spread", "share", "low", "high", "pairs"])
    for scale, of_scale in shares.items():
        for one in of_scale:
            low, high = one.share.interval()
            told = [f"{value:.3g}" for value in (one.spread, one.share.value, low, high)]
            writer.writerow([scale, one.number, one.of, one.source, *told, one.pairs])
    return text.getvalue()
