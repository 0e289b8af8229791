"""A user's own arrays: every check in one place, and the QR reduction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulate.house import checks
from simulate.problems import frame
from simulate.problems.unseen import NoiseLaw, TestSet

__all__ = ["Arrays", "check_arrays", "in_frame"]


@dataclass(frozen=True, eq=False)
class Arrays:
    """What `simulate.Instance.from_arrays` was given, as the instance holds it; its fields are explained there."""

    phi: np.ndarray
    """Signal vector φ, (D,)."""
    xi: np.ndarray
    """Noise vectors, (n, patches, D)."""
    w0: np.ndarray
    """Initial filters, (2, m, D)."""
    y: np.ndarray
    """Observed labels, (n,)."""
    y_true: np.ndarray
    """True labels, (n,)."""
    forget: np.ndarray
    """Forget set, (n,) of bool."""
    multiplicity: int
    """How often each noise vector is repeated."""
    noise_law: NoiseLaw | None
    """Law of test noise."""
    test_set: TestSet | None
    """Held-out samples."""


def check_arrays(
    *,
    phi: np.ndarray,
    xi: np.ndarray,
    y: np.ndarray,
    w0: np.ndarray,
    forget: np.ndarray,
    P: int,
    y_true: np.ndarray | None,
    sigma_p: float | None,
    test_xi: np.ndarray | None,
    test_y: np.ndarray | None,
) -> Arrays:
    """Validate the arguments of `Instance.from_arrays`, which documents them."""
    checks.integer("P", P, least=2)
    phi, xi, w0 = (checks.real_array(name, array) for name, array in (("phi", phi), ("xi", xi), ("w0", w0)))
    checks.shape("phi", phi, ("d",))
    d = len(phi)
    xi, multiplicity = _patches("xi", xi, P, d)
    n = len(xi)
    checks.shape("w0", w0, (2, "m", d))
    y = _labels("y", y, n)
    y_true = y if y_true is None else _labels("y_true", y_true, n)
    forget = np.asarray(forget)
    checks.shape("forget", forget, (n,))
    if forget.dtype != bool:
        raise ValueError(f"Argument `forget` must be an array of bool, but has dtype {forget.dtype}.")
    if not np.any(phi):
        raise ValueError("Argument `phi` must not be the zero vector, but is.")
    if not np.any(xi, axis=-1).all():
        raise ValueError("Argument `xi` must hold no zero vectors, but does.")
    if sigma_p is not None:
        checks.real("sigma_p", sigma_p, positive=True)
    test_set = _test_set(test_xi, test_y, P, d, xi.shape[1])
    if test_set is not None and sigma_p is not None:
        raise ValueError("Argument `sigma_p` must be left out when `test_xi` is given: test noise has one source.")
    return Arrays(
        phi=phi, xi=xi, w0=w0, y=y, y_true=y_true, forget=forget, multiplicity=multiplicity,
        noise_law=None if sigma_p is None else NoiseLaw(sigma_p, orthogonal=False), test_set=test_set,
    )  # fmt: skip


def in_frame(given: Arrays) -> Arrays:
    """The same arrays in an orthonormal basis of their vectors, where all inner products are as they were."""
    n, patches, d = given.xi.shape
    held_out = np.empty((0, d)) if given.test_set is None else given.test_set.xi.reshape(-1, d)
    vectors = np.concatenate([given.phi[None], given.xi.reshape(-1, d), given.w0.reshape(-1, d)])
    rows, projected = frame.reduce_to_frame(vectors, held_out)
    size, first_filter = rows.shape[1], 1 + n * patches
    return replace(
        given,
        phi=rows[0],
        xi=rows[1:first_filter].reshape(n, patches, size),
        w0=rows[first_filter:].reshape(2, -1, size),
        test_set=given.test_set and TestSet(projected.reshape(-1, patches, size), given.test_set.y),
    )


def _labels(name: str, labels: np.ndarray, n: int) -> np.ndarray:
    labels = np.asarray(labels)
    checks.shape(name, labels, (n,))
    checks.signs(name, labels)
    return labels.astype(np.int64)


def _patches(name: str, xi: np.ndarray, P: int, d: int) -> tuple[np.ndarray, int]:
    """Noise vectors as (n, patches, d), and how often each is repeated."""
    if xi.ndim == 2:
        checks.shape(name, xi, ("n", d))
        return xi[:, None], P - 1
    checks.shape(name, xi, ("n", P - 1, d))
    return xi, 1


def _test_set(xi: np.ndarray | None, y: np.ndarray | None, P: int, d: int, patches: int) -> TestSet | None:
    if (xi is None) != (y is None):
        missing = "test_xi" if xi is None else "test_y"
        raise ValueError(f"Argument `{missing}` must be given together with its partner, but is missing.")
    if xi is None or y is None:
        return None
    noise, _ = _patches("test_xi", checks.real_array("test_xi", xi), P, d)
    if noise.shape[1] != patches:
        raise ValueError(f"Argument `test_xi` must have {patches} noise patches as `xi` has, but has {noise.shape[1]}.")
    return TestSet(noise, _labels("test_y", y, len(noise)))
