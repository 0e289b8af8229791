"""Losses of one batch, as this process's share of the loss of the global batch."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from deepnet.normalization import frozen_statistics
from deepnet.streams import Batch

__all__ = ["ascent", "cross_entropy", "distillation"]


def cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    """Mean cross-entropy of the labels."""
    return batch.mean(functional.cross_entropy(model(batch.x), batch.y, reduction="none"))


def ascent(model: nn.Module, batch: Batch) -> Tensor:
    """Minus the mean cross-entropy; samples to be forgotten leave no trace in the running statistics."""
    with frozen_statistics(model):
        return -cross_entropy(model, batch)


def distillation(model: nn.Module, teacher: nn.Module, batch: Batch, temperature: float) -> Tensor:
    """T² KL(teacher ‖ student) of the softened predictions, mean over the batch.

    Source: Hinton et al. 2015 (arXiv 1503.02531).
    """
    student = functional.log_softmax(model(batch.x) / temperature, dim=1)
    target = functional.log_softmax(teacher(batch.x) / temperature, dim=1)
    divergence = functional.kl_div(student, target, reduction="none", log_target=True).sum(1)
    return batch.mean(divergence) * temperature**2
