"""When a network has learned, and when its forget set is forgotten."""

import numpy as np

from tests.oracles.ledger_oracle.data import Data
from tests.oracles.ledger_oracle.network import Forward
from tests.oracles.ledger_oracle.training import Stop

__all__ = ["accuracy", "accuracy_half", "forget_loss", "forget_loss_at_least", "learned"]


def accuracy(part: np.ndarray, seen: Forward) -> np.ndarray:
    """Share of the samples of a mask on their right side, (R,)."""
    return ((seen.margin > 0.0) & part).sum(axis=1) / part.sum(axis=1)


def forget_loss(data: Data, seen: Forward) -> np.ndarray:
    """Mean loss on F, (R,)."""
    return (seen.loss * data.forget).sum(axis=1) / data.forget.sum(axis=1)


def learned(loss: float, *, retain: bool) -> Stop:
    """The mean loss over all samples, or those of R, is at most this."""

    def rule(data: Data, seen: Forward, rows: np.ndarray) -> np.ndarray:
        part = data.retain if retain else np.ones_like(data.forget)
        return (seen.loss * part).sum(axis=1) / part.sum(axis=1) <= loss

    return rule


def accuracy_half(data: Data, seen: Forward, rows: np.ndarray) -> np.ndarray:
    """The accuracy on F is at most ½."""
    return accuracy(data.forget, seen) <= 0.5


def forget_loss_at_least(bound: np.ndarray) -> Stop:
    """The mean loss on F is at least that of the same replicate's retrained network, (R,)."""

    def rule(data: Data, seen: Forward, rows: np.ndarray) -> np.ndarray:
        return forget_loss(data, seen) >= bound[rows]

    return rule
