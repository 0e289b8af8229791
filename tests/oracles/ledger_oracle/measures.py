"""What is measured of a network: test error by counting, coefficients by projection, neurons switched off."""

import numpy as np

from tests.oracles.ledger_oracle.data import Data
from tests.oracles.ledger_oracle.network import SIGNS, forward, gradient, perturbation
from tests.oracles.ledger_oracle.training import RIGHT, Rules

__all__ = ["clean_errors", "mean_kappa", "own_zeta_on_forget", "predicted_off", "switched_off", "test_error"]

TEST_NOISE = 20_000
"""Noise vectors that a clean error counts over."""


def clean_errors(data: Data, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Probability of a wrong true label, for the labels +1 and −1, (R, 2).

    The weights lie in the coordinates held, and so does all of a fresh noise vector that they can see.
    """
    law, (count, _, m, size) = data.law, w.shape
    found = np.empty((count, 2))
    for number in range(count):
        noise = law.sigma_p * rng.standard_normal((TEST_NOISE, size - 1))
        seen = np.maximum(noise @ w[number, :, :, 1:].reshape(2 * m, -1).T, 0.0).reshape(-1, 2, m)
        from_noise = (law.P - 1) * (seen @ np.ones(m)) @ SIGNS / m
        for place, label in enumerate(SIGNS):
            signal = SIGNS @ np.maximum(label * law.signal * w[number, :, :, 0], 0.0).sum(axis=1) / m
            outputs = label * (signal + from_noise)
            found[number, place] = (outputs < 0.0).mean() + 0.5 * (outputs == 0.0).mean()
    return found


def test_error(data: Data, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Probability of a wrong observed label, (R,)."""
    flip = data.law.flip
    return flip + (1.0 - 2.0 * flip) * clean_errors(data, w, rng).mean(axis=1)


def mean_kappa(data: Data, w: np.ndarray) -> np.ndarray:
    """Mean over filters of κ in w = w(0) + j κ φ/‖φ‖² + …, (R,)."""
    return (SIGNS[:, None] * data.law.signal * (w - data.w0)[..., 0]).mean(axis=(1, 2))


def own_zeta_on_forget(data: Data, w: np.ndarray) -> np.ndarray:
    """Mean ζ of forget samples over the filters with j = y in w = w(0) + … + Σ_i ζ_i ξ_i/((P − 1) ‖ξ_i‖²), (R,)."""
    count, _, m, _ = w.shape
    moved = (w - data.w0).reshape(count, 2 * m, -1)
    gram = data.xi @ data.xi.swapaxes(1, 2)
    share = np.linalg.solve(gram, data.xi @ moved.swapaxes(1, 2)).swapaxes(1, 2)
    squares = np.einsum("rii->ri", gram)[:, None, :]
    zeta = ((data.law.P - 1) * squares * share).reshape(count, 2, m, -1)
    counted = _own(data) & data.forget[:, None, None, :]
    return (zeta * counted).sum(axis=(1, 2, 3)) / (m * data.forget.sum(axis=1))


def switched_off(
    data: Data, w: np.ndarray, weight: np.ndarray, radius: float, part: np.ndarray, rules: Rules = RIGHT
) -> np.ndarray:
    """Share of the active own-class noise neurons of a set that ε̂ switches off, (R,)."""
    seen = forward(data, w)
    moved = forward(data, w + rules.toward * perturbation(gradient(data, seen, weight), radius))
    active = (seen.noise > 0.0) & _own(data) & part[:, None, None, :]
    return (active & (moved.noise <= 0.0)).sum(axis=(1, 2, 3)) / active.sum(axis=(1, 2, 3))


def predicted_off(data: Data, w: np.ndarray, weight: np.ndarray, radius: float, part: np.ndarray) -> np.ndarray:
    """The same by the closed form, 0 < ⟨w, ξ_k⟩ < ψ_k = τ |ω_k ℓ'_k| (P − 1) ‖ξ_k‖² / (m ‖∇L‖), (R,)."""
    law, seen = data.law, forward(data, w)
    norm = np.sqrt((gradient(data, seen, weight) ** 2).sum(axis=(1, 2, 3)))
    slope = np.abs(weight) / (1.0 + np.exp(seen.margin))
    psi = radius * slope * (law.P - 1) * (data.xi**2).sum(axis=2) / (law.m * norm[:, None])
    active = (seen.noise > 0.0) & _own(data) & part[:, None, None, :]
    return (active & (seen.noise < psi[:, None, None, :])).sum(axis=(1, 2, 3)) / active.sum(axis=(1, 2, 3))


def _own(data: Data) -> np.ndarray:
    """Whether j = y_i, (R, 2, 1, n)."""
    return SIGNS[:, None, None] == data.label[:, None, None, :]
