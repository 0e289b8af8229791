"""Effects over replicates, and their errors.

The error is that of the jackknife over replicates: each is left out in turn, as a run of both arms and as a reference,
so that chance in the references counts as well as chance in the runs. Of a plain paired difference it is the usual one.
A replicate may be a reference alone, where an arm was run in fewer of them; degrees of freedom are those of the runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from deepnet.ledger.findings import NothingToSeeError, NotMeasuredError
from deepnet.ledger.nearness import Masked
from deepnet.ledger.reading import Effect, Reading, Rules, less
from theory.statistics import Estimate

__all__ = ["Arms", "between", "comparison", "estimated", "of_arm", "unless_missing"]

_LEAST = 3
"""Replicates without which nothing is said of chance: two that agree would leave none."""
Arms = Callable[[Reading], tuple[str, ...]]
"""Names of the arms that are compared, as the protocol has it."""


def estimated(effect: Effect, reading: Reading, *, linear: bool = True) -> Estimate:
    """Mean of an effect over replicates, with the standard error of the jackknife.

    Args:
        effect: Makes the effect of each replicate, (replicates,) or (replicates, replicates of references), masked
            where there is none.
        reading: The findings as a protocol reads them.
        linear: Whether what it makes of a replicate stays as it is when another one is left out; otherwise it is made
            anew for each that is.

    Returns:
        The estimate; NaN if a run that counts has no number, and without an error if there are fewer than three
        replicates.

    Raises:
        NotMeasuredError: if something of it was not run, or no replicate has it all.
    """
    found = effect(reading)
    there = ~np.ma.getmaskarray(found)
    runs = int(there.reshape(len(found), -1).any(axis=1).sum())
    if not runs:
        raise NotMeasuredError("what is compared shares no replicate")
    whole = _mean(found)
    if runs < _LEAST or not math.isfinite(whole):
        return Estimate(whole, math.nan, runs - 1)
    units = np.flatnonzero(there if there.ndim == 1 else there.any(axis=1) | there.any(axis=0))
    names = [reading.replicates[place] for place in units]
    partial = _means_without(found)[units] if linear else [_mean(effect(reading.without(name))) for name in names]
    pseudo = len(units) * whole - (len(units) - 1) * np.asarray(partial)
    return Estimate(whole, float(pseudo.std(ddof=1)) / math.sqrt(len(units)), runs - 1)


def _means_without(values: Masked) -> np.ndarray:
    """The mean without each replicate, (replicates,): without its row, and without its column where there is one."""
    known, there = values.filled(0.0), (~np.ma.getmaskarray(values)).astype(float)

    def rest(of: np.ndarray) -> np.ndarray:
        if of.ndim == 1:
            return np.asarray(of.sum() - of)
        return np.asarray(of.sum() - of.sum(axis=0) - of.sum(axis=1) + np.diagonal(of))

    with np.errstate(invalid="ignore"):  # nothing may be left
        return rest(known) / rest(there)


def of_arm(arm: str, column: str, rules: Rules) -> Effect:
    """A number of an arm: "tow", or what `Reading.values` knows."""
    return lambda reading: reading.tow(arm, rules) if column == "tow" else reading.values(arm, column, rules)


def between(one: str, other: str, column: str, rules: Rules) -> Effect:
    """A number of an arm, less that of another."""
    return lambda reading: less(of_arm(one, column, rules)(reading), of_arm(other, column, rules)(reading))


def comparison(arms: Arms, column: str, rules: Rules) -> Effect:
    """A number of the first of some arms less that of the second, as the protocol names them."""

    def effect(reading: Reading) -> Masked:
        one, other = arms(reading)[:2]
        return between(one, other, column, rules)(reading)

    return effect


def _mean(values: Masked) -> float:
    """Mean of what is not masked; a replicate that counts has the same references as all others."""
    return float(values.mean()) if values.count() else math.nan


def unless_missing(effect: Effect, reading: Reading, *, linear: bool = True) -> Estimate | None:
    """An estimate; None if something of it was not run, or cannot tell. See `estimated`."""
    try:
        return estimated(effect, reading, linear=linear)
    except (NotMeasuredError, NothingToSeeError):
        return None
