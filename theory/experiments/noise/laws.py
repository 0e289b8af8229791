r"""Laws of an image's noise strength, and the height of the boundary that follows from one.

Source: [D]. Let all noise of image i be s_i times a Gaussian vector. While signal is weak, the output of image i grows
by its own noise, df_i/dt = s_i² |ℓ'(f_i)| in units of one step, and stops at a time t that the mean loss ε decides. Its
memory is then f_i, learned over an impulse ∫|ℓ'_i| = f_i/s_i². The signal learned is the sum of the impulses,
κ ∝ ‖φ‖² E[f/s²]; the noise on unseen images comes of w = Σ f_i ξ_i/‖ξ_i‖², of length ∝ (E[f²/s²])^½; and an unseen
image of strength s errs where s times a Gaussian exceeds κ. A level of the test error is crossed where κ is the
q-quantile of that mixture, so that

    ‖φ‖²_critical / ‖φ‖²_Gaussian = Q_q(s g)/Q_q(g) · (E[f²/s²])^½ / E[f/s²].

Nothing in it depends on d or n: the fourth roots are those of Gaussian noise, at another height.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import lambertw, ndtr, ndtri
from scipy.stats import chi2

from simulate import Problem, power_law, spikes
from simulate.house import checks
from simulate.problems.tails import StudentT, TwoScales

__all__ = ["GAUSSIAN", "HEAVY", "LAWS", "TAILS", "fields_of", "height", "strengths"]

GAUSSIAN = "Gaussian"
"""The law of the theory."""
TAILS: Mapping[str, Mapping[str, Any]] = {
    GAUSSIAN: {},
    "Student-t, ν = 3": {"tails": "student-t", "degrees_of_freedom": 3.0},
    "Student-t, ν = 5": {"tails": "student-t", "degrees_of_freedom": 5.0},
    "Student-t, ν = 10": {"tails": "student-t", "degrees_of_freedom": 10.0},
    "log-normal, β = 0.5": {"tails": "log-normal", "log_spread": 0.5},
    "two scales, 3× in 20 %": {"tails": "two-scales", "noisy_fraction": 0.2, "noisy_factor": 3.0},
}
"""Fields of a problem by the law of its noise; all have the variance σ_p²."""
HEAVY = tuple(name for name in TAILS if name != GAUSSIAN)
"""Those of heavier tails than the theory's."""
SPIKED, POWER = "20 spikes, 20×", "power law, exponent ½"
"""Gaussian laws whose coordinates differ in variance."""
LAWS = (
    GAUSSIAN,
    "Student-t, ν = 3",
    SPIKED,
    "two scales, 3× in 20 %",
    "Student-t, ν = 5",
    "log-normal, β = 0.5",
    POWER,
)
"""The laws of the map of weak signals, those of the quick budget first."""

_QUANTILES = 20_000
"""Strengths by which a continuous law is told, each as likely as the others."""


def fields_of(law: str, d: int) -> dict[str, Any]:
    """Fields of a problem in d dimensions under a law, tails or blocks."""
    if law in TAILS:
        return dict(TAILS[law])
    checks.choice("law", law, (SPIKED, POWER))
    eigenvalues, multiplicities = spikes(d, count=20, factor=20.0) if law == SPIKED else power_law(d, 0.5)
    return {"eigenvalues": eigenvalues, "multiplicities": multiplicities}


@dataclass(frozen=True, eq=False)
class Strengths:
    """A law of the strength s, as values with their probabilities, (N,) each."""

    value: np.ndarray
    probability: np.ndarray

    def mean(self, values: np.ndarray) -> float:
        """Mean of a function of s, given at its values."""
        return float(self.probability @ values)

    def exceeded(self, share: float) -> float:
        """Q_q: what s times a standard normal exceeds with a probability below ½."""
        return float(brentq(lambda u: self.mean(ndtr(-u / self.value)) - share, 0.0, 1e3))


def strengths(problem: Problem) -> Strengths:
    """The law of the strength of an image's noise."""
    law = problem.strength
    if law is None:
        return Strengths(np.ones(1), np.ones(1))
    if isinstance(law, TwoScales):
        return Strengths(np.exp(law.table[1::2]), np.exp(law.table[2::2]))
    share = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    if isinstance(law, StudentT):
        value = np.sqrt((law.degrees_of_freedom - 2.0) / chi2.ppf(share, law.degrees_of_freedom))
    else:  # log-normal
        value = np.exp(law.spread * ndtri(share) - law.spread**2)
    return Strengths(value, np.full(_QUANTILES, 1.0 / _QUANTILES))


def memories(law: Strengths, loss: float) -> np.ndarray:
    """Outputs f of images at their own noise alone, when the mean loss is reached; (N,).

    They start at 0 and follow df/dt = s²/(1 + e^f), so that f + e^f = 1 + s² t.
    """

    def at(time: float) -> np.ndarray:
        x = 1.0 + law.value**2 * time
        far = x > 500.0  # f = x - W(e^x), and W(e^x) = x - f: by iteration where e^x overflows
        f = np.where(far, np.log(x), x - lambertw(np.exp(np.minimum(x, 500.0))).real)
        for _ in range(3):
            f = np.where(far, np.log(np.maximum(x - f, 1.0)), f)
        return f

    left = brentq(lambda log: law.mean(np.logaddexp(0.0, -at(math.exp(log)))) - loss, -5.0, 30.0)
    return at(math.exp(left))


@cache
def height(problem: Problem, level: float, loss: float) -> float:
    """Critical signal over that of Gaussian noise of the same variance, as derived above.

    Args:
        problem: The problem, for the law of its noise and its label flips.
        level: Test error at which the boundary is read, between p and ½.
        loss: Mean loss at which training ends.

    Example:
        >>> height(Problem(label_flip=0.1), 0.3, 0.05)
        1.0
        >>> round(height(Problem(tails="two-scales", noisy_fraction=0.5, noisy_factor=3.0), 0.25, 0.05), 2)
        0.67
    """
    law = strengths(problem)
    share = (level - problem.label_flip) / (1.0 - 2.0 * problem.label_flip)
    if not 0.0 < share < 0.5:
        checks.fail("level", "lie between the label flips and 1/2", level)
    f = memories(law, loss)
    noise = math.sqrt(law.mean((f / law.value) ** 2)) / law.mean(f / law.value**2)
    return math.sqrt(law.exceeded(share) / float(-ndtri(share)) * noise)
