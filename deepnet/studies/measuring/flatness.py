"""How sharp the loss is around a model's weights, in a measure that no rescaling of them changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet.house.fields import of_type
from deepnet.learning.sharpness import asam, gradient
from deepnet.metrics.curvature import check_batches, check_classes
from deepnet.metrics.outputs import NotFiniteError
from deepnet.networks.frozen import trainable
from deepnet.networks.modes import evaluating
from deepnet.networks.precision import matrix_products
from simulate.house import checks, ties

__all__ = ["SharpnessAtLoss", "adaptive_sharpness", "mean_loss"]

Batches = Sequence[tuple[Tensor, Tensor]]


def adaptive_sharpness(model: nn.Module, batches: Batches, *, rho: float = 0.5) -> float:
    """The loss that the ascent of ASAM gains: L(w + ε) - L(w) with ε = ρ w² g / ‖w g‖, entry by entry, g = ∇L(w).

    To first order that ε is the worst with ‖ε / |w|‖ ≤ ρ. Where weights can be rescaled without a change of the
    function (before a ReLU and after it, before a batch norm with its statistics) ε is rescaled with them, so that the
    number is the same for all of these; ‖w‖² or the Hessian's eigenvalues are not.

    Args:
        model: A network from images to logits (b, K); used in evaluation mode, and left as it was, to the bit.
        batches: Images (b, ...) and labels (b,) of int64; each sample weighs the same, whatever its batch. Memory is
            that of one training step on all of them.
        rho: Radius ρ.

    Returns:
        The difference, in nats; 0 if the gradient is 0.

    Raises:
        ValueError: if an argument is out of range or a batch is malformed.
        NotFiniteError: if the loss is not finite, here or there.

    Source: Kwon et al. 2021 (arXiv 2102.11600), equations 3 and 5, with η = 0 and the whole set as one batch.
    """
    of_type("model", model, nn.Module)
    checks.real("rho", rho, positive=True)
    check_batches(batches)
    check_classes(model, batches)
    values: list[float] = []

    def loss() -> Tensor:
        total = torch.stack([_summed(model, x, y) for x, y in batches]).sum() / sum(len(y) for _, y in batches)
        values.append(_finite(float(total.detach())))
        return total

    with evaluating(model), matrix_products("float32"), torch.enable_grad():
        gradient(loss, trainable(model), asam(rho))
    return values[1] - values[0]


@torch.no_grad()
def mean_loss(model: nn.Module, batches: Batches) -> float:
    """Mean cross-entropy over the samples of some batches, as in testing.

    Raises:
        NotFiniteError: if it is not finite.
    """
    with evaluating(model):
        total = sum(float(_summed(model, x, y)) for x, y in batches)
    return _finite(total / sum(len(y) for _, y in batches))


@dataclass
class SharpnessAtLoss:
    """Watches a training, and measures the model after the first step at which its mean loss is at most a bound.

    Two optimizers fit at different speed, and what fits better is flatter for that alone; at the same loss they can be
    compared. The training goes on, so that its end can be measured, too.
    """

    model: nn.Module
    """The model that is being trained."""
    batches: Batches
    """What its loss and its sharpness are taken on."""
    bound: float
    """The loss."""
    rho: float = 0.5
    """Radius of the sharpness."""
    every: int = 1
    """Steps between two looks."""
    step: int | None = None
    """The step that was found; None so far."""
    sharpness: float | None = None
    """The sharpness there."""

    def __post_init__(self) -> None:
        """Validate what can be wrong."""
        checks.real("bound", self.bound, positive=True)
        checks.real("rho", self.rho, positive=True)
        checks.integer("every", self.every, least=1)

    def look(self, step: int, epochs: int) -> bool:
        """Look at the model after so many steps; it never ends the training."""
        if (
            self.step is None
            and step % self.every == 0
            and ties.at_most(mean_loss(self.model, self.batches), self.bound)
        ):
            self.step, self.sharpness = step, adaptive_sharpness(self.model, self.batches, rho=self.rho)
        return False

    def noted(self) -> dict[str, Any]:
        """What it has found, as JSON holds it."""
        return {"step": self.step, "sharpness": self.sharpness}

    def take_up(self, noted: Any) -> None:
        """Take up what it had found before an interruption."""
        self.step, self.sharpness = noted["step"], noted["sharpness"]


def _summed(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy in double precision, summed over a batch: small losses keep their digits."""
    return functional.cross_entropy(model(x).double(), y, reduction="sum")


def _finite(loss: float) -> float:
    if not torch.isfinite(torch.tensor(loss)):
        raise NotFiniteError("Argument `model` must have a finite loss, but has not.")
    return loss
