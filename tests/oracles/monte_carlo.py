"""Test error by plain Monte Carlo: draw the noise, run the network, count."""

import numpy as np

CHUNK = 200_000


def square_root(gram: np.ndarray) -> np.ndarray:
    """A root R with R Rᵀ = gram, which may be singular."""
    values, vectors = np.linalg.eigh(gram)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def noise_outputs(
    gram: np.ndarray,
    multiplicity: float,
    patches: int,
    n: int,
    rng: np.random.Generator,
    *,
    power=1,
    leak=0.0,
    law=None,
    scales=None,
) -> np.ndarray:
    """N = (multiplicity / m) Σ_p Σ_jr j σ(⟨w_jr, s_p ξ_p⟩) of n noise samples, (n,), with a law of their strengths."""
    m = len(gram) // 2
    preactivations = rng.standard_normal((n, patches, 2 * m)) @ square_root(gram).T
    if scales is not None:
        preactivations *= np.asarray(scales)[:, None]
    if law is not None:
        preactivations *= law.draw(rng, n)[:, None, None]
    active = (np.maximum(preactivations, 0.0) ** power + leak * np.minimum(preactivations, 0.0)).sum(axis=1)
    return multiplicity / m * (active[:, :m].sum(axis=1) - active[:, m:].sum(axis=1))


def error_by_label(
    margins: np.ndarray,
    gram: np.ndarray,
    multiplicity: float,
    patches: int,
    n: int,
    rng: np.random.Generator,
    **network,
) -> tuple[np.ndarray, np.ndarray]:
    """Clean error for the labels +1 and -1, (2,), ties counted one half, and its standard error, (2,).

    Keywords are those of `noise_outputs`.
    """
    wrong, wrong_square = np.zeros(2), np.zeros(2)
    for start in range(0, n, CHUNK):
        noise = noise_outputs(gram, multiplicity, patches, min(CHUNK, n - start), rng, **network)
        outputs = np.stack([margins[0] + noise, margins[1] - noise])
        scores = 0.5 * ((outputs < 0) + 1.0 * (outputs <= 0))
        wrong += scores.sum(axis=1)
        wrong_square += (scores**2).sum(axis=1)
    mean = wrong / n
    return mean, np.sqrt(np.maximum(wrong_square / n - mean**2, 0.0) / n)
