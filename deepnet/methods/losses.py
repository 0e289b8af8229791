"""Losses of one batch, as this process's share of the loss of the global batch."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from deepnet.data.streams import Batch
from deepnet.networks.normalization import frozen_statistics
from simulate.house import checks

__all__ = ["ascent", "check_temperature", "cross_entropy", "cross_entropy_of", "distillation"]


_HOTTEST = 1e18
"""Largest temperature: its square, which the loss has as a factor, is still a number in single precision."""


def cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    """Mean cross-entropy of the labels."""
    return cross_entropy_of(model(batch.x), batch)


def cross_entropy_of(logits: Tensor, batch: Batch) -> Tensor:
    """The same by the logits (b, K)."""
    return batch.mean(functional.cross_entropy(logits, batch.y, reduction="none"))


def ascent(model: nn.Module, batch: Batch, statistics: bool = False) -> Tensor:
    """Minus the mean cross-entropy.

    Args:
        model: The network.
        batch: Samples to be forgotten.
        statistics: Whether they enter the running statistics, as in the released code (`Task.forget_statistics`).
    """
    with frozen_statistics(model, frozen=not statistics):
        return -cross_entropy(model, batch)


def check_temperature(temperature: object) -> None:
    """Require a temperature of softened predictions.

    Raises:
        ValueError: if it is not a positive number, or too large for its square.
    """
    checks.real("temperature", temperature, positive=True)
    if isinstance(temperature, int | float) and temperature > _HOTTEST:
        checks.fail("temperature", f"be at most {_HOTTEST:g}", temperature)


def distillation(student: Tensor, teacher: Tensor, batch: Batch, temperature: float) -> Tensor:
    """T² KL(teacher ‖ student) of the softened predictions of two models by their logits (b, K), mean over the batch.

    Source: Hinton et al. 2015 (arXiv 1503.02531).
    """
    given, wanted = (functional.log_softmax(logits / temperature, dim=1) for logits in (student, teacher))
    divergence = functional.kl_div(given, wanted, reduction="none", log_target=True).sum(1)
    return batch.mean(divergence) * temperature**2
