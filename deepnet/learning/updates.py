"""What a method asks of the training loop: passes over a set, made of updates, made of terms of a gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from deepnet.learning.masks import Mask

__all__ = ["Part", "Pass", "Term", "Update"]

Part = Literal["pretrain", "retain", "forget", "relabelled"]
"""Sets that batches are drawn from: what the model was pretrained on; what it may remember (with the corrected samples,
if labels or features are to be forgotten); what it is to forget; and all of it with random labels on the latter."""


@dataclass(frozen=True)
class Term:
    """A loss, and how its gradient enters a step."""

    loss: Callable[..., Tensor]
    """Called with one `Batch` for each of `draws`; returns a scalar, this process's share of the loss."""
    draws: tuple[Part, ...]
    """Sets it needs a batch of. Terms of a step that draw from the same set see the same batch."""
    goal: Literal["min", "max", "none"] = "min"
    """What a sharpness-aware optimizer does about this term: minimise or maximise its sharpness, or nothing."""
    mask: Mask | None = None
    """Weights it may move; None is all of them."""


@dataclass(frozen=True)
class Update:
    """One step of an optimizer along the sum of the gradients of its terms."""

    terms: tuple[Term, ...]
    """What is differentiated, one after another."""
    optimizer: str = "model"
    """Which optimizer takes the step; each has its own momentum."""

    @property
    def mask(self) -> Mask | None:
        """Weights that some term may move; None is all of them."""
        union: Mask | None = self.terms[0].mask
        for term in self.terms[1:]:
            union = None if union is None or term.mask is None else union | term.mask
        return union


@dataclass(frozen=True)
class Pass:
    """One pass over a set, each of whose steps makes the updates in turn."""

    over: Part
    """The set that is gone through once; smaller sets are drawn from again and again meanwhile."""
    updates: tuple[Update, ...]
    """In their order."""
