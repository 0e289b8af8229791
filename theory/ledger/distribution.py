"""How the values behind a mean lie: counts that a row carries, so that the mean of two heaps does not hide them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from simulate.house import checks, ties

__all__ = ["PARTS", "check_distributions", "counts"]

PARTS = 20
"""Parts of [0, 1], of equal length, in which values are counted."""


def counts(values: np.ndarray) -> list[int]:
    """How many values lie in each part of [0, 1]; a border belongs to the part above it, 1 to the last.

    Args:
        values: Shares or errors, (N,); what is not a number is in no part.

    Example:
        >>> counts(np.array([0.0, 0.02, 0.5, 1.0]))
        [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    """
    values = np.asarray(values, dtype=float)
    parts = [min(ties.rounded_down(PARTS * value), PARTS - 1) for value in values[np.isfinite(values)]]
    return np.bincount(parts, minlength=PARTS).astype(int).tolist() if parts else [0] * PARTS


def check_distributions(found: Mapping[str, Any]) -> None:
    """Require values in [0, 1], (N,), by what they are of.

    Raises:
        ValueError: if they are something else.
    """
    for values in found.values():
        array = checks.number_array("distributions", values)
        checks.shape("distributions", array, ("replicates",))
        known = array[np.isfinite(array)]
        if np.isinf(array).any() or (known.size and (known.min() < 0.0 or known.max() > 1.0)):
            checks.fail("distributions", "hold values in [0, 1]", [float(array.min()), float(array.max())])
