r"""The inner products that decide a trajectory, and the coefficients κ and ζ.

Write s_0 = φ and s_1, s_2, … for the noise vectors (sample by sample, patch by patch). Gradients lie in their
span, so every iterate is w_jr = a_jr w_jr(0) + Σ_k c_jrk s_k, and the pre-activations ⟨w_jr, s_k⟩ follow from the
Gram matrix of the s_k and the initial pre-activations alone; the share a_jr of the initial weights is 1 but for weight
decay. The theory's coefficients are these c in the units
of what they change: κ_jr = j c_jr0 ‖φ‖² and ζ_jrk = (multiplicity) c_jrk ‖s_k‖².
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["SIGNS", "Geometry", "weight_grams"]

SIGNS = np.array([1.0, -1.0])
"""The second layer: j of the two groups of filters."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Inner products of an instance.

    Attributes:
        gram: ⟨s_k, s_l⟩, (1 + n patches, 1 + n patches), φ first.
        start: Initial pre-activations ⟨w_jr(0), s_k⟩, (2, m, 1 + n patches).
        filters: ⟨w_jr(0), w_j'r'(0)⟩, (2m, 2m), j = +1 first.
    """

    gram: np.ndarray
    start: np.ndarray
    filters: np.ndarray

    @classmethod
    def of(cls, span: np.ndarray, w0: np.ndarray) -> Geometry:
        """Compute the inner products of the span vectors (1 + n patches, D) and initial filters (2, m, D)."""
        flat = w0.reshape(-1, w0.shape[-1])
        return cls(gram=span @ span.T, start=w0 @ span.T, filters=flat @ flat.T)

    @cached_property
    def squared_norms(self) -> np.ndarray:
        """‖s_k‖², (1 + n patches,)."""
        return np.diagonal(self.gram).copy()

    def preactivations(self, coefficients: np.ndarray, initial_share: np.ndarray) -> np.ndarray:
        """⟨w_jr, s_k⟩ at the coefficients c, both (2, m, 1 + n patches), and the shares of w_jr(0), (2, m)."""
        return initial_share[..., None] * self.start + coefficients @ self.gram

    def kappa(self, coefficients: np.ndarray) -> np.ndarray:
        """Signal coefficients κ, (2, m)."""
        return SIGNS[:, None] * coefficients[..., 0] * self.squared_norms[0]

    def zeta(self, coefficients: np.ndarray, multiplicity: int) -> np.ndarray:
        """Noise coefficients ζ, (2, m, n patches)."""
        return multiplicity * coefficients[..., 1:] * self.squared_norms[1:]


def weight_grams(
    filters: np.ndarray, start: np.ndarray, coefficients: np.ndarray, preactivations: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Inner products ⟨w_jr, w_j'r'⟩ of all filters of one trajectory or of many.

    W Wᵀ = W W(0)ᵀ a + (W Sᵀ) cᵀ with W W(0)ᵀ = a W(0) W(0)ᵀ + c (W(0) Sᵀ)ᵀ, S the matrix of the s_k and a the diagonal
    matrix of the shares of the initial weights.

    Args:
        filters: ⟨w_jr(0), w_j'r'(0)⟩, (..., 2m, 2m).
        start: Initial pre-activations, (..., 2, m, 1 + n patches).
        coefficients: The coefficients c, same shape as `start`.
        preactivations: The pre-activations at c, same shape.
        shares: How much of each initial filter is left, (..., 2, m).

    Returns:
        Array (..., 2m, 2m).
    """
    shape = (*filters.shape[:-1], -1)
    c, z, first = (array.reshape(shape) for array in (coefficients, preactivations, start))
    a = shares.reshape(filters.shape[:-1])
    products = (a[..., None] * filters + c @ first.swapaxes(-1, -2)) * a[..., None, :] + z @ c.swapaxes(-1, -2)
    return 0.5 * (products + products.swapaxes(-1, -2))
