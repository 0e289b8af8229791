"""The network, its gradient and SAM's perturbation, in the weights themselves."""

from dataclasses import dataclass

import numpy as np

from tests.oracles.ledger_oracle.data import Data

__all__ = ["SIGNS", "Forward", "forward", "gradient", "perturbation"]

SIGNS = np.array([1.0, -1.0])
"""Signs j of the second layer."""


@dataclass(frozen=True)
class Forward:
    """What the network makes of its training set."""

    along: np.ndarray
    """⟨w, φ⟩ of every filter, (R, 2, m)."""
    noise: np.ndarray
    """⟨w, ξ_i⟩ of every filter and sample, (R, 2, m, n)."""
    margin: np.ndarray
    """y_i f_i, (R, n)."""

    @property
    def loss(self) -> np.ndarray:
        """log(1 + exp(−y_i f_i)) of every sample, (R, n)."""
        return np.logaddexp(0.0, -self.margin)

    def of(self, rows: np.ndarray) -> "Forward":
        """What some of the replicates make of theirs."""
        return Forward(self.along[rows], self.noise[rows], self.margin[rows])


def forward(data: Data, w: np.ndarray) -> Forward:
    """f_i = (1/m) Σ_jr j [σ(⟨w_jr, ŷ_i φ⟩) + (P − 1) σ(⟨w_jr, ξ_i⟩)]."""
    law, (count, _, m, size) = data.law, w.shape
    along = law.signal * w[..., 0]
    noise = (w.reshape(count, 2 * m, size) @ data.xi.swapaxes(1, 2)).reshape(count, 2, m, law.n)
    signal = np.maximum(data.truth[:, None, None, :] * along[..., None], 0.0)
    patches = (signal + (law.P - 1) * np.maximum(noise, 0.0)).sum(axis=2) / m
    return Forward(along, noise, data.label * (patches[:, 0] - patches[:, 1]))


def gradient(data: Data, seen: Forward, weight: np.ndarray) -> np.ndarray:
    """∇ Σ_i ω_i ℓ(y_i f_i), (R, 2, m, D); `weight` holds ω, (R, n)."""
    law, m = data.law, seen.along.shape[2]
    slope = -weight * data.label / (1.0 + np.exp(seen.margin))
    pull = slope[:, None, None, :] * SIGNS[:, None, None] / m
    on_signal = data.truth[:, None, None, :] * seen.along[..., None] > 0.0
    on_noise = (law.P - 1) * pull * (seen.noise > 0.0)
    found = (on_noise.reshape(len(weight), 2 * m, law.n) @ data.xi).reshape(*seen.along.shape, -1)
    found[..., 0] += law.signal * (pull * on_signal * data.truth[:, None, None, :]).sum(axis=3)
    return found


def perturbation(found: np.ndarray, radius: float) -> np.ndarray:
    """ε̂ = τ ∇L / ‖∇L‖, with one norm over all filters."""
    norm = np.sqrt((found**2).sum(axis=(1, 2, 3), keepdims=True))
    return radius * found / norm
