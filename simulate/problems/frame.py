r"""Exact coordinates: φ, the noise vectors and the initial weights in as many dimensions as there are vectors.

Every method here that is equivariant under rotations of R^d sees only the Gram matrix of these M vectors. For
Gaussian vectors that matrix can be drawn without touching R^d: rotate so that vector k lies in the span of the
first k + 1 coordinates; then its first k coordinates stay standard normal and the remaining d - k collapse to
their norm, a χ variable with d - k degrees of freedom (Bartlett's decomposition). The M × M triangle of these
coordinates has exactly the law of the d × M array, for any d ≥ M, at a cost that does not depend on d. Noise vectors of
random length are these times their radii, which are independent of all directions (`simulate.problems.tails`). Where
blocks of coordinates differ in variance, each block has a triangle of its own, side by side, and one of fewer than M
coordinates has its first columns (`simulate.problems.blocks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from simulate.house import checks
from simulate.problems.problem import Problem
from simulate.problems.streams import stream

__all__ = ["AMBIENT_LIMIT", "check_dimension", "draw_ambient", "draw_frame", "noise_deviations", "reduce_to_frame"]

AMBIENT_LIMIT = 8 * 2**30
"""Bytes that a dense draw may take before it is refused."""


def draw_frame(problem: Problem, seed: int) -> np.ndarray:
    """Draw φ, noise vectors and initial weights in the Bartlett frame.

    Args:
        problem: The law to draw from; it needs d ≥ n (P - 1) + 2m + 1 (n + 2m + 1 with copied patches), but with
            blocks any d.
        seed: The run's seed. Draws of two problems that differ in d, signal or scales only share their normals.

    Returns:
        Array (M, M), lower triangular: row 0 is φ, then the noise vectors sample by sample, then the filters
        (j = +1 first). With blocks, one such array (M, min(M, d_b)) for each, side by side.

    Raises:
        ValueError: if d is smaller than the frame.
    """
    check_dimension(problem, "frame")
    size, blocks = problem.frame_size, problem.blocks
    if blocks is None:
        return _scale(problem, _triangle(seed, 0, size, problem.d), seed, size)
    triangles = [_triangle(seed, block, size, each) for block, each in enumerate(blocks.multiplicities)]
    return _scale(problem, np.concatenate(triangles, axis=1), seed, size)


def draw_ambient(problem: Problem, seed: int) -> np.ndarray:
    """Draw φ, noise vectors and initial weights in R^d itself, φ along the first coordinate (of its block).

    Args:
        problem: The law to draw from, with any d.
        seed: The run's seed.

    Returns:
        Array (M, d) with the rows of `draw_frame`.

    Raises:
        ValueError: if the array would take more than 8 GiB.
    """
    check_dimension(problem, "ambient")
    return _scale(problem, stream(seed, "ambient").standard_normal((problem.frame_size, problem.d)), seed, None)


def noise_deviations(problem: Problem, space: str) -> np.ndarray | None:
    """Standard deviation of noise along each coordinate of a draw over σ_p, (D,); None where all are one."""
    blocks = problem.blocks
    return None if blocks is None else blocks.deviations(problem.frame_size if space == "frame" else None)


def check_dimension(problem: Problem, space: str) -> None:
    """Require a d for which the problem can be drawn in the frame, or in R^d ("ambient").

    Raises:
        ValueError: if d is too small for the frame, or too large for the memory.
    """
    size = problem.frame_size
    if space == "frame" and problem.d >= 2**63:
        checks.fail("d", "be below 2**63", problem.d)
    blocks = problem.blocks
    if space == "frame" and blocks is not None and size * sum(blocks.widths(size)) * 8 > AMBIENT_LIMIT:
        checks.fail("eigenvalues", "have fewer blocks, whose frames take 8 GiB together", len(blocks.eigenvalues))
    if space == "frame" and blocks is None and problem.d < size:
        checks.fail("d", f"be at least {size} (all vectors of the problem) in the exact frame", problem.d)
    if space == "ambient" and size * problem.d * 8 > AMBIENT_LIMIT:
        limit = AMBIENT_LIMIT // (8 * size)
        checks.fail("d", f"be at most {limit} to be drawn densely (8 GiB); the exact frame has no limit", problem.d)


def _triangle(seed: int, block: int, size: int, d: int) -> np.ndarray:
    """Coordinates of `size` standard normal vectors of R^d, (size, min(size, d))."""
    width = min(size, d)
    draw, lengths = (_shared_normals, _shared_lengths) if size <= _SHARED_SIZE else (_normals, _lengths)
    rows = draw(seed, block, size, width).copy()
    np.fill_diagonal(rows, lengths(seed, block, width, d))
    return rows


def _normals(seed: int, block: int, size: int, width: int) -> np.ndarray:
    """Standard normals below the diagonal, zeros elsewhere, (size, width)."""
    rows, below = np.zeros((size, width)), _strictly_lower(size, width)
    rows[below] = stream(seed, *_named("normals", block)).standard_normal(len(below[0]))
    return rows


def _lengths(seed: int, block: int, width: int, d: int) -> np.ndarray:
    """What is left of standard normal vectors of R^d off the vectors before them, χ with d - k degrees, (width,)."""
    return np.sqrt(stream(seed, *_named("chi", block)).chisquare(d - np.arange(width)))


def _named(name: str, block: int) -> tuple[str | int, ...]:
    """The stream of a block; the first has that of problems without blocks."""
    return (name, block) if block else (name,)


_SHARED_SIZE = 128
"""Largest frame that is kept for the next problem drawn with its seed."""

_shared_normals = lru_cache(maxsize=256)(_normals)
"""Cells of a sweep share the normals of a seed; at most 32 MiB are kept."""

_shared_lengths = lru_cache(maxsize=1024)(_lengths)
"""Cells of a sweep share what is drawn at one d, however many other values there are."""


@lru_cache(maxsize=8)
def _strictly_lower(size: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices below the diagonal; small runs are drawn by the thousand."""
    return np.tril_indices(size, -1, width)


def _scale(problem: Problem, rows: np.ndarray, seed: int, most: int | None) -> np.ndarray:
    """Turn standard normal rows, in place, into φ, noise of the problem's law and weights.

    A block has at most `most` coordinates, or all (None).
    """
    first_filter, blocks = problem.frame_size - 2 * problem.m, problem.blocks
    noise, places = rows[1:first_filter], [(0, 1.0)]
    noise *= problem.sigma_p
    rows[first_filter:] *= problem.sigma_0
    if blocks is not None:
        noise *= blocks.deviations(most)
        places = blocks.signal_places(most)
    rows[0] = 0.0
    for place, part in places:
        rows[0, place] = part * problem.signal
    if problem.strength is not None:
        radii = problem.strength.draw(stream(seed, "strengths"), problem.n)
        noise *= np.repeat(radii, problem.n_noise_patches)[:, None]
    if problem.noise == "orthogonal":
        _take_off(noise, places)
    return rows


def _take_off(noise: np.ndarray, places: Sequence[tuple[int, float]]) -> None:
    """Project noise, in place, off a direction with these coordinates."""
    along = sum(part * noise[:, place] for place, part in places)
    for place, part in places:
        noise[:, place] = noise[:, place] - part * along if len(places) > 1 else 0.0


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
