"""Outputs of imaginary models."""

import numpy as np

from deepnet.metrics.outputs import Outputs


def random_outputs(n: int, *, n_classes: int = 4, p: int = 6, scale: float = 2.0, seed: int = 0) -> Outputs:
    """Gaussian logits and features, labels at random."""
    rng = np.random.default_rng(seed)
    return Outputs(
        logits=(scale * rng.normal(size=(n, n_classes))).astype(np.float32),
        labels=rng.integers(n_classes, size=n),
        features=rng.normal(size=(n, p)).astype(np.float32),
    )


def with_margin(margins: np.ndarray, labels: np.ndarray | None = None, n_classes: int = 2) -> Outputs:
    """A model whose logit is m at the label, -log(K - 1) elsewhere: its margins are the given ones."""
    labels = np.zeros(len(margins), dtype=np.int64) if labels is None else labels
    logits = np.full((len(margins), n_classes), -np.log(n_classes - 1))
    logits[np.arange(len(margins)), labels] = margins
    return Outputs(logits.astype(np.float32), labels, np.ones((len(margins), 2), dtype=np.float32))
