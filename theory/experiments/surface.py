r"""The pooled model of the test error: one surface over all cells, whose ratios of exponents are the boundary's.

te = p + (1 - 2p) Φ(-e^a Π_f x_f^{b_f}) over factors x_f such as ‖φ‖, d and n. On a level of te the signal is then a
power of each other factor, with exponent -b_f / b_‖φ‖. The form is the one a Gaussian margin would give; only ratios
of exponents are read off, so that a surface of another shape, as long as it depends on one product of powers, gives
the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr, ndtri

from simulate.house import checks
from simulate.house.words.counting import counted
from theory.statistics import Estimate, bootstrap

__all__ = ["ErrorSurface", "boundary_exponents"]


@dataclass(frozen=True)
class ErrorSurface:
    """A fitted surface.

    Attributes:
        intercept: a.
        exponents: b_f of each factor.
        flip: p.
    """

    intercept: float
    exponents: dict[str, float]
    flip: float

    @classmethod
    def fit(cls, factors: Mapping[str, np.ndarray], error: np.ndarray, flip: float) -> ErrorSurface:
        """Fit by least squares of the errors.

        Args:
            factors: Values of each factor in every cell, (C,), positive.
            error: Mean test error of every cell, (C,).
            flip: Label noise p.

        Returns:
            The surface.

        Raises:
            ValueError: if an error is not finite, a factor not positive, or there are fewer cells than parameters.

        Example:
            >>> signal, d = np.repeat([1.0, 2.0, 4.0], 2), np.tile([1e3, 1e4], 3)
            >>> error = 0.1 + 0.8 * ndtr(-10 * signal**2 / d**0.5)
            >>> surface = ErrorSurface.fit({"signal": signal, "d": d}, error, 0.1)
            >>> {name: round(value, 3) for name, value in surface.exponents.items()}
            {'signal': 2.0, 'd': -0.5}
        """
        factors, error = _factors(factors), checks.real_array("error", error)
        checks.shape("error", error, ("cells",))
        checks.fraction("flip", flip, below=0.5)
        flip = float(flip)
        for values in factors.values():
            checks.shape("factors", values, error.shape)
        if len(error) <= len(factors):
            checks.fail("error", f"hold more than {counted(len(factors), 'cell')}", len(error))
        logs = np.column_stack([np.ones(len(error)), *(np.log(values) for values in factors.values())])
        clean = np.clip((error - flip) / (1.0 - 2.0 * flip), 1e-3, 0.499)
        start = np.linalg.lstsq(logs, np.log(-ndtri(clean)), rcond=None)[0]

        def residual(b: np.ndarray) -> np.ndarray:
            return flip + (1.0 - 2.0 * flip) * ndtr(-_power(logs @ b)) - error

        def jacobian(b: np.ndarray) -> np.ndarray:
            depth = _power(logs @ b)
            density = np.exp(-0.5 * depth**2) / np.sqrt(2.0 * np.pi)
            return (-(1.0 - 2.0 * flip) * density * depth)[:, None] * logs

        solution = least_squares(residual, start, jacobian, method="lm")
        found = solution.x if solution.success else np.full(len(start), np.nan)
        return cls(float(found[0]), dict(zip(factors, map(float, found[1:]), strict=True)), flip)

    def boundary(self, factor: str, signal: str = "signal") -> float:
        """Exponent of a factor in the signal at which the error has a given level."""
        for name in (factor, signal):
            checks.choice("factor" if name is factor else "signal", name, tuple(self.exponents))
        return -self.exponents[factor] / self.exponents[signal]


def _factors(factors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Positive numbers of each factor."""
    if not isinstance(factors, Mapping):
        checks.fail("factors", "be a dict of names and values", factors)
    made = {name: checks.real_array("factors", values) for name, values in factors.items()}
    if not all((values > 0.0).all() for values in made.values()):
        checks.fail("factors", "hold positive numbers", factors)
    return made


def _power(log: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(log, 50.0))


def boundary_exponents(
    factors: Mapping[str, np.ndarray], error: np.ndarray, flip: float, rng: np.random.Generator
) -> dict[str, Estimate]:
    """Exponents of the boundary with their uncertainty over replicates.

    Args:
        factors: Values of each factor in every cell, (C,); "signal" is one of them.
        error: Test errors, (replicates, C).
        flip: Label noise p.
        rng: Draws the bootstrap samples.

    Returns:
        Estimate of the exponent of every other factor.

    Raises:
        ValueError: if an argument does not fit; see `ErrorSurface.fit`.
    """
    factors, error = _factors(factors), checks.number_array("error", error)
    checks.shape("error", error, ("replicates", "cells"))
    checks.choice("factors", "signal", tuple(factors))
    others = [name for name in factors if name != "signal"]
    draw = rng.integers(2**32)

    def exponent(name: str, chosen: np.ndarray) -> float:
        if not np.isfinite(error).all():  # one run without a test error leaves no estimate, and loses no ledger
            return np.nan
        return ErrorSurface.fit(factors, error[chosen].mean(axis=0), flip).boundary(name)

    return {
        name: bootstrap(lambda chosen, name=name: exponent(name, chosen), len(error), np.random.default_rng(draw))  # type: ignore[misc]
        for name in others
    }
