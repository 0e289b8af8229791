"""The weight of the retain loss at which unlearning stays benign."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

__all__ = ["critical_alpha"]


def critical_alpha(alpha: np.ndarray, error: np.ndarray, level: float) -> float:
    """Smallest α from which on the test error stays at or below a level.

    The errors are first made to fall with α (isotonic regression), then interpolated.

    Args:
        alpha: Weights α, (A,), ascending.
        error: Mean test errors, (A,).
        level: The level.

    Returns:
        The threshold; 0 if even the smallest α will do, 1 if none does.

    Example:
        >>> critical_alpha(np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.2, 0.1]), 0.15)
        0.7
    """
    falling = isotonic_regression(error, increasing=False).x
    if falling[0] <= level:
        return 0.0
    if falling[-1] > level:
        return 1.0
    after = int(np.argmax(falling <= level))
    share = (falling[after - 1] - level) / (falling[after - 1] - falling[after])
    return float(alpha[after - 1] + share * (alpha[after] - alpha[after - 1]))
