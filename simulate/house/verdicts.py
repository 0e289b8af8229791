"""The one rule by which a boundary of `simulate map` and every claim of a ledger is judged.

A claim predicts that an effect lies in a region, fixed before the experiment. The interval of the measured effect
decides: inside the region the claim is supported, outside it is refuted, and across its border nothing is decided.
An equivalence test is this rule with a region around the predicted value (two one-sided tests at the level of the
interval), a one-sided test is it with a half-line, an identity with [0, tolerance]. A claim on a direction may name the
smallest effect of interest: an effect that is seen to be smaller is none, whatever its sign.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from simulate.house import checks, ties

__all__ = ["Region", "Verdict", "decide", "is_negligible"]


class Verdict(enum.Enum):
    """What can be said of a prediction."""

    SUPPORTED = "supported"
    """The whole interval lies in the predicted region."""
    REFUTED = "refuted"
    """The whole interval lies outside of it."""
    NEGLIGIBLE = "no effect of interest"
    """The interval of equivalence lies inside of the smallest effects of interest, of either sign."""
    INCONCLUSIVE = "inconclusive"
    """The interval crosses its border, or there is none: the data or the budget do not decide."""
    OUTSIDE = "outside the hypotheses"
    """What was measured lies where the claim does not speak: a hypothesis of it is violated there."""
    NOT_TESTABLE = "not testable"
    """The claim, as far as it can be read, forbids nothing that can be measured here."""
    NOT_RUN = "not run"
    """What the claim is judged by was not run, or not measured, so far."""


@dataclass(frozen=True)
class Region:
    """The effects a claim allows, from `low` to `high`, borders included.

    Example:
        >>> Region.around(0.25, 0.05)
        Region(low=0.2, high=0.3)
    """

    low: float = -math.inf
    """Least effect it holds."""
    high: float = math.inf
    """Greatest effect it holds."""

    def __post_init__(self) -> None:
        """Require an order, and a region that forbids something.

        Raises:
            ValueError: if it is empty or holds every number.
        """
        for name in ("low", "high"):
            checks.number(name, getattr(self, name))
        checks.plain_fields(self)
        if not self.low <= self.high:
            raise ValueError(f"Argument `low` must be at most `high`, but is {self.low} with high {self.high}.")
        if math.isinf(self.low) and math.isinf(self.high):
            raise ValueError("Argument `high` must be finite when `low` is not: a region has to forbid something.")

    @property
    def is_equivalence(self) -> bool:
        """Whether it has two borders: an effect in it is equal to a value, within a tolerance."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @classmethod
    def around(cls, value: float, margin: float) -> Region:
        """The region of equivalence with a value."""
        checks.real("value", value)
        checks.real("margin", margin, nonnegative=True)
        value, margin = checks.plain_number(value), checks.plain_number(margin)
        return cls(float(ties.difference(value, margin)), float(ties.difference(value, -margin)))

    def __str__(self) -> str:
        """How the ledger writes it."""
        if math.isinf(self.high):
            return f"≥ {self.low:g}"
        if math.isinf(self.low):
            return f"≤ {self.high:g}"
        return f"in [{self.low:g}, {self.high:g}]"


def decide(interval: tuple[float, float], region: Region) -> Verdict:
    """Judge an interval by a region.

    Borders belong to the region, and an end that is tied with a border (`simulate.house.ties`) is on it.

    Args:
        interval: Lower and upper end; NaN where the budget or censoring left no interval.
        region: What is predicted.

    Returns:
        SUPPORTED, REFUTED or INCONCLUSIVE.

    Example:
        >>> decide((0.22, 0.27), Region.around(0.25, 0.05)).value
        'supported'
        >>> decide((0.22, 0.27), Region.around(0.5, 0.05)).value
        'refuted'
        >>> decide((0.1, 0.4), Region.around(0.25, 0.05)).value
        'inconclusive'
        >>> decide((0.22, 0.1 + 0.2), Region.around(0.25, 0.05)).value
        'supported'
    """
    low, high = interval
    if math.isnan(low) or math.isnan(high):
        return Verdict.INCONCLUSIVE
    if ties.at_least(low, region.low) and ties.at_most(high, region.high):
        return Verdict.SUPPORTED
    if not ties.at_least(high, region.low) or not ties.at_most(low, region.high):
        return Verdict.REFUTED
    return Verdict.INCONCLUSIVE


def is_negligible(interval: tuple[float, float], margin: float) -> bool:
    """Whether an effect is smaller than the smallest one of interest, of either sign: two one-sided tests.

    Args:
        interval: Lower and upper end, at the level of an equivalence; NaN where there is no interval.
        margin: The smallest effect of interest; an end that is tied with it is on it, and still inside.

    Example:
        >>> is_negligible((-0.01, 0.02), 0.02), is_negligible((0.01, 0.03), 0.02)
        (True, False)
    """
    checks.real("margin", margin, positive=True)
    return decide(interval, Region.around(0.0, margin)) is Verdict.SUPPORTED
