"""Who looks at a model between the steps of its training, and may end it, without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn

from deepnet.networks.modes import evaluating

__all__ = ["Watcher", "unnoticed"]


class Watcher(Protocol):
    """Looks at a model before the first step of its training and after each.

    It looks in evaluation mode, without gradients, and with random numbers of its own (`unnoticed`): a training that is
    watched ends with the same bits as one that is not, or has the bits of its step if the watcher ends it. What it has
    noted lies in the journal, and is handed back when the training goes on: what happened after the last entry of the
    journal happens again, and is noted again.
    """

    def look(self, step: int, epochs: int) -> bool:
        """Look at the model after so many steps, which are so many whole epochs; True ends the training."""

    def noted(self) -> Any:
        """What it has noted so far, as JSON holds it."""

    def take_up(self, noted: Any) -> None:
        """Take up what it had noted when the journal was written."""


@contextmanager
def unnoticed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Within it a model is in evaluation mode and has no gradients; afterwards all is as before, random numbers too."""
    cards = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards), evaluating(model), torch.no_grad():
        yield
