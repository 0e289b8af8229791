"""Watches an unlearning epoch by epoch, and ends it where that was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from deepnet.learning.loop import DivergenceError
from deepnet.matched.watched.looking import Sight, look_at
from deepnet.matched.watched.stops import Stop
from deepnet.metrics.accuracy import Score
from deepnet.metrics.outputs import NotFiniteError
from deepnet.networks.precision import Precision
from deepnet.own.stopping import Patience

__all__ = ["EpochSeen", "EpochWatcher"]


@dataclass(frozen=True, kw_only=True)
class EpochSeen:
    """What a network was seen to do after so many epochs."""

    epoch: int
    """Whole epochs; 0 is before the first step, and an epoch that was not finished counts with those before it."""
    step: int
    """Steps."""
    retain_loss: float
    """Mean cross-entropy on the retained samples (a sample of them, if they are many)."""
    retain_accuracy: float
    """Accuracy on them."""
    forget_loss: float
    """Mean cross-entropy on what is to be forgotten."""
    forget_accuracy: float
    """Accuracy on it."""
    val_loss: float | None
    """Mean cross-entropy on validation samples; None without any."""
    val_accuracy: float | None
    """Accuracy on them."""
    seconds: float
    """Time that the unlearning took so far, without that of looking."""


@dataclass
class EpochWatcher:
    """Notes losses and accuracies of each epoch, and ends the training where a stop holds.

    Where there are stops, the forget set is looked at after every step.
    """

    model: nn.Module
    """The network, which is being trained."""
    sights: dict[str, Sight]
    """What it is looked at on: "retain", "forget", perhaps "val"."""
    device: torch.device
    """Where it computes."""
    precision: Precision = "float32"
    """Number format of the products."""
    stops: tuple[Stop, ...] = ()
    """Where it is ended."""
    patience: Patience | None = None
    """Ends it without lower validation losses."""
    tell: Callable[[EpochSeen], None] = lambda seen: None
    """Is told of each epoch."""
    seen: list[EpochSeen] = field(default_factory=list)
    """What was seen so far."""
    reached: str | None = None
    """The stop that ended the training."""
    _at: tuple[int, int] = (0, 0)
    _began: float = field(default_factory=time.perf_counter)
    _looking: float = 0.0

    def before(self) -> None:
        """Look at the network as it is given, before anything is done to it; the clock starts then."""
        self.note(0, 0)
        self._began, self._looking = time.perf_counter(), 0.0

    def look(self, step: int, epochs: int) -> bool:
        """Look at the network after so many steps, which are so many whole epochs; True ends the training.

        Raises:
            DivergenceError: if a logit is no longer finite.
        """
        self._at = step, epochs
        whole = epochs > self.seen[-1].epoch
        if not (whole or self.stops):
            return False
        if whole:
            seen = self.note(step, epochs)
            forget = Score(loss=seen.forget_loss, accuracy=seen.forget_accuracy, n=1)
            over = self.patience is not None and self.patience.is_over(seen.val_loss or 0.0)
        else:
            forget, over = self._scores(("forget",), step)["forget"], False
        held = [one for one in self.stops if one.holds(loss=forget.loss, accuracy=forget.accuracy, epochs=epochs)]
        if held:
            self.reached = held[0].name
        elif over and self.patience is not None:
            self.reached = f"patience of {self.patience.epochs}"
        return self.reached is not None

    def after(self) -> None:
        """Look at the network as it is left, if nobody has since its last step, or if there was none."""
        if self._at[0] == 0 or self._at[0] > self.seen[-1].step:
            self.note(*self._at)

    def note(self, step: int, epochs: int) -> EpochSeen:
        """Look at all sets, and keep what is seen.

        Raises:
            DivergenceError: if a logit is no longer finite.
            ValueError: if one was not before the first step.
        """
        found = self._scores(tuple(self.sights), step)
        val = found.get("val")
        seen = EpochSeen(
            epoch=epochs, step=step,
            retain_loss=found["retain"].loss, retain_accuracy=found["retain"].accuracy,
            forget_loss=found["forget"].loss, forget_accuracy=found["forget"].accuracy,
            val_loss=None if val is None else val.loss, val_accuracy=None if val is None else val.accuracy,
            seconds=self.seconds,
        )  # fmt: skip
        self.seen.append(seen)
        self.tell(seen)
        return seen

    @property
    def seconds(self) -> float:
        """Time since `before`, without that of looking."""
        return time.perf_counter() - self._began - self._looking

    def _scores(self, names: tuple[str, ...], step: int) -> dict[str, Score]:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # steps that were only asked for are no part of looking
        began = time.perf_counter()
        found: dict[str, Score] = {}
        try:
            for name in names:
                found[name] = look_at(self.model, self.sights[name], self.precision)
            return found
        except NotFiniteError as error:
            if self.seen:
                raise DivergenceError(f"What the model says is no longer finite after step {step}.") from error
            data = "val_set" if "forget" in found else "train_set"
            raise ValueError(
                f"Argument `model` must give finite logits of `{data}`, but gives NaN or infinity before the first "
                "step; samples or buffers may hold such."
            ) from error
        finally:
            self._looking += time.perf_counter() - began

    def noted(self) -> dict[str, Any]:
        """What was seen, as JSON holds it."""
        return {"seen": [vars(one) for one in self.seen]}

    def take_up(self, noted: Any) -> None:
        """Take up what was seen before an interruption."""
        self.seen = [EpochSeen(**one) for one in noted["seen"]]
