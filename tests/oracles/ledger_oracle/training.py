"""Full-batch training of many replicates side by side, each until its own stop."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.oracles.ledger_oracle.data import Data
from tests.oracles.ledger_oracle.network import Forward, forward, gradient, perturbation

__all__ = [
    "RIGHT", "Move", "Rules", "Stop", "Trained", "mean_loss", "minmax_move", "neggrad", "plain_move", "sam_move",
    "train",
]  # fmt: skip

Move = Callable[[Data, np.ndarray, Forward, np.ndarray, np.ndarray], np.ndarray]
"""What is subtracted from the weights, before the step size.

Of the data, the weights, what was seen, ω, and the numbers of the replicates.
"""
Stop = Callable[[Data, Forward, np.ndarray], np.ndarray]
"""Which replicates stop, of the data, what was seen, and their numbers."""


@dataclass(frozen=True)
class Rules:
    """Where an oracle can be wrong; the right one has +1 and the formula's weights."""

    toward: float = 1.0
    """Sign of SAM's perturbation along the gradient."""
    swapped: bool = False
    """Whether α and 1 − α change places in NegGrad."""


RIGHT = Rules()
"""As the formulas have it."""


@dataclass(frozen=True)
class Trained:
    """Where training ended."""

    w: np.ndarray
    """Weights, (R, 2, m, D)."""
    steps: np.ndarray
    """Steps taken, (R,)."""
    stopped: np.ndarray
    """Whether the rule fired, (R,)."""


def mean_loss(part: np.ndarray) -> np.ndarray:
    """Weights ω of the mean loss over the samples of a mask, (R, n)."""
    return part / part.sum(axis=1, keepdims=True)


def neggrad(data: Data, alpha: float, rules: Rules = RIGHT) -> np.ndarray:
    """Weights ω of α L(R) − (1 − α) L(F)."""
    kept, lost = (1.0 - alpha, alpha) if rules.swapped else (alpha, 1.0 - alpha)
    return kept * mean_loss(data.retain) - lost * mean_loss(data.forget)


def plain_move(data: Data, w: np.ndarray, seen: Forward, weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The gradient."""
    return gradient(data, seen, weight)


def sam_move(radius: float, rules: Rules = RIGHT) -> Move:
    """The gradient at W + ε̂."""

    def move(data: Data, w: np.ndarray, seen: Forward, weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
        there = w + rules.toward * perturbation(gradient(data, seen, weight), radius)
        return gradient(data, forward(data, there), weight)

    return move


def minmax_move(radius: float, lr: float, forget_part: np.ndarray) -> Move:
    """Sharp MinMax: the retain part descends α L(R) with SAM, then the forget part −(1 − α) L(F) along 2g − g_ε.

    Args:
        radius: τ of both moves.
        lr: Step size, since the second move begins where the first ended.
        forget_part: Whether a filter belongs to the forget part, (R, 2, m).
    """
    retain_move = sam_move(radius)

    def move(data: Data, w: np.ndarray, seen: Forward, weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
        ours = forget_part[rows][..., None]
        kept, lost = weight * data.retain, weight * data.forget
        first = retain_move(data, w, seen, kept, rows) * ~ours
        between = w - lr * first
        here = gradient(data, forward(data, between), lost)
        there = gradient(data, forward(data, between + perturbation(here, radius)), lost)
        return first + (2.0 * here - there) * ours

    return move


def train(
    data: Data, w: np.ndarray, weight: np.ndarray, lr: float, steps: int, stop: Stop, move: Move = plain_move
) -> Trained:
    """W ← W − η · move until each replicate stops; the rule is read before every step.

    Args:
        data: The training sets.
        w: Weights to begin at, (R, 2, m, D).
        weight: ω of the objective, (R, n).
        lr: Step size η.
        steps: Steps at most.
        stop: The rule.
        move: What is subtracted, before the step size.
    """
    final, taken, stopped = w.copy(), np.full(len(w), steps), np.zeros(len(w), dtype=bool)
    rows, live, at, omega = np.arange(len(w)), data, w.copy(), weight
    for step in range(steps):
        seen = forward(live, at)
        done = stop(live, seen, rows)
        if done.any():
            final[rows[done]], taken[rows[done]], stopped[rows[done]] = at[done], step, True
            going = ~done
            rows, at, omega = rows[going], at[going], omega[going]
            live, seen = data.of(rows), seen.of(going)
        if not rows.size:
            break
        at = at - lr * move(live, at, seen, omega, rows)
    final[rows] = at
    return Trained(final, taken, stopped)
