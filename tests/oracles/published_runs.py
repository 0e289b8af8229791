"""The published synthetic experiment of Kou et al. 2023 once more, from the description of their script alone.

What is theirs and not ours: a bias, initial weights uniform within 1/√d, two logits with the cross-entropy, and errors
counted on 1,000 fresh samples. Sizes and rates are told in docs/examples/line/kou.py. The script averages the outputs
of the two patches; `added` adds them, which is what the published file of test errors agrees with.
"""

from __future__ import annotations

import numpy as np

__all__ = ["rerun"]


def rerun(
    d: int,
    signal: float,
    repeats: int,
    *,
    added: bool,
    bias: bool = True,
    n: int = 20,
    m: int = 10,
    n_test: int = 1000,
    flip: float = 0.1,
    lr: float = 0.1,
    steps: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Test errors of so many trainings, each on data of its own, (repeats,)."""
    rng, found = np.random.default_rng([seed, d, round(1000 * signal)]), []
    for _ in range(repeats):
        (x, observed, _), (x_test, observed_test, _) = (_samples(rng, size, d, signal, flip) for size in (n, n_test))
        bound = 1.0 / np.sqrt(d)
        w = rng.uniform(-bound, bound, (2 * m, d))
        b = rng.uniform(-bound, bound, 2 * m) if bias else np.zeros(2 * m)
        share = 1.0 if added else 0.5  # of a patch in the output
        for _ in range(steps):
            z = x @ w.T + b
            logits = share * np.stack(
                [part.sum(axis=(1, 2)) for part in np.split(np.maximum(z, 0.0), 2, axis=2)], axis=1
            )
            probabilities = np.exp(logits - np.logaddexp(*logits.T)[:, None])
            pull = (probabilities - np.eye(2)[(observed > 0).astype(int)]) / n  # ∂ mean cross-entropy / ∂ logits
            felt = share * np.repeat(pull, m, axis=1)[:, None] * (z > 0.0)
            w = w - lr * np.einsum("ipr,ipd->rd", felt, x)
            b = b - lr * felt.sum(axis=(0, 1)) * bias
        active = np.maximum(x_test @ w.T + b, 0.0).sum(axis=1)
        guess = np.where(active[:, m:].sum(axis=1) > active[:, :m].sum(axis=1), 1, -1)
        found.append((guess != observed_test).mean())
    return np.array(found)


def _samples(
    rng: np.random.Generator, size: int, d: int, signal: float, flip: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patches (size, 2, d), observed and true labels."""
    y = rng.choice([-1, 1], size)
    x = np.zeros((size, 2, d))
    x[:, 0, 0], x[:, 1] = signal * y, rng.standard_normal((size, d))
    return x, np.where(rng.random(size) < flip, -y, y), y
