"""Test error of the two-layer network, with relative accuracy however small it is.

For a test sample of one label the noise enters through h(z) of `simulate.test_error.design_points`, z standard normal,
and the error is P(h > threshold), which `simulate.test_error.importance` estimates; where images differ in the strength
s of their noise it is P(s h > threshold), a sum over strengths (`simulate.test_error.strengths`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulate.house import checks
from simulate.machine.parallel import in_threads
from simulate.test_error.estimates import estimate_range

__all__ = ["GAUSSIAN", "TestError", "direction_normals", "test_error"]


GAUSSIAN = (0.0, 0.0, 0.0, 0.0, 0.0)
"""Table of the law of strengths that is none: the noise of all images is equally strong."""


@dataclass(frozen=True, eq=False)
class TestError:
    """Test errors, arrays with the same leading axes.

    Attributes:
        error: Probability that a test sample's observed label is predicted wrongly; a tie counts one half.
        standard_error: Standard error of `error`.
        effective_sample_size: Number of equally weighted draws, out of K, that would tell as much. Below about 20 the
            estimate and its standard error are unreliable; 0 says that no draw met an error.
        log_clean_error: Natural logarithm of the error without label flips, however small.
        clean_error_by_label: Error without label flips for the true labels +1 and -1, (..., 2).
    """

    error: np.ndarray
    standard_error: np.ndarray
    effective_sample_size: np.ndarray
    log_clean_error: np.ndarray
    clean_error_by_label: np.ndarray

    __test__ = False  # for pytest: the name is the field's term

    def select(self, index: int | tuple[int, ...]) -> TestError:
        """Return the estimate of one trajectory."""
        return TestError(*(getattr(self, field.name)[index] for field in fields(self)))


def direction_normals(rng: np.random.Generator, n_directions: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw what `test_error` needs: standard normals (n_directions, k) and uniforms (n_directions,)."""
    checks.integer("n_directions", n_directions, least=2)
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
    strengths: np.ndarray | None,
    patch_scales: np.ndarray | None = None,  # noqa: PT028 (not a test)
    power: int = 1,  # noqa: PT028
    leak: float = 0.0,  # noqa: PT028
) -> TestError:
    """Estimate the probability that the network misclassifies a fresh sample.

    Args:
        signal_margin: ŷ f of the signal patch alone for the true labels ŷ = +1 and -1, (..., 2).
        noise_gram: Covariance of the 2m pre-activations of one noise vector, j = +1 first, (..., 2m, 2m).
        multiplicity: How often each noise vector is repeated.
        patches: Number of independent noise vectors.
        label_flip: Probability that the observed label is flipped, (...).
        normals: Standard normals, (K, patches 2m) for all trajectories or (..., K, patches 2m) for each its own; with a
            leak there are 4m in the place of 2m.
        uniforms: Uniforms on [0, 1), (K,) or (..., K).
        strengths: Tables of the laws of the strength of an image's noise (see `simulate.problems.tails`), (..., 5);
            None for Gaussian noise.
        patch_scales: What each of the independent noise vectors is multiplied by, (..., patches); None for ones.
        power: The power q of the activation ReLU^q.
        leak: Slope of the left side of the activation leaky ReLU.

    Returns:
        The estimates; NaN where a margin or a covariance is NaN or infinite.

    Raises:
        ValueError: if an argument has a wrong shape or range.
    """
    checks.real("multiplicity", multiplicity, positive=True)
    checks.integer("patches", patches, least=1)
    arrays = (signal_margin, noise_gram, label_flip, normals, uniforms)
    margins, grams, flip, normals, uniforms = (np.asarray(array, dtype=float) for array in arrays)
    for p in np.unique(flip):  # a chunk repeats few
        checks.fraction("label_flip", float(p), below=0.5)
    filters = grams.shape[-1] if grams.ndim else 0
    grams = _mirrored(grams, leak) if leak else grams
    rows, draws = (array.shape[-1] if array.ndim else 0 for array in (grams, uniforms))
    batch = np.broadcast_shapes(margins.shape[:-1], grams.shape[:-2], flip.shape)
    own = batch if normals.ndim > 2 or uniforms.ndim > 1 else ()
    margins = _flatten("signal_margin", margins, batch, (2,))
    grams = _flatten("noise_gram", grams, batch, (rows, rows))
    uniforms = _flatten("uniforms", uniforms, own, (draws,))
    normals = _flatten("normals", normals, own, (draws, patches * rows)).reshape(-1, draws, patches, rows)
    finite = np.isfinite(margins).all(axis=-1) & np.isfinite(grams).all(axis=(-2, -1))
    margins, grams = np.where(finite[:, None], margins, 0.0), np.where(finite[:, None, None], grams, 0.0)
    scales = _scales(patch_scales, batch, patches)
    thresholds, grams, scales = _in_units(margins, grams, scales, power, 0.5 * filters / multiplicity)
    tables = np.asarray(GAUSSIAN if strengths is None else strengths, dtype=float)
    laws = _flatten("strengths", tables, batch, (5,))
    if power > 1:
        from simulate.test_error.homogeneous import power_errors  # it loads a part of SciPy that nothing else needs

        results = power_errors(thresholds, grams, power, scales, normals, laws)
    else:
        results, normals = np.empty((len(margins), 5)), np.ascontiguousarray(normals.transpose(0, 2, 3, 1))
        # To numba an array that cannot be written to is of another type, for which it compiles everything once more.
        uniforms, laws = (np.require(array, requirements="W") for array in (uniforms, laws))
        inputs = thresholds, grams, scales, normals, uniforms, laws
        in_threads(lambda first, last: estimate_range(first, last, *inputs, results), len(results))
    results = np.where(finite[:, None], results, np.nan).reshape(*batch, 5)
    clean = np.exp(results[..., 0])
    return TestError(
        error=flip + (1.0 - 2.0 * flip) * clean,
        standard_error=(1.0 - 2.0 * flip) * clean * results[..., 1],
        effective_sample_size=results[..., 2],
        log_clean_error=results[..., 0],
        clean_error_by_label=np.exp(results[..., 3:]),
    )


test_error.__test__ = False  # type: ignore[attr-defined]  # the name is the field's term


def _in_units(
    margins: np.ndarray, grams: np.ndarray, scales: np.ndarray, power: int, factor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds of the noise (T, 2) for such margins, covariances of a longest row of one, scales of mean square one.

    Scales of patches are (1 or T, patches).
    """
    longest = grams.diagonal(axis1=-2, axis2=-1).max(axis=-1)[:, None]
    longest = np.where(longest > 0.0, longest, 1.0)
    loudness = np.sqrt((scales**2).mean(axis=-1, keepdims=True))
    with np.errstate(over="ignore"):
        thresholds = margins / (np.sqrt(longest) * loudness) ** power * factor
    return thresholds, grams / longest[:, None], scales / loudness


def _scales(patch_scales: np.ndarray | None, batch: tuple[int, ...], patches: int) -> np.ndarray:
    """Scales of the noise vectors, (1 or T, patches)."""
    if patch_scales is None:
        return np.ones((1, patches))
    scales = _flatten("patch_scales", np.asarray(patch_scales, dtype=float), batch, (patches,))
    for scale in np.unique(scales):
        checks.real("patch_scales", float(scale), positive=True)
    return scales


def _mirrored(grams: np.ndarray, leak: float) -> np.ndarray:
    """Covariances (..., 4m, 4m) of a ReLU network that is the leaky one (..., 2m, 2m): σ(x) = relu(x) - relu(-leak x).

    Each filter has a mirrored twin, which counts for the other sign.
    """
    size = grams.shape[-1]
    own, twin = np.eye(size), -leak * np.eye(size)
    m = size // 2
    rows = np.concatenate([own[:m], twin[m:], own[m:], twin[:m]])
    return np.asarray(rows @ grams @ rows.T)


def _flatten(name: str, array: np.ndarray, batch: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Check the last axes of an array and make one of all leading ones."""
    checks.shape(name, array, (*array.shape[: -len(shape)], *shape))
    return np.ascontiguousarray(np.broadcast_to(array, (*batch, *shape)).reshape(-1, *shape))
