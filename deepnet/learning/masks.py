"""Masks over the weights of a model: which of them a step may move."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet.data.streams import Batch
from deepnet.house.fields import of_type
from deepnet.learning.sharpness import gradient, sgd
from deepnet.networks.frozen import trainable
from deepnet.networks.modes import evaluating
from simulate.house import checks

__all__ = ["Mask", "Order", "held_in_place", "saliency", "select"]

Order = Literal["largest", "smallest"]
"""Which weights a mask holds."""


_UNITS = 16
"""Units in the last place by which scores may differ from the one at the cut and still be tied with it."""


@dataclass(frozen=True)
class Mask:
    """For each parameter of a model a bool tensor of its shape; True where a step may move the weight.

    Parameters that are frozen may be left out: no step moves them, whatever a mask says.
    """

    values: Mapping[str, Tensor]
    """By name of the parameter."""

    def __invert__(self) -> Mask:
        """The weights this mask does not hold."""
        return Mask({name: ~value for name, value in self.values.items()})

    def __or__(self, other: Mask) -> Mask:
        """The weights that at least one of two masks holds."""
        return Mask({name: value | other.values[name] for name, value in self.values.items()})

    @property
    def fraction(self) -> float:
        """Fraction of all weights that it lets move."""
        held = sum(int(value.sum()) for value in self.values.values())
        return held / sum(value.numel() for value in self.values.values())

    def check(self, model: nn.Module) -> None:
        """Require that the mask belongs to a model of this shape.

        Raises:
            ValueError: if names or shapes differ; the message names the first that does.
        """
        shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
        for name in [*trainable(model), *self.values]:
            mine = tuple(self.values[name].shape) if name in self.values else None
            if mine != shapes.get(name):
                raise ValueError(
                    f"Argument `mask` must belong to this model, but at {name} it has shape {mine} "
                    f"and the model {shapes.get(name)}."
                )


def select(scores: Mapping[str, Tensor], fraction: float, order: Order) -> Mask:
    """The mask of the ⌊fraction · n⌋ largest or smallest scores among all n weights together.

    Scores that differ from the one at the cut by rounding only (16 units in its last place: a gradient is a sum over
    samples and pixels, added in another order by another processor) are tied with it. Where many different scores lie
    as close as that to the cut, the last few weights may still be others elsewhere.

    Args:
        scores: A score for each weight, by parameter name.
        fraction: Which part of the weights to select, in [0, 1].
        order: From which end. Tied scores are taken in the order of the parameters.

    Raises:
        ValueError: if an argument is out of range, or a score is NaN.

    Example:
        >>> select({"w": torch.tensor([3.0, 1.0, 2.0])}, 0.4, "largest").values["w"].tolist()
        [True, False, False]
    """
    checks.fraction("fraction", fraction)
    checks.choice("order", order, ("largest", "smallest"))
    of_type("scores", scores, Mapping)
    for score in scores.values():
        of_type("scores", score, Tensor)
    if not sum(score.numel() for score in scores.values()):
        raise ValueError("Argument `scores` must hold the score of at least one weight, but is empty.")
    flat = torch.cat([score.detach().reshape(-1) for score in scores.values()])
    if bool(flat.isnan().any()):
        raise ValueError("Argument `scores` must hold no NaN, but does.")
    chosen = _outermost(flat, math.floor(fraction * flat.numel()), order)
    parts = chosen.split([score.numel() for score in scores.values()])
    return Mask({name: part.view_as(scores[name]) for name, part in zip(scores, parts, strict=True)})


def _outermost(scores: Tensor, count: int, order: Order) -> Tensor:
    """Mark the `count` scores (n,) at one end, of those tied with the last one the first; sorts nothing."""
    if not count:
        return torch.zeros_like(scores, dtype=torch.bool)
    scores = scores.int() if scores.dtype == torch.bool else scores
    cut = scores.kthvalue(count if order == "smallest" else len(scores) - count + 1).values.item()
    low, high = cut, cut
    if scores.is_floating_point() and math.isfinite(cut):
        limits = torch.finfo(scores.dtype)
        tolerance = _UNITS * limits.eps * abs(cut)
        low, high = max(cut - tolerance, limits.min), min(cut + tolerance, limits.max)
    chosen = scores < low if order == "smallest" else scores > high
    tied = (scores >= low) & (scores <= high)
    chosen[tied.nonzero()[: count - int(chosen.sum())]] = True
    return chosen


def saliency(model: nn.Module, batches: Iterable[Batch]) -> dict[str, Tensor]:
    """|Σ_batches ∂L_batch/∂w| of the mean cross-entropy: how much each weight matters to these samples.

    Of the weights that are not frozen. The model is evaluated as for testing, and left in the mode it was in.

    Source: Fan et al. 2024 (SalUn, arXiv 2310.12508); the absolute value is taken after the sum.
    """
    parameters = trainable(model)
    total = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    with evaluating(model):
        for batch in batches:
            grads, _ = gradient(partial(_cross_entropy, model, batch), parameters, sgd())
            torch._foreach_add_(list(total.values()), grads)
    return {name: value.abs() for name, value in total.items()}


def _cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    return batch.mean(functional.cross_entropy(model(batch.x), batch.y, reduction="none"))


@contextmanager
def held_in_place(parameters: Mapping[str, Tensor], mask: Mask | None) -> Iterator[None]:
    """Whatever happens within it, the weights outside the mask come out as they went in, to the bit.

    A mask on the gradient does not achieve this: weight decay and the momentum of earlier steps move a weight whose
    gradient is zero.
    """
    if mask is None:
        yield
        return
    before = [weight.detach().clone() for weight in parameters.values()]
    try:
        yield
    finally:
        with torch.no_grad():
            for (name, weight), old in zip(parameters.items(), before, strict=True):
                weight.copy_(torch.where(mask.values[name], weight, old))
