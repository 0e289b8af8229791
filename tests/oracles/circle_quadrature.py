"""Test error of a network with one neuron per sign and one noise vector, by quadrature on a circle.

The two pre-activations are R times a function of the angle, with R² exponential: P(R > r) = exp(-r²/2). Given the angle
the error is in closed form, and between its kinks the integrand is analytic.
"""

import itertools

import numpy as np
from scipy.special import logsumexp

from tests.oracles.monte_carlo import square_root

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
PANELS = 2000


def log_error(margin: float, gram: np.ndarray, label: int, multiplicity: float = 1.0) -> float:
    """Natural log of the clean error for one true label, +1 or -1.

    Args:
        margin: ŷ f of the signal patch.
        gram: Covariance of the two pre-activations, j = +1 first, (2, 2).
        label: The true label ŷ.
        multiplicity: How often the noise vector is repeated.
    """
    root = square_root(gram)
    angles, log_weights = panels(kinks(root))
    plus, minus = np.maximum(root @ np.stack([np.cos(angles), np.sin(angles)]), 0.0)
    height = -label * multiplicity * (plus - minus)  # what noise of length one takes off the margin
    with np.errstate(divide="ignore"):
        log_tail = -0.5 * (margin / height) ** 2
    if margin > 0:
        return float(logsumexp(log_weights + np.where(height > 0, log_tail, -np.inf)))
    if margin < 0:
        return float(np.log1p(-np.exp(logsumexp(log_weights + np.where(height < 0, log_tail, -np.inf)))))
    return float(np.log(np.exp(log_weights) @ (0.5 * (height > 0) + 0.5 * (height >= 0))))


def kinks(root: np.ndarray) -> np.ndarray:
    """Angles where a pre-activation, or their difference, changes sign."""
    rows = np.vstack([root, root[0] - root[1]])
    zeros = np.arctan2(rows[:, 1], rows[:, 0]) + np.pi / 2
    return np.sort(np.concatenate([zeros, zeros + np.pi]) % (2 * np.pi))


def panels(breaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and log weights (summing to one) of a Gauss-Legendre rule on the circle, fine between all breaks."""
    ends = np.concatenate([breaks, breaks[:1] + 2 * np.pi])
    edges = np.concatenate([np.linspace(a, b, PANELS // len(breaks) + 1)[:-1] for a, b in itertools.pairwise(ends)])
    lengths = np.diff(np.append(edges, ends[-1]))
    nodes = edges[:, None] + 0.5 * lengths[:, None] * (1.0 + NODES)
    weights = 0.5 * lengths[:, None] * WEIGHTS / (2 * np.pi)
    with np.errstate(divide="ignore"):
        return nodes.ravel(), np.log(weights.ravel())
