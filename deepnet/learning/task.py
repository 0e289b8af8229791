"""What a method works on: a model, the sets of samples, and the settings of the training."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from deepnet.data.datasets import Dataset
from deepnet.data.splits import Split
from deepnet.data.streams import Relabel, Stream
from deepnet.house.fields import entries, of_type
from deepnet.house.parallel import rank, world_size
from deepnet.house.seeding import seed_words
from deepnet.learning.sharpness import Sharpness, sgd
from deepnet.learning.training import Training
from deepnet.learning.updates import Part
from deepnet.networks.frozen import trainable
from deepnet.networks.models import Network
from deepnet.networks.modes import evaluating
from simulate.house import checks

__all__ = ["Task"]

_PARTS: tuple[Part, ...] = ("pretrain", "retain", "forget", "relabelled")


@dataclass(frozen=True)
class Task:
    """A model to be changed, and all that a method may look at."""

    model: nn.Module
    """The model, on its device, from a batch of samples to logits (b, K), such as a `deepnet.Network` of images of
    uint8, (b, C, H, W); a method changes it in place, but for what is frozen (`requires_grad_(False)`)."""
    dataset: Dataset
    """The images, or other samples (`deepnet.own.samples`)."""
    split: Split
    """Which of them are retained, forgotten and set aside."""
    training: Training
    """Epochs, batches and descent; a precision of "auto" becomes that of the model's device."""
    seed: tuple[int, ...]
    """Seed of the batches."""
    sharpness: Sharpness = field(default_factory=sgd)
    """How the optimizer treats sharpness."""
    forget_statistics: bool = False
    """Whether batches of the forget set enter the running statistics of normalisation, as in the released code."""
    cycles_forget_batches: bool = False
    """Whether a pass over another set that outlasts the forget set meets its first batches again, augmented as they
    were, as in the released code."""

    def __post_init__(self) -> None:
        """Require that every field is of its type, and that the model can be trained on these images.

        Raises:
            ValueError: if one is not, or it cannot; the message names it.
        """
        kinds: dict[str, type] = {"model": nn.Module, "dataset": Dataset, "split": Split, "training": Training}
        for name, kind in (kinds | {"sharpness": Sharpness}).items():
            of_type(name, getattr(self, name), kind)
        entries("seed", self.seed, Integral)
        seed_words(self.seed)
        for name in ("forget_statistics", "cycles_forget_batches"):
            checks.boolean(name, getattr(self, name))
        if not isinstance(self.model, Network) or any(is_lazy(weight) for weight in self.model.parameters()):
            self._check_answer()
        trainable(self.model)
        object.__setattr__(self, "training", self.training.on(self.device))

    def _check_answer(self) -> None:
        """Require logits for a sample; that also builds layers that are lazy."""
        (sample,) = self.dataset.train.batches([(self.split.forget[:1], None)])
        wanted = (1, self.dataset.n_classes)
        images = sample.dtype == torch.uint8 and sample.ndim == 4
        kind = f"{'images' if images else 'samples'} of {str(sample.dtype).removeprefix('torch.')}"
        need = f"Argument `model` must turn {kind}, {tuple(sample.shape)}, into logits, {wanted}, but"
        try:
            with torch.no_grad(), evaluating(self.model):
                logits = self.model(sample)
        except Exception as error:  # whatever somebody else's network raises of samples that it does not read
            reason = str(error).partition("\n")[0].rstrip(".")
            hint = "; `deepnet.Network` is a wrapper that takes and normalises them" if images else ""
            raise ValueError(f"{need} raises {type(error).__name__}: {reason}{hint}.") from error
        if not isinstance(logits, Tensor) or tuple(logits.shape) != wanted:
            found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"{need} gives {found}.")

    @cached_property
    def teacher(self) -> nn.Module:
        """A copy of the model as it was when this was first asked for, in the mode for testing, without gradients."""
        return copy.deepcopy(self.model).eval().requires_grad_(False)

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The model's parameters by name, but for those that are frozen."""
        return trainable(self.model)

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return next(self.model.parameters()).device

    def rows(self, part: Part) -> Tensor:
        """Rows of the training images that a set consists of."""
        split = self.split
        kept = torch.cat([split.retain, split.corrected])
        if part in ("pretrain", "forget"):
            return split.pretrain if part == "pretrain" else split.forget
        return kept if part == "retain" else torch.cat([kept, split.forget])

    def stream(self, part: Part, *, augment: bool = True, batch_size: int | None = None, whole: bool = False) -> Stream:
        """Endless batches of a set; each set has its own random numbers.

        Args:
            part: The set.
            augment: Whether images are augmented.
            batch_size: Largest size of a batch; None is that of the training.
            whole: Whether each process sees whole batches, even if processes share them in the training.
        """
        relabel = Relabel(rows=self.split.forget, n_classes=self.dataset.n_classes) if part == "relabelled" else None
        return Stream(
            self.dataset.train,
            self.rows(part),
            batch_size or self.training.batch_size,
            seed=(*self.seed, _PARTS.index(part)),
            augment=augment,
            rank=0 if whole else rank(),
            world=1 if whole else world_size(),
            relabel=relabel,
        )
