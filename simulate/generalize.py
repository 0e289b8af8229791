"""Test error of the two-layer network, with relative accuracy however small it is.

For a test sample of one label the noise enters through h(z) of `simulate.design_points`, z standard normal, and the
error is P(h > threshold), which `simulate.importance` estimates.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulate import checks
from simulate.importance import estimate_range
from simulate.parallel import in_threads

__all__ = ["TestError", "direction_normals", "test_error"]


@dataclass(frozen=True, eq=False)
class TestError:
    """Test errors, arrays with the same leading axes.

    Attributes:
        error: Probability that a test sample's observed label is predicted wrongly; a tie counts one half.
        standard_error: Standard error of `error`.
        effective_sample_size: Number of equally weighted draws that would tell as much, out of K. Below about 20 the
            estimate and its standard error are unreliable; 0 says that no draw met an error.
        log_clean_error: Natural logarithm of the error without label flips, however small.
        clean_error_by_label: Error without label flips for the true labels +1 and -1, (..., 2).
    """

    error: np.ndarray
    standard_error: np.ndarray
    effective_sample_size: np.ndarray
    log_clean_error: np.ndarray
    clean_error_by_label: np.ndarray

    __test__ = False  # the name is the field's term; tell pytest it is not a test

    def select(self, index: int | tuple[int, ...]) -> TestError:
        """Return the estimate of one trajectory."""
        return TestError(*(getattr(self, field.name)[index] for field in fields(self)))


def direction_normals(rng: np.random.Generator, n_directions: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw what `test_error` needs: standard normals (n_directions, k) and uniforms (n_directions,)."""
    checks.integer("n_directions", n_directions, least=2)
    checks.integer("k", k, least=2)
    return rng.standard_normal((n_directions, k)), rng.random(n_directions)


def test_error(
    signal_margin: np.ndarray,
    noise_gram: np.ndarray,
    *,
    multiplicity: float,
    patches: int,
    label_flip: float | np.ndarray,
    normals: np.ndarray,
    uniforms: np.ndarray,
) -> TestError:
    """Estimate the probability that the network misclassifies a fresh sample.

    Args:
        signal_margin: ŷ f of the signal patch alone for the true labels ŷ = +1 and -1, (..., 2).
        noise_gram: Covariance of the 2m pre-activations of one noise vector, j = +1 first, (..., 2m, 2m).
        multiplicity: How often each noise vector is repeated.
        patches: Number of independent noise vectors.
        label_flip: Probability that the observed label is flipped, (...).
        normals: Standard normals, (K, patches 2m) for all trajectories or (..., K, patches 2m) for each its own.
        uniforms: Uniforms on [0, 1), (K,) or (..., K).

    Returns:
        The estimates; NaN where a margin or a covariance is NaN or infinite.

    Raises:
        ValueError: if an argument has a wrong shape or range.
    """
    margins, grams = np.asarray(signal_margin, dtype=float), np.asarray(noise_gram, dtype=float)
    flip, normals, uniforms = (np.asarray(a, dtype=float) for a in (label_flip, normals, uniforms))
    _check(margins, grams, multiplicity, patches, flip, normals, uniforms)
    rows, draws = grams.shape[-1], uniforms.shape[-1]
    batch = np.broadcast_shapes(margins.shape[:-1], grams.shape[:-2], flip.shape)
    own = batch if normals.ndim > 2 or uniforms.ndim > 1 else ()
    margins = np.broadcast_to(margins, (*batch, 2)).reshape(-1, 2)
    grams = np.broadcast_to(grams, (*batch, rows, rows)).reshape(-1, rows, rows)
    normals = np.broadcast_to(normals, (*own, draws, patches * rows)).reshape(-1, draws, patches, rows)
    uniforms = np.broadcast_to(uniforms, (*own, draws)).reshape(-1, draws)
    finite = np.isfinite(margins).all(axis=-1) & np.isfinite(grams).all(axis=(-2, -1))
    margins, grams = np.where(finite[:, None], margins, 0.0), np.where(finite[:, None, None], grams, 0.0)
    longest = grams.diagonal(axis1=-2, axis2=-1).max(axis=-1)
    longest[longest <= 0.0] = 1.0
    thresholds = margins * (0.5 * rows / multiplicity) / np.sqrt(longest)[:, None]
    results = np.empty((len(margins), 5))
    draws_last = np.ascontiguousarray(normals.transpose(0, 2, 3, 1))
    arrays = thresholds, grams / longest[:, None, None], draws_last, np.ascontiguousarray(uniforms), results
    in_threads(lambda first, last: estimate_range(first, last, *arrays), len(results))
    results[~finite] = np.nan
    results = results.reshape(*batch, 5)
    clean = np.exp(results[..., 0])
    return TestError(
        error=flip + (1.0 - 2.0 * flip) * clean,
        standard_error=(1.0 - 2.0 * flip) * clean * results[..., 1],
        effective_sample_size=results[..., 2],
        log_clean_error=results[..., 0],
        clean_error_by_label=np.exp(results[..., 3:]),
    )


test_error.__test__ = False  # type: ignore[attr-defined]  # the name is the field's term


def _check(
    margins: np.ndarray,
    grams: np.ndarray,
    multiplicity: float,
    patches: int,
    flip: np.ndarray,
    normals: np.ndarray,
    uniforms: np.ndarray,
) -> None:
    """Check what `test_error` is given, all but the leading axes."""
    checks.real("multiplicity", multiplicity, positive=True)
    checks.integer("patches", patches, least=1)
    for p in flip.ravel():
        checks.fraction("label_flip", float(p), below=0.5)
    rows, draws = grams.shape[-1:], uniforms.shape[-1:]
    checks.shape("signal_margin", margins, (*margins.shape[:-1], 2))
    checks.shape("noise_gram", grams, (*grams.shape[:-2], *rows, *rows))
    checks.shape("uniforms", uniforms, (*uniforms.shape[:-1], *draws))
    checks.shape("normals", normals, (*normals.shape[:-2], *draws, patches * grams.shape[-1]))
