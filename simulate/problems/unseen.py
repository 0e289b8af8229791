"""What an instance is judged by: a law of test noise, or held-out samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.problems.tails import Strength

__all__ = ["NoiseLaw", "TestSet"]


@dataclass(frozen=True)
class NoiseLaw:
    """The law of test noise: s N(0, σ_p² I), projected off φ or not, with the radius s of an image.

    Where coordinates differ in variance, `simulate.Instance.deviations` has what they are.
    """

    sigma_p: float
    """Standard deviation of each coordinate, or the unit of their deviations."""
    orthogonal: bool
    """Whether the noise is projected off φ."""
    strength: Strength | None = None
    """The law of s; None for s = 1, which is Gaussian noise."""
    patch_scales: tuple[float, ...] | None = None
    """Scales of the noise of each noise patch, over σ_p; None for ones."""
    class_scales: tuple[float, ...] | None = None
    """Scales of the noise of images of the true labels +1 and -1, over σ_p; None for ones."""


@dataclass(frozen=True, eq=False)
class TestSet:
    """Held-out samples, for data that follow no known law."""

    __test__ = False  # the name is the field's term; tell pytest it is not a test case

    xi: np.ndarray
    """Noise vectors, (n_test, patches, D), in the coordinates of the instance."""
    y: np.ndarray
    """True labels ±1, (n_test,)."""
