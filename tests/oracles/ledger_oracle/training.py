"""Full-batch training of many replicates side by side, each until its own stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.oracles.ledger_oracle.data import Data
from tests.oracles.ledger_oracle.network import Forward, forward, gradient, perturbation

__all__ = [
    "RIGHT", "Move", "Rules", "Stop", "Trained", "flipped_move", "mean_loss", "minmax_move", "neggrad", "plain_move",
    "retain_sam_move", "sam_move", "train",
]  # fmt: skip

TOGETHER = 64
"""Replicates that are trained side by side; more do not fit into a processor's cache."""

Move = Callable[[Data, np.ndarray, Forward, np.ndarray, np.ndarray], np.ndarray]
"""What is subtracted from the weights, before the step size.

Of the data, the weights, what was seen, ω, and the numbers of the replicates.
"""
Stop = Callable[[Data, Forward, np.ndarray], np.ndarray]
"""Which replicates stop, of the data, what was seen, and their numbers."""


@dataclass(frozen=True)
class Rules:
    """Where an oracle can be wrong; the right one has +1, the formula's weights, steps and radii, and the match."""

    toward: float = 1.0
    """Sign of SAM's perturbation along the gradient."""
    swapped: bool = False
    """Whether α and 1 − α change places in NegGrad."""
    longer: float = 1.0
    """Steps over the right ones."""
    wider: float = 1.0
    """SAM's radii over the right ones."""
    guessed: bool = False
    """Whether F counts as forgotten at accuracy ½ where the loss of the retrained network is to be reached."""


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


def retain_sam_move(radius: float, rules: Rules = RIGHT) -> Move:
    """SAM on the terms of R alone: ε̂ follows their gradient, and those of F keep theirs at W."""
    retain_move = sam_move(radius, rules)

    def move(data: Data, w: np.ndarray, seen: Forward, weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
        kept, lost = weight * data.retain, weight * data.forget
        return retain_move(data, w, seen, kept, rows) + gradient(data, seen, lost)

    return move


def flipped_move(data: Data, w: np.ndarray, seen: Forward, weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The gradient where the labels of F are flipped."""
    sign = np.where(data.forget, -1.0, 1.0)
    return gradient(replace(data, label=sign * data.label), replace(seen, margin=sign * seen.margin), weight)


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
    for first in range(0, len(w), TOGETHER):
        some = np.arange(first, min(first + TOGETHER, len(w)))
        for step, done, at in _stops(data, w, weight, lr, steps, stop, move, some):
            final[done], taken[done], stopped[done] = at, step, step < steps
    return Trained(final, taken, stopped)


def _stops(
    data: Data, w: np.ndarray, weight: np.ndarray, lr: float, steps: int, stop: Stop, move: Move, rows: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Train some of the replicates; whenever some of them stop, and at last: the step, which, and their weights."""
    live, at, omega = data.of(rows), w[rows], weight[rows]
    for step in range(steps):
        seen = forward(live, at)
        done = stop(live, seen, rows)
        if done.any():
            yield step, rows[done], at[done]
            going = ~done
            rows, at, omega = rows[going], at[going], omega[going]
            live, seen = data.of(rows), seen.of(going)
        if not rows.size:
            return
        at = at - lr * move(live, at, seen, omega, rows)
    yield steps, rows, at
