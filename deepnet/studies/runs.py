"""The models of a study, by what makes them, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deepnet.data.splits import ForgetSet
from deepnet.learning.sharpness import Sharpness
from deepnet.methods import Retrain
from deepnet.networks.models import Network
from deepnet.studies.study import Unlearner

__all__ = ["Finished", "Run", "Vote"]


@dataclass(frozen=True)
class Run:
    """One model of a study, by what made it."""

    forget: ForgetSet
    """What is to be forgotten."""
    seed: int
    """Seed of the model."""
    pretrain: Sharpness
    """How the pretraining optimizer treats sharpness."""
    unlearner: Unlearner | None = None
    """None is the pretrained model as it is; the retrained one has the method `Retrain`."""
    sharpness: Sharpness | None = None
    """How the unlearning optimizer treats sharpness."""

    @property
    def label(self) -> str:
        """The run in words; a class that is forgotten by its number."""
        return self.words(self.forget.label)

    def words(self, forget_set: str) -> str:
        """The run in words, with a word for its forget set."""
        parts = [forget_set, f"seed {self.seed}", self.pretrain.label]
        if self.unlearner is not None and self.sharpness is not None:
            name = " ".join(filter(None, (self.unlearner.method.name, self.unlearner.variant)))
            parts += [name] if isinstance(self.unlearner.method, Retrain) else [f"{name} {self.sharpness.label}"]
        return ", ".join(parts)


@dataclass(frozen=True)
class Vote:
    """One of the models by which memorization scores are estimated."""

    number: int
    """Which of them."""

    @property
    def label(self) -> str:
        """The model in words, for progress."""
        return f"memorization scores, model {self.number}"


@dataclass(frozen=True)
class Finished:
    """A model that a stage made, and how its training went."""

    model: Network
    """The network, with its weights."""
    history: dict[str, Any]
    """`seconds`, `images`, `peak_memory` (bytes, None off CUDA) and `losses` by epoch; in float16 `skipped_steps`;
    what a watcher has noted is `watched`."""
