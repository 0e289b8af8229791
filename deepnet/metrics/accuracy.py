"""Accuracy and mean loss of a model on a set."""

from __future__ import annotations

from dataclasses import dataclass

from deepnet.metrics.outputs import Outputs, correctness, cross_entropy
from simulate.house import checks

__all__ = ["Score", "score"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well a model does on n samples."""

    accuracy: float
    """Fraction of samples whose largest logit is that of the label, in [0, 1]."""
    loss: float
    """Mean cross-entropy in nats."""
    n: int
    """Number of samples."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range; the message names it.
        """
        checks.fraction("accuracy", self.accuracy)
        checks.real("loss", self.loss, nonnegative=True)
        checks.integer("n", self.n, least=1)


def score(outputs: Outputs) -> Score:
    """Accuracy (1/n) Σ 1[argmax_k z_k = y] and mean cross-entropy (1/n) Σ -log p_y of a model's outputs."""
    return Score(accuracy=float(correctness(outputs).mean()), loss=float(cross_entropy(outputs).mean()), n=len(outputs))
