"""The weight of the retain loss at which unlearning stays benign, at matched forgetting."""

from __future__ import annotations

import numpy as np

from simulate.boundaries.boundary import crossing
from simulate.house import checks, ties

__all__ = ["LEAST_FORGOTTEN", "critical_alpha"]

LEAST_FORGOTTEN = 0.9
"""Fraction of the runs of a cell that have to be forgotten for the cell, or its α, to count at all."""


def critical_alpha(alpha: np.ndarray, error: np.ndarray, forgotten: np.ndarray, level: float) -> float:
    """Smallest α from which on the test error stays at or below a level.

    Of the α at which the runs are forgotten, the errors are made to fall with α (isotonic regression), then
    interpolated.

    Args:
        alpha: Weights α, (A,), ascending.
        error: Mean test errors, (A,).
        forgotten: Fraction of the runs that were forgotten, (A,).
        level: The level.

    Returns:
        The threshold; NaN where it is censored: every such α is enough, or none is, or an error is NaN.

    Example:
        >>> critical_alpha(np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.2, 0.1]), np.ones(3), 0.15)
        0.7

    Raises:
        ValueError: if the arrays are not numbers along one axis of equal length.
    """
    alpha = checks.number_array("alpha", alpha)
    error, forgotten = checks.number_array("error", error), checks.number_array("forgotten", forgotten)
    checks.shape("alpha", alpha, ("weights",))
    checks.shape("error", error, alpha.shape)
    checks.shape("forgotten", forgotten, alpha.shape)
    checks.number("level", level)
    if not (np.diff(alpha) > 0.0).all():
        checks.fail("alpha", "be ascending", alpha.tolist())
    valid = ties.at_least(forgotten, LEAST_FORGOTTEN)
    if not valid.any() or np.isnan(error[valid]).any():
        return float("nan")
    alpha, (before, share) = alpha[valid], crossing(error[valid], level)
    enough = before < 0 or (before == 0 and share == 0.0)  # the smallest α, and so all of them
    if enough or before == len(alpha):
        return float("nan")
    return float(alpha[before] + share * (alpha[before + 1] - alpha[before])) if share > 0.0 else float(alpha[before])
