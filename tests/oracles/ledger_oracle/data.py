"""Training sets and initial weights, drawn vector by vector in R^d; then the same inner products in few coordinates.

Above 50,000 dimensions the inner products themselves are drawn, from their law, which is Wishart's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import wishart

from tests.oracles.ledger_oracle.law import Law

__all__ = ["Data", "draw", "draw_explicit", "draw_products"]

MOST_EXPLICIT = 50_000
"""Largest d in which vectors are drawn by their coordinates."""
BLOCK = 16_384
"""Coordinates of R^d that are held at once."""


@dataclass(frozen=True)
class Data:
    """Training sets and initial weights of R replicates, in D coordinates of which the first is along φ."""

    law: Law
    truth: np.ndarray
    """True labels ŷ, (R, n)."""
    label: np.ndarray
    """Observed labels y, (R, n)."""
    forget: np.ndarray
    """Which samples are to be forgotten, (R, n)."""
    xi: np.ndarray
    """Noise vectors, (R, n, D)."""
    w0: np.ndarray
    """Initial weights of the filters with j = +1 and of those with j = −1, (R, 2, m, D)."""

    @property
    def retain(self) -> np.ndarray:
        """Which samples are kept, (R, n)."""
        return ~self.forget

    def at(self, sigma_0: float) -> "Data":
        """The same draws with initial weights of another size."""
        return replace(self, law=self.law.at(sigma_0), w0=sigma_0 / self.law.sigma_0 * self.w0)

    def of(self, rows: np.ndarray) -> "Data":
        """Some of the replicates."""
        arrays = (self.truth, self.label, self.forget, self.xi, self.w0)
        return Data(self.law, *(array[rows] for array in arrays))


def _labels(law: Law, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth = rng.choice([-1.0, 1.0], size=(count, law.n))
    label = np.where(rng.random((count, law.n)) < law.flip, -truth, truth)
    forget = np.argsort(rng.random((count, law.n)), axis=1) < law.n_forget
    return truth, label, forget


def _scaled(law: Law, labels: tuple[np.ndarray, ...], along: np.ndarray, across: np.ndarray) -> Data:
    """Data of standard normal coordinates: of the weights along φ, and of noise and weights across it."""
    xi = np.pad(law.sigma_p * across[:, : law.n], ((0, 0), (0, 0), (1, 0)))
    w0 = law.sigma_0 * np.concatenate([along[..., None], across[:, law.n :]], axis=2)
    truth, label, forget = labels
    return Data(law, truth, label, forget, xi, w0.reshape(len(xi), 2, law.m, -1))


def draw_explicit(law: Law, count: int, rng: np.random.Generator) -> Data:
    """Every vector with its d coordinates; for small d."""
    labels = _labels(law, count, rng)
    along = rng.standard_normal((count, 2 * law.m))
    across = np.stack([np.concatenate(list(_blocks(law, rng)), axis=1) for _ in range(count)])
    return _scaled(law, labels, along, across)


def draw(law: Law, count: int, rng: np.random.Generator) -> Data:
    """The same draws, of which only the inner products are kept; in many dimensions those are drawn.

    Gradients are sums of φ and the noise vectors, so that no step leaves the span of what was drawn: vectors with the
    same inner products make the same networks.
    """
    if law.d > MOST_EXPLICIT:
        return draw_products(law, count, rng)
    labels = _labels(law, count, rng)
    along = rng.standard_normal((count, 2 * law.m))
    roots = [np.linalg.cholesky(sum(block @ block.T for block in _blocks(law, rng))) for _ in range(count)]
    return _scaled(law, labels, along, np.stack(roots))


def draw_products(law: Law, count: int, rng: np.random.Generator) -> Data:
    """Draws of the same law whose inner products across φ are Wishart's with d − 1 degrees of freedom."""
    labels = _labels(law, count, rng)
    along = rng.standard_normal((count, 2 * law.m))
    products = wishart(df=law.d - 1, scale=np.eye(law.n + 2 * law.m)).rvs(count, random_state=rng)
    return _scaled(law, labels, along, np.linalg.cholesky(products))


def _blocks(law: Law, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Coordinates across φ of all noise vectors and initial weights, standard normal, block by block."""
    for start in range(0, law.d - 1, BLOCK):
        yield rng.standard_normal((law.n + 2 * law.m, min(BLOCK, law.d - 1 - start)))
