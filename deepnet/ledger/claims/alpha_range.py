"""6: over which weights α of the retain set NegGrad comes close to what retraining reaches."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial

import numpy as np

from deepnet.ledger.choices import REFERENCE, UNREACHED
from deepnet.ledger.comparing import EXPERIMENT, MATCHED, NEGGRAD, STATISTIC, STOPPING, check_begun, same_again
from deepnet.ledger.effects import of_arm, unless_missing
from deepnet.ledger.evidence import Case, evidence_of
from deepnet.ledger.findings import NothingToSeeError, NotMeasuredError
from deepnet.ledger.nearness import Masked
from deepnet.ledger.panels import ceiling_of, estimates_curve, level_line
from deepnet.ledger.reading import Reading, less
from simulate.house import ties
from theory.ledger import Choice, Claim, Control, Picture, Region

__all__ = ["CLAIMS", "width_above"]

CLOSE = Choice(
    name="close",
    words="distance from the ceiling within which ToW counts as close",
    primary=0.03,
    others=(0.01, 0.02, 0.05, 0.1),
    reason="One and a half of the smallest effect of interest in ToW.",
)
_OPTIMIZERS = ("asam", "sgd")


def width_above(x: Sequence[float], y: np.ndarray, level: float) -> np.ndarray:
    """Length of the range of x in which lines through points, joined by straight pieces, are at least at a level.

    Args:
        x: Positions, ascending, (N,).
        y: Values of each line, (..., N).
        level: The level; a value that is tied with it is at it.

    Returns:
        (...).

    Example:
        >>> float(width_above([0.0, 1.0, 3.0], np.array([0.5, 1.0, 0.0]), 0.75))
        1.0
    """
    above = ties.difference(y, level)
    low, high = np.minimum(above[..., 1:], above[..., :-1]), np.maximum(above[..., 1:], above[..., :-1])
    crossing = np.where((low < 0.0) & (high > 0.0), high / np.where(low < high, high - low, 1.0), 0.0)
    return np.asarray((np.where(low >= 0.0, 1.0, crossing) * np.diff(x)).sum(axis=-1))


def _arms(reading: Reading) -> dict[str, dict[float, str]]:
    """Arms of both optimizers by their α, ascending, as far as both have it."""
    found: dict[str, dict[float, str]] = {}
    for optimizer in _OPTIMIZERS:
        usual = f"neggrad-{optimizer}-after-sgd"
        arms = {float(reading.findings.about(usual, "settings")["alpha"]): usual}
        for name in reading.findings.arms:
            other = re.fullmatch(rf"neggrad-alpha-([0-9.]+)-{optimizer}-after-sgd", name)
            arms |= {float(other[1]): name} if other else {}
        found[optimizer] = arms
    shared = sorted(set(found["asam"]) & set(found["sgd"]))
    if len(shared) < 2:
        raise NotMeasuredError("NegGrad was not run at several weights α")
    return {optimizer: {alpha: arms[alpha] for alpha in shared} for optimizer, arms in found.items()}


def _widths(reading: Reading) -> tuple[Masked, Masked]:
    """Decades of (1 - α)/α over which ASAM, and SGD, come close to the ceiling, by replicate."""
    arms = _arms(reading)
    level = float(reading.ceiling(NEGGRAD, MATCHED).mean()) - reading.pick(CLOSE)
    alphas = sorted(arms["sgd"], reverse=True)
    odds = [math.log10((1.0 - alpha) / alpha) for alpha in alphas]
    made = []
    for optimizer in _OPTIMIZERS:
        curves = np.ma.stack([reading.tow(arms[optimizer][alpha], MATCHED).mean(axis=1) for alpha in alphas], axis=1)
        missing = np.ma.getmaskarray(curves).any(axis=1)
        made.append(np.ma.array(width_above(odds, curves.filled(0.0), level), mask=missing))
    return made[0], made[1]


def _gain(reading: Reading) -> Masked:
    """The difference.

    Raises:
        NothingToSeeError: if both come close at no α that was tried, or at every one, in all replicates.
    """
    aware, plain = _widths(reading)
    check_begun(reading, _every_arm(reading), MATCHED)
    found = less(aware, plain)
    ends = {*aware.compressed().tolist(), *plain.compressed().tolist()}
    if not reading.left_out and len(ends) == 1:  # a width between would be another one in each replicate
        how = "at no α" if ends == {0.0} else "at every α"
        raise NothingToSeeError(f"Both come close to the ceiling {how} that was tried.")
    return found


def _every_arm(reading: Reading) -> tuple[str, ...]:
    try:
        arms = _arms(reading)
    except NotMeasuredError:
        return ()
    return tuple(arms[optimizer][alpha] for optimizer in _OPTIMIZERS for alpha in sorted(arms[optimizer], reverse=True))


def _doing_nothing(reading: Reading) -> Masked:
    return less(reading.tow_of_start(NEGGRAD, MATCHED), reading.tow(NEGGRAD, MATCHED))


def _picture(reading: Reading) -> Picture | None:
    """ToW of both optimizers over (1 - α)/α, with the ceiling and the level that is close to it."""
    curves = []
    for optimizer, arms in _arms(reading).items():
        known = {alpha: unless_missing(of_arm(arm, "tow", MATCHED), reading) for alpha, arm in arms.items()}
        made = {(1.0 - alpha) / alpha: each for alpha, each in known.items() if each is not None}
        curves.append(estimates_curve(optimizer.upper(), list(made), list(made.values()), joined=True))
    ceiling = ceiling_of(NEGGRAD, MATCHED, reading)
    if ceiling is not None:
        ends = (float(curves[0].x.min()), float(curves[0].x.max()))
        curves.append(level_line("ceiling", ends, ceiling.value))
        curves.append(level_line("close to it", ends, ceiling.value - reading.pick(CLOSE)))
    return Picture(r"$(1 - \alpha)/\alpha$", "tug of war", tuple(curves), x_log=True)


_CASE = Case(
    rules=MATCHED,
    arms=_every_arm,
    effect=_gain,
    control=_doing_nothing,
    null=same_again("tow", MATCHED),
    linear=False,  # the ceiling moves with every reference
    picture=_picture,
    more={
        "decades of (1 - α)/α close to the ceiling, ASAM": lambda reading: _widths(reading)[0],
        "decades of (1 - α)/α close to the ceiling, SGD": lambda reading: _widths(reading)[1],
    },
)

CLAIMS = (
    Claim(
        name="asam-widens-range-of-alpha",
        number=6,
        title="NegGrad comes close to retraining over a wider range of α with ASAM than with SGD",
        source="Unlearning paper as its published summary states it: SAM tolerates smaller α [S]",
        statement=(
            r"W = \int 1[\mathrm{ToW} \geq \mathrm{ceiling} - 0.03]\,d\log_{10}\frac{1-\alpha}{\alpha},\quad "
            r"W_\mathrm{ASAM} - W_\mathrm{SGD} \geq 0"
        ),
        effect="decades of (1 − α)/α over which ToW is within 0.03 of the ceiling, ASAM less SGD in unlearning",
        supported=Region(low=0.0),
        refuted_if="The range is wider with SGD.",
        experiment=f"{EXPERIMENT} NegGrad after SGD at each α, which has a learning rate of its own; ToW in between is "
        "that of straight lines over the logarithm of (1 − α)/α.",
        stopping_rule=STOPPING,
        statistic=f"Width of the range of each replicate. {STATISTIC}",
        control=Control(name="the pretrained network has no lower ToW than NegGrad with SGD", region=Region(low=0.0)),
        null=Control(
            name="NegGrad with SGD against itself with other batches, in ToW", region=Region.around(0.0, 0.02)
        ),
        measure=partial(evidence_of, case=_CASE),
        family="paper",
        choices=(MATCHED.stop, REFERENCE, UNREACHED, CLOSE),
        margin=0.1,  # a factor of 1.26 in the weight, a fifth of the distance of two values that are tried
    ),
)
