"""The law of the data, and the scales of steps and radii that the protocols of the ledger fix."""

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Law", "largest_step", "predicted_boundary", "sam_radius", "sam_weights", "small_weights", "step_size"]


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law of training sets and initial weights; orthogonal noise, copied patches."""

    d: int
    n: int
    signal: float
    sigma_0: float
    m: int = 10
    P: int = 2
    sigma_p: float = 1.0
    flip: float = 0.1
    n_forget: int = 0

    @property
    def noise(self) -> float:
        """q = (P − 1) σ_p."""
        return (self.P - 1) * self.sigma_p

    @property
    def share(self) -> float:
        """|F| / n."""
        return self.n_forget / self.n

    def at(self, sigma_0: float) -> "Law":
        """The same with other initial weights."""
        return replace(self, sigma_0=sigma_0)


def small_weights(d: int, n: int) -> float:
    """σ_0 that SGD's theorem asks for, at σ_p = 1 and P = 2."""
    return 0.1 * np.sqrt(n) / d


def sam_weights(d: int) -> float:
    """σ_0 that SAM's theorem asks for, at σ_p = 1 and P = 2."""
    return 0.5 / np.sqrt(d)


def predicted_boundary(d: int, n: int) -> float:
    """Signal at the boundary that Theorem 3.2 predicts, its constant 1, at q = 1."""
    return (d / n) ** 0.25


def sam_radius(law: Law) -> float:
    """τ = m √n / (P σ_p √d), full batch."""
    return law.m * np.sqrt(law.n) / (law.P * law.sigma_p * np.sqrt(law.d))


def step_size(law: Law, own_step: float) -> float:
    """η at which η q² d / (n m) = own_step."""
    return own_step * law.n * law.m / (law.noise**2 * law.d)


def largest_step(law: Law, loss: float = 1.0) -> float:
    """The largest η of the theory's condition on it, its constant 1, without logarithms; full batch, B = n.

    η ≤ max{P²σ_p²d^{3/2}/(Bm), P²σ_p²d/B, n‖φ‖/(σ_0 B √d m), n P σ_p ‖φ‖/(B² m ε)}⁻¹, where ε is the loss to reach.
    """
    scale, batch = law.P * law.sigma_p, law.n
    return 1.0 / max(
        scale**2 * law.d**1.5 / (batch * law.m),
        scale**2 * law.d / batch,
        law.n * law.signal / (law.sigma_0 * batch * np.sqrt(law.d) * law.m),
        law.n * scale * law.signal / (batch**2 * law.m * loss),
    )
