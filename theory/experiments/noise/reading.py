"""Where test errors cross a level, law by law, and which law is farthest from what is predicted of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from simulate.boundaries.boundary import critical_signal
from theory.statistics import Estimate

__all__ = ["farthest", "largest", "log_critical"]


def log_critical(place: np.ndarray, error: np.ndarray, level: float) -> np.ndarray:
    """Logarithms of the places at which mean test errors cross a level.

    Args:
        place: Positions of the signals, (places,), ascending.
        error: Test errors, (replicates, …, places).
        level: The level.

    Returns:
        Array (…); NaN where all places are on one side.

    Example:
        >>> error = np.array([[[0.5, 0.3, 0.1], [0.2, 0.1, 0.1]]])
        >>> log_critical(np.array([1.0, 4.0, 16.0]), error, 0.4).round(3)
        array([0.693,   nan])
    """
    mean = error.mean(axis=0)
    found = np.array([critical_signal(place, row, level) for row in mean.reshape(-1, len(place))])
    inside = (found > 0.0) & np.isfinite(found)
    return np.where(inside, np.log(np.where(inside, found, 1.0)), np.nan).reshape(mean.shape[:-1])


def farthest(estimates: Iterable[Estimate], value: float = 0.0) -> Estimate:
    """The estimate that is farthest from a value, whose interval allows for the picking; NaN if one of them is.

    Example:
        >>> farthest([Estimate(0.3, 0.1, 9), Estimate(-0.4, 0.1, 9)]).value
        -0.4
    """
    return _picked(list(estimates), lambda found: abs(found.value - value))


def largest(estimates: Iterable[Estimate]) -> Estimate:
    """The largest estimate, in the same way."""
    return _picked(list(estimates), lambda found: found.value)


def _picked(every: list[Estimate], key: object) -> Estimate:
    unknown = [found for found in every if not np.isfinite(found.value)]
    chosen = unknown[0] if unknown else max(every, key=key)  # type: ignore[call-overload]
    return replace(chosen, comparisons=len(every))
