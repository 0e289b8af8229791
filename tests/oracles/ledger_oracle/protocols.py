"""Pretraining, retraining and unlearning, on the step sizes, radii and stopping losses of the ledger."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from tests.oracles.ledger_oracle.data import Data
from tests.oracles.ledger_oracle.law import Law, largest_step, sam_radius, step_size
from tests.oracles.ledger_oracle.network import forward, gradient
from tests.oracles.ledger_oracle.stops import accuracy_half, forget_loss, forget_loss_at_least, learned
from tests.oracles.ledger_oracle.training import (
    RIGHT,
    Move,
    Rules,
    Trained,
    flipped_move,
    mean_loss,
    minmax_move,
    neggrad,
    plain_move,
    retain_sam_move,
    sam_move,
    train,
)  # fmt: skip

__all__ = ["HANDOVER", "INSIDE", "LARGE", "Scales", "Unlearning", "fit", "pretrain"]

HANDOVER = 0.05
"""Loss at which pretraining, and retraining, hand over to unlearning."""


@dataclass(frozen=True)
class Scales:
    """How long steps are, how many are allowed, and SAM's radius while unlearning."""

    fit: Callable[[Law, float], float]
    """Step size of SGD in pretraining, of the law and the loss to reach."""
    sam: Callable[[Law, float], float]
    """Step size of SAM in pretraining."""
    unlearn: Callable[[Law, float], float]
    """Step size of unlearning, of the law and α."""
    radius: Callable[[Law], float]
    """SAM's radius while unlearning."""
    times: int
    """How many times as many steps as large ones are allowed."""


def _large_unlearning(law: Law, alpha: float) -> float:
    return step_size(law, 0.2) / max(alpha / (1.0 - law.share), (1.0 - alpha) / law.share)


LARGE = Scales(
    fit=lambda law, loss: step_size(law, 0.1),
    sam=lambda law, loss: step_size(law, 0.1) * float(np.sqrt(law.d / 1000.0)),
    unlearn=_large_unlearning,
    radius=lambda law: sam_radius(law) / float(np.sqrt(law.m)),
    times=1,
)
"""Steps that move a sample's output by a tenth."""
INSIDE = Scales(
    fit=largest_step, sam=largest_step, unlearn=lambda law, alpha: largest_step(law), radius=sam_radius, times=25
)
"""The largest steps inside the theory's condition, and its radius: the ledger's primary designs."""


def fit(
    data: Data, w: np.ndarray, loss: float, *, retain: bool = False, rules: Rules = RIGHT, scales: Scales = LARGE
) -> Trained:
    """SGD on all samples, or on R, until their mean loss is small."""
    weight = mean_loss(data.retain if retain else np.ones_like(data.forget))
    lr = rules.longer * scales.fit(data.law, loss)
    return train(data, w, weight, lr, 5000 * scales.times, learned(loss, retain=retain))


def pretrain(
    data: Data, optimizer: str, loss: float = HANDOVER, *, retain: bool = False, rules: Rules = RIGHT,
    scales: Scales = LARGE,
) -> np.ndarray:  # fmt: skip
    """SGD, or SAM to a loss of 0.4 and then SGD, to a loss; from the initial weights."""
    law, w = data.law, data.w0
    if optimizer == "SAM":
        lr = rules.longer * scales.sam(law, 0.4)
        steps = int(np.ceil(2.0 * law.m / law.noise**2 / lr - 1e-9))
        weight = mean_loss(data.retain if retain else np.ones_like(data.forget))
        move = sam_move(rules.wider * sam_radius(law), rules)
        w = train(data, w, weight, lr, steps, learned(0.4, retain=retain), move).w
    return fit(data, w, loss, retain=retain, rules=rules, scales=scales).w


@dataclass(frozen=True)
class Unlearning:
    """NegGrad from pretrained networks, until the accuracy on F is ½ or its loss that of the retrained network."""

    data: Data
    start: np.ndarray
    """Pretrained weights."""
    retrained: np.ndarray
    """Weights of the networks that never saw F, from the same initial weights."""
    alpha: float = 0.7
    rules: Rules = field(default=RIGHT)
    scales: Scales = field(default=LARGE)

    @classmethod
    def after(cls, data: Data, optimizer: str, rules: Rules = RIGHT, scales: Scales = LARGE) -> "Unlearning":
        """After pretraining with SGD or SAM."""
        start, retrained = (
            pretrain(data, optimizer, retain=retain, rules=rules, scales=scales) for retain in (False, True)
        )
        return cls(data, start, retrained, rules=rules, scales=scales)

    def at(self, alpha: float) -> "Unlearning":
        """The same at another α."""
        return replace(self, alpha=alpha)

    def run(self, optimizer: str, *, matched: bool, steps: int = 4000) -> Trained:
        """Unlearn with SGD, SAM, SAM on R alone, Sharp MinMax or flipped labels, in so many large steps at most."""
        data, lr = self.data, self.rules.longer * self.scales.unlearn(self.data.law, self.alpha)
        retrained = forget_loss(data, forward(data, self.retrained))
        stop = forget_loss_at_least(retrained) if matched and not self.rules.guessed else accuracy_half
        flipped = optimizer == "flipped labels"
        weight = mean_loss(np.ones_like(data.forget)) if flipped else neggrad(data, self.alpha, self.rules)
        return train(data, self.start, weight, lr, steps * self.scales.times, stop, self._move(optimizer, lr))

    def _move(self, optimizer: str, lr: float) -> Move:
        radius = self.rules.wider * self.scales.radius(self.data.law)
        moves: dict[str, Callable[[], Move]] = {
            "SGD": lambda: plain_move,
            "SAM": lambda: sam_move(radius, self.rules),
            "retain-SAM": lambda: retain_sam_move(radius, self.rules),
            "Sharp MinMax": lambda: minmax_move(radius, lr, self._forget_part()),
            "flipped labels": lambda: flipped_move,
        }
        return moves[optimizer]()

    def _forget_part(self) -> np.ndarray:
        """The half of the filters with the largest gradients of the forget loss, (R, 2, m).

        Filters with the same active neurons have the same gradient; of equal ones the first, j = +1 first, is taken.
        """
        data = self.data
        found = gradient(data, forward(data, self.start), mean_loss(data.forget))
        size = np.sqrt((found**2).sum(axis=3)).reshape(len(found), -1)
        size = np.round(size / size.max(axis=1, keepdims=True), 9)
        order = np.argsort(-size, axis=1, kind="stable")
        part = np.zeros(size.shape, dtype=bool)
        np.put_along_axis(part, order[:, : data.law.m], True, axis=1)
        return part.reshape(found.shape[:3])
