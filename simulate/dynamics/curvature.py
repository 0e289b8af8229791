"""The Hessian of a loss, seen through the n × n kernel of output gradients."""

from __future__ import annotations

import numpy as np

from simulate.problems.instance import Instance

__all__ = ["largest_eigenvalue", "output_kernel"]


def output_kernel(instance: Instance, z: np.ndarray) -> np.ndarray:
    """⟨∇f_i, ∇f_k⟩ of the network's outputs (the tangent kernel), (n, n).

    With signal gates S_jri = ŷ_i σ'(ŷ_i ⟨w_jr, φ⟩) and noise gates A_jrk = σ'(⟨w_jr, ξ_k⟩), 0 or 1 for ReLU, M the
    multiplicity and g the Gram matrix, the sum over filters is
    (1/m²) [SᵀS g_φφ + M (SᵀA ∘ g_φξ + transpose) + M² AᵀA ∘ g_ξξ], summed over the patches of a sample.

    Args:
        instance: The instance.
        z: Pre-activations (2, m, 1 + n patches).
    """
    n, patches, gram = instance.n, instance.patches, instance.geometry.gram
    slope = instance.activation.slope
    signal = (slope(z[..., :1] * instance.y_true) * instance.y_true).reshape(-1, n).astype(np.float64)
    noise = slope(z[..., 1:]).reshape(-1, n * patches).astype(np.float64)
    mixed = ((signal.T @ noise) * gram[0, 1:]).reshape(n, n, patches).sum(axis=-1)
    within = ((noise.T @ noise) * gram[1:, 1:]).reshape(n, patches, n, patches).sum(axis=(1, 3))
    M = instance.multiplicity
    return (signal.T @ signal * gram[0, 0] + M * (mixed + mixed.T) + M**2 * within) / instance.m**2


def largest_eigenvalue(kernel: np.ndarray, curvature: np.ndarray) -> float:
    """Largest eigenvalue of Σ_i h_i ∇f_i ∇f_iᵀ, the Hessian of Σ_i ω_i ℓ(t_i f_i) with h_i = ω_i ℓ''(t_i f_i).

    Its nonzero eigenvalues are those of K^½ diag(h) K^½; as weights have more dimensions than there are samples, 0
    is one too.

    Args:
        kernel: K = ⟨∇f_i, ∇f_k⟩, (n, n).
        curvature: h, (n,), of any sign.

    Returns:
        The eigenvalue, at least 0; NaN if an input is.
    """
    if not (np.isfinite(kernel).all() and np.isfinite(curvature).all()):
        return float("nan")
    values, vectors = np.linalg.eigh(kernel)
    root = np.sqrt(np.maximum(values, 0.0)) * vectors
    return max(float(np.linalg.eigvalsh(root.T @ (curvature[:, None] * root))[-1]), 0.0)
