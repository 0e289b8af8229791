"""SGD at its boundary with independent noise patches, and the scale on which that boundary lies."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import xarray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from simulate import Problem
from simulate.house import checks
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import BASE
from theory.experiments.course import Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import initialised
from theory.experiments.training.places import LEVEL
from theory.formulas import symbols as s
from theory.formulas.statements import STATEMENTS

__all__ = ["PATCHES", "PLACES", "boundary_by_patches", "patch_quantile", "patch_scale", "sized"]

PATCHES = (2, 3, 5)
"""Numbers of patches P: one, two and four of them are noise."""
PLACES = (0.8, 1.1, 1.5, 2.0)
"""Signals in units of `patch_scale`."""

_POINTS, _FREQUENCIES, _HIGHEST = 600, 600, 80.0
"""Points of a normal law, and frequencies up to the highest, at which characteristic functions are taken."""


@cache
def _characteristic(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, (T,), and the characteristic function of √(2k/n) h(g) for classes of k = 0, …, n, (n + 1, T).

    h(g) = (g Φ(g) + φ(g))/√2 is the mean answer of many filters, any two of which are active on the same half of each
    other's samples.
    """
    g = ndtri((np.arange(_POINTS) + 0.5) / _POINTS)
    answer = (g * ndtr(g) + np.exp(-0.5 * g**2) / math.sqrt(2.0 * math.pi)) / math.sqrt(2.0)
    frequency = (np.arange(_FREQUENCIES) + 0.5) * (_HIGHEST / _FREQUENCIES)
    sizes = np.sqrt(2.0 * np.arange(samples + 1) / samples)
    return frequency, np.array([np.exp(1j * np.outer(size * frequency, answer)).mean(axis=1) for size in sizes])


@cache
def patch_quantile(patches: int, samples: int, share: float) -> float:
    """Q_{K,n}(q): the signal at which the noise of K unseen patches wins with a probability.

    A class of k samples has noise of scale √(2k/n) in its filters and signal of 2k/n; k is binomial. Of a sum of
    independent answers the characteristic function is a product, and the distribution function its sine transform.

    Args:
        patches: Number of noise patches K.
        samples: Number of training samples n.
        share: The probability q, between 0 and 1/2.

    Returns:
        The signal, in units of the standard deviation of one filter's pre-activation on one patch.

    Example:
        >>> round(patch_quantile(1, 80, 0.25), 2), round(patch_quantile(4, 80, 0.25) / 2.0, 2)
        (0.3, 0.36)
    """
    checks.integer("patches", patches, least=1)
    checks.integer("samples", samples, least=1)
    if not 0.0 < share < 0.5:
        checks.fail("share", "lie between 0 and 1/2", share)
    frequency, of_class = _characteristic(samples)
    width, size = _HIGHEST / _FREQUENCIES, np.arange(samples + 1)
    against = (of_class[::-1] * of_class.conj()) ** patches  # the other class helps the noise, the own one hinders it
    chance = binom.pmf(size, samples, 0.5)

    def beyond(signal: float) -> float:
        turned = np.exp(-1j * np.outer(2.0 * signal * size / samples, frequency)) * against
        return float(chance @ (0.5 + (turned.imag / frequency).sum(axis=1) * width / math.pi)) - share

    return float(brentq(beyond, 0.0, 10.0 * math.sqrt(patches)))


def patch_scale(problem: Problem, level: float = LEVEL) -> float:
    """The boundary of K = P - 1 independent patches without its unknown constant, (d/n)^¼ σ_p (√K Q_{K,n}(q))^½."""
    share = (level - problem.label_flip) / (1.0 - 2.0 * problem.label_flip)
    scale = STATEMENTS["independent_patches"].function(s.C_10, s.sigma_p, s.d, s.n, s.P, s.patch_quantile)
    quantile = patch_quantile(problem.P - 1, problem.n, share)
    return float(scale(1.0, problem.sigma_p, float(problem.d), float(problem.n), float(problem.P), quantile))


def sized(lab: Lab) -> Problem:
    """The problem without its patches."""
    return replace(BASE, d=lab.choose(quick=2000, full=8000), n=lab.choose(quick=10, full=20))


def boundary_by_patches(lab: Lab) -> xarray.Dataset:
    """Training from SGD's weights over P and the signal; few samples, since every patch of theirs is a vector."""
    course, sizes = Course(lab), sized(lab)

    def make(seed: int, P: int, place: float) -> Cell:
        base = replace(course.sized(sizes), P=P, patches="independent")
        problem = initialised(replace(base, signal=place * patch_scale(base)), "SGD")
        return Cell(problem, course.pretrain(problem, "SGD"), seed)

    return lab.grid("patches", make, {"P": PATCHES, "place": PLACES}, replicates=lab.choose(quick=24, full=40))
