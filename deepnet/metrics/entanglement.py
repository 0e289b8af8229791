"""How entangled the features of retain and forget samples are: by variance, and by optimal transport."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial.distance import cdist

from deepnet.house.fields import of_type
from deepnet.house.packages import POT, need
from deepnet.house.seeding import generator
from deepnet.metrics.outputs import Outputs
from simulate.house import checks
from simulate.house.counting import counted

__all__ = [
    "OFFICIAL_MAXIMUM",
    "Entanglement",
    "measure_entanglement",
    "normalise_variance",
    "variance_entanglement",
    "wasserstein_distance",
    "wasserstein_entanglement",
]

Scale = Literal["diameter", "own maximum"]

OFFICIAL_MAXIMUM = 1300.0
"""Value of the variance entanglement that the paper's released code maps to 1."""

SPHERE_DIAMETER = 2.0
"""Largest possible distance of two vectors of length one."""

EQUAL_MEANS = (64 * np.finfo(np.float64).eps) ** 2
"""Squared distance below which means of unit vectors differ by nothing but rounding."""

MAX_PIVOTS = 10_000_000
"""Steps the exact transport solver may take; a thousand points a side need some ten thousand."""


@dataclass(frozen=True, kw_only=True)
class Entanglement:
    """Entanglement of retain and forget set in a model's feature space; large values say inseparable.

    Values by class are means over the classes that both sets have, weighted with |R_c| + |F_c|; NaN if there is none.
    """

    variance: float
    """E_Var over all samples, in [0, ∞]."""
    variance_normalised: float
    """min(E_Var / 1300, 1), the paper's form."""
    variance_by_class: float
    """Weighted mean of E_Var within classes, in [0, ∞]."""
    variance_by_class_normalised: float
    """The same mean divided by 1300 and cut at 1."""
    wasserstein: float
    """E_W over all samples, at most 1."""
    wasserstein_by_class: float
    """Weighted mean of E_W within classes that have at least two samples on either side."""
    n_classes: int
    """Number of classes behind `variance_by_class`."""
    n_classes_wasserstein: int
    """Number of classes behind `wasserstein_by_class`."""


def measure_entanglement(
    *,
    retain: Outputs,
    forget: Outputs,
    p: int = 1,
    scale: Scale = "diameter",
    max_samples: int = 1000,
    seed: int = 0,
) -> Entanglement:
    """All entanglement numbers of one model.

    Args:
        retain: Its outputs on the retain set.
        forget: Its outputs on the forget set.
        p: Order of the Wasserstein distance, 1 or 2.
        scale: See `wasserstein_entanglement`.
        max_samples: At most so many samples a side go into one transport problem. Which ones depends on the seed and
            on the labels alone, so that models are compared on the same samples.
        seed: Seed of that choice.

    Returns:
        The numbers.

    Raises:
        ValueError: if an argument is out of range, or the sets differ in the number of features.

    Source: Zhao et al. 2024 (arXiv 2406.01257) and the released code of the paper.
    """
    of_type("retain", retain, Outputs)
    of_type("forget", forget, Outputs)
    checks.integer("seed", seed, least=0)
    checks.integer("max_samples", max_samples, least=2)

    def transport(retained: np.ndarray, forgotten: np.ndarray, name: str | int) -> float:
        retained = _thinned(retained, max_samples, generator(seed, "transport", "retain", name))
        forgotten = _thinned(forgotten, max_samples, generator(seed, "transport", "forget", name))
        return wasserstein_entanglement(retained, forgotten, p=p, scale=scale)

    pair = (retain.features, forget.features)
    variance = variance_entanglement(*pair)
    variance_by_class, n_variance = _by_class(retain, forget, 1, lambda r, f, _: variance_entanglement(r, f))
    wasserstein_by_class, n_wasserstein = _by_class(retain, forget, 2, transport)
    return Entanglement(
        variance=variance,
        variance_normalised=normalise_variance(variance),
        variance_by_class=variance_by_class,
        variance_by_class_normalised=normalise_variance(variance_by_class),
        wasserstein=transport(*pair, "all"),
        wasserstein_by_class=wasserstein_by_class,
        n_classes=n_variance,
        n_classes_wasserstein=n_wasserstein,
    )


def variance_entanglement(retain: np.ndarray, forget: np.ndarray) -> float:
    """E_Var = [mean‖r - μ_R‖² + mean‖f - μ_F‖²] / [½(‖μ_R - μ‖² + ‖μ_F - μ‖²)] of features of length one.

    μ is the mean of all samples together, so the larger set counts more in it.

    Args:
        retain: Features of retain samples, (a, p); rows are brought to length one first.
        forget: Features of forget samples, (b, p).

    Returns:
        The ratio, in [0, ∞]: infinite where the two means agree up to rounding.

    Raises:
        ValueError: if an array is empty or not finite, or if their widths differ.
    """
    retain, forget = _unit_pair(retain, forget)
    mean_r, mean_f = retain.mean(axis=0), forget.mean(axis=0)
    mean = (len(retain) * mean_r + len(forget) * mean_f) / (len(retain) + len(forget))
    between = 0.5 * (((mean_r - mean) ** 2).sum() + ((mean_f - mean) ** 2).sum())
    if between <= EQUAL_MEANS:
        return math.inf
    return float((_variance(retain, mean_r) + _variance(forget, mean_f)) / between)


def _variance(points: np.ndarray, mean: np.ndarray) -> float:
    """Mean squared distance from the mean; overwrites the points, which may fill much of the memory."""
    points -= mean
    return float(np.vdot(points, points)) / len(points)


def normalise_variance(value: float) -> float:
    """min(E_Var / 1300, 1), the scale of the paper's released code; NaN stays NaN."""
    return math.nan if math.isnan(value) else min(value / OFFICIAL_MAXIMUM, 1.0)


def wasserstein_entanglement(retain: np.ndarray, forget: np.ndarray, *, p: int = 1, scale: Scale = "diameter") -> float:
    """E_W = 1 - W_p / s of features of length one.

    Args:
        retain: Features of retain samples, (a, p); rows are brought to length one first.
        forget: Features of forget samples, (b, p).
        p: Order of the distance, 1 or 2.
        scale: "diameter" sets s = 2, the largest distance on the sphere, so that models can be compared. "own
            maximum" sets s to the largest distance between the given samples, as the paper's released code does.

    Returns:
        The entanglement, in [0, 1]; 1 if both sets are one point.

    Raises:
        ValueError: if an argument is out of range; the message names it.
    """
    checks.choice("scale", scale, ("diameter", "own maximum"))
    retain, forget = _unit_pair(retain, forget)
    size = SPHERE_DIAMETER if scale == "diameter" else float(cdist(retain, forget).max())
    distance = wasserstein_distance(retain, forget, p=p)
    return max(0.0, 1.0 - distance / size) if size > 0.0 else 1.0


def wasserstein_distance(first: np.ndarray, second: np.ndarray, *, p: int = 1) -> float:
    """W_p = (min_π Σ π_ij ‖a_i - b_j‖^p)^(1/p) of two samples with uniform weights, without any normalisation.

    Args:
        first: Points a, (n, d).
        second: Points b, (m, d).
        p: Order, 1 or 2.

    Returns:
        The distance, by the exact network simplex of POT.

    Raises:
        ValueError: if an argument is out of range; the message names it.
        RuntimeError: if the solver stops before the optimum.
        ModuleNotFoundError: if POT is not installed.
    """
    checks.integer("p", p, least=1)
    if p > 2:
        checks.fail("p", "be 1 or 2", p)
    first, second = _pair("first", first, "second", second)
    cost = cdist(first, second) ** p
    weights = [np.full(len(points), 1.0 / len(points)) for points in (first, second)]
    value, problem = _transport_cost(weights[0], weights[1], cost)
    if problem is not None:
        raise RuntimeError(f"Optimal transport of {len(first)} to {counted(len(second), 'point')} failed: {problem}")
    return float(max(value, 0.0) ** (1.0 / p))


def _transport_cost(first: np.ndarray, second: np.ndarray, cost: np.ndarray) -> tuple[float, str | None]:
    """Smallest cost of moving the weights of one side to those of the other, and what the solver complains of."""
    need(POT, "Optimal transport")
    with warnings.catch_warnings():
        # Of old escapes in POT's docstrings when it is first compiled; its complaints come back as text.
        warnings.simplefilter("ignore")
        from ot import emd2  # late, since POT looks for all array libraries, which takes seconds

        value, log = emd2(first, second, cost, numItermax=MAX_PIVOTS, log=True)
    return float(value), log["warning"]


def _by_class(
    retain: Outputs, forget: Outputs, least: int, measure: Callable[[np.ndarray, np.ndarray, int], float]
) -> tuple[float, int]:
    """Weighted mean of a measure over the classes with at least so many samples on either side, and their number."""
    values, weights = [], []
    for k, retained, forgotten in _classes(retain, forget):
        if min(len(retained), len(forgotten)) >= least:
            values.append(measure(retained, forgotten, k))
            weights.append(len(retained) + len(forgotten))
    if not values:
        return math.nan, 0
    return float(np.average(values, weights=weights)), len(values)


def _classes(retain: Outputs, forget: Outputs) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    for k in np.intersect1d(retain.labels, forget.labels):
        yield int(k), retain.features[retain.labels == k], forget.features[forget.labels == k]


def _thinned(points: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    if len(points) <= size:
        return points
    return points[np.sort(rng.permutation(len(points))[:size])]


def _unit_pair(retain: np.ndarray, forget: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """New arrays of rows of length one; a row of zeros (no feature is active) stays what it is."""
    pair = _pair("retain", retain, "forget", forget)
    for points in pair:
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        points /= np.where(lengths > 0.0, lengths, 1.0)
    return pair


def _pair(name: str, points: np.ndarray, other: str, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two checked matrices of as many columns, as new arrays."""
    first, second = checks.real_array(name, points), checks.real_array(other, others)
    checks.shape(name, first, ("n", "p"))
    checks.shape(other, second, ("n", first.shape[1]))
    return first, second
