r"""Exact coordinates: φ, the noise vectors and the initial weights in as many dimensions as there are vectors.

Every method here that is equivariant under rotations of R^d sees only the Gram matrix of these M vectors. For
Gaussian vectors that matrix can be drawn without touching R^d: rotate so that vector k lies in the span of the
first k + 1 coordinates; then its first k coordinates stay standard normal and the remaining d - k collapse to
their norm, a χ variable with d - k degrees of freedom (Bartlett's decomposition). The M × M triangle of these
coordinates has exactly the law of the d × M array, for any d ≥ M, at a cost that does not depend on d. Noise vectors of
random length are these times their radii, which are independent of all directions (`simulate.problems.tails`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulate.house import checks
from simulate.problems.problem import Problem
from simulate.problems.streams import stream

__all__ = ["AMBIENT_LIMIT", "check_dimension", "draw_ambient", "draw_frame", "reduce_to_frame"]

AMBIENT_LIMIT = 8 * 2**30
"""Bytes that a dense draw may take before it is refused."""


def draw_frame(problem: Problem, seed: int) -> np.ndarray:
    """Draw φ, noise vectors and initial weights in the Bartlett frame.

    Args:
        problem: The law to draw from; it needs d ≥ n (P - 1) + 2m + 1 (n + 2m + 1 with copied patches).
        seed: The run's seed. Draws of two problems that differ in d, signal or scales only share their normals.

    Returns:
        Array (M, M), lower triangular: row 0 is φ, then the noise vectors sample by sample, then the filters
        (j = +1 first).

    Raises:
        ValueError: if d is smaller than the frame.
    """
    check_dimension(problem, "frame")
    size = problem.frame_size
    rows = _shared_normals(seed, size).copy() if size <= _SHARED_SIZE else _normals(seed, size)
    freedom = problem.d - np.arange(size)
    rows.reshape(-1)[:: size + 1] = np.sqrt(stream(seed, "chi").chisquare(freedom))
    return _scale(problem, rows, seed)


def draw_ambient(problem: Problem, seed: int) -> np.ndarray:
    """Draw φ, noise vectors and initial weights in R^d itself, φ along the first coordinate.

    Args:
        problem: The law to draw from, with any d.
        seed: The run's seed.

    Returns:
        Array (M, d) with the rows of `draw_frame`.

    Raises:
        ValueError: if the array would take more than 8 GiB.
    """
    check_dimension(problem, "ambient")
    return _scale(problem, stream(seed, "ambient").standard_normal((problem.frame_size, problem.d)), seed)


def check_dimension(problem: Problem, space: str) -> None:
    """Require a d for which the problem can be drawn in the frame, or in R^d ("ambient").

    Raises:
        ValueError: if d is too small for the frame, or too large for the memory.
    """
    size = problem.frame_size
    if space == "frame" and problem.d >= 2**63:
        checks.fail("d", "be below 2**63", problem.d)
    if space == "frame" and problem.d < size:
        checks.fail("d", f"be at least {size} (all vectors of the problem) in the exact frame", problem.d)
    if space == "ambient" and size * problem.d * 8 > AMBIENT_LIMIT:
        limit = AMBIENT_LIMIT // (8 * size)
        checks.fail("d", f"be at most {limit} to be drawn densely (8 GiB); the exact frame has no limit", problem.d)


def _normals(seed: int, size: int) -> np.ndarray:
    """Standard normals below the diagonal, zeros elsewhere, (size, size)."""
    rows, below = np.zeros((size, size)), _strictly_lower(size)
    rows[below] = stream(seed, "normals").standard_normal(len(below[0]))
    return rows


_SHARED_SIZE = 128
"""Largest frame that is kept for the next problem drawn with its seed."""

_shared_normals = lru_cache(maxsize=256)(_normals)
"""Cells of a sweep share the normals of a seed; at most 32 MiB are kept."""


@lru_cache(maxsize=8)
def _strictly_lower(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices below the diagonal; small runs are drawn by the thousand."""
    return np.tril_indices(size, -1)


def _scale(problem: Problem, rows: np.ndarray, seed: int) -> np.ndarray:
    """Turn standard normal rows, in place, into φ, noise of the problem's law and weights."""
    first_filter = problem.frame_size - 2 * problem.m
    rows[0] = 0.0
    rows[0, 0] = problem.signal
    rows[1:first_filter] *= problem.sigma_p
    rows[first_filter:] *= problem.sigma_0
    if problem.strength is not None:
        radii = problem.strength.draw(stream(seed, "strengths"), problem.n)
        rows[1:first_filter] *= np.repeat(radii, problem.n_noise_patches)[:, None]
    if problem.noise == "orthogonal":
        rows[1:first_filter, 0] = 0.0
    return rows


def reduce_to_frame(vectors: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """Express given vectors in an orthonormal basis of their span, by QR.

    Args:
        vectors: Array (M, d) of φ, noise vectors and initial weights.
        *others: Arrays (·, d) of further vectors of which only the inner products with `vectors` matter (test
            noise); they are projected on the span.

    Returns:
        The vectors (M, min(M, d)) and the projections (·, min(M, d)), with the same inner products.
    """
    basis, coordinates = np.linalg.qr(vectors.T)
    return (coordinates.T, *(other @ basis for other in others))
