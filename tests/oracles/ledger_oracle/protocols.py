"""Pretraining, retraining and unlearning, on the step sizes and stopping losses of the ledger."""

from dataclasses import dataclass, field, replace

import numpy as np

from tests.oracles.ledger_oracle.data import Data
from tests.oracles.ledger_oracle.law import sam_radius, step_size
from tests.oracles.ledger_oracle.network import forward, gradient
from tests.oracles.ledger_oracle.stops import accuracy_half, forget_loss, forget_loss_at_least, learned
from tests.oracles.ledger_oracle.training import (
    RIGHT,
    Rules,
    Trained,
    mean_loss,
    minmax_move,
    neggrad,
    plain_move,
    sam_move,
    train,
)  # fmt: skip

__all__ = ["HANDOVER", "Unlearning", "fit", "pretrain"]

HANDOVER = 0.05
"""Loss at which pretraining, and retraining, hand over to unlearning."""


def fit(data: Data, w: np.ndarray, loss: float, *, retain: bool = False) -> Trained:
    """SGD on all samples, or on R, until their mean loss is small."""
    weight = mean_loss(data.retain if retain else np.ones_like(data.forget))
    return train(data, w, weight, step_size(data.law, 0.1), 5000, learned(loss, retain=retain))


def pretrain(data: Data, optimizer: str, *, retain: bool = False, rules: Rules = RIGHT) -> np.ndarray:
    """SGD, or SAM to a loss of 0.4 and then SGD, to the loss of the hand-over; from the initial weights."""
    law, w = data.law, data.w0
    if optimizer == "SAM":
        lr = step_size(law, 0.1) * np.sqrt(law.d / 1000.0)
        steps = int(np.ceil(2.0 * law.m / law.noise**2 / lr - 1e-9))
        weight = mean_loss(data.retain if retain else np.ones_like(data.forget))
        w = train(data, w, weight, lr, steps, learned(0.4, retain=retain), sam_move(sam_radius(law), rules)).w
    return fit(data, w, HANDOVER, retain=retain).w


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

    @classmethod
    def after(cls, data: Data, optimizer: str, rules: Rules = RIGHT) -> "Unlearning":
        """After pretraining with SGD or SAM."""
        start, retrained = (pretrain(data, optimizer, retain=retain, rules=rules) for retain in (False, True))
        return cls(data, start, retrained, rules=rules)

    def at(self, alpha: float) -> "Unlearning":
        """The same at another α."""
        return replace(self, alpha=alpha)

    def run(self, optimizer: str, *, matched: bool, steps: int = 4000) -> Trained:
        """Unlearn with SGD, SAM or Sharp MinMax."""
        law = self.data.law
        largest = max(self.alpha / (1.0 - law.share), (1.0 - self.alpha) / law.share)
        lr = step_size(law, 0.2) / largest
        radius = sam_radius(law) / np.sqrt(law.m)
        moves = {
            "SGD": lambda: plain_move,
            "SAM": lambda: sam_move(radius, self.rules),
            "Sharp MinMax": lambda: minmax_move(radius, lr, self._forget_part()),
        }
        retrained = forget_loss(self.data, forward(self.data, self.retrained))
        stop = forget_loss_at_least(retrained) if matched else accuracy_half
        weight = neggrad(self.data, self.alpha, self.rules)
        return train(self.data, self.start, weight, lr, steps, stop, moves[optimizer]())

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
