"""Influence unlearning: one Newton step that takes back what the forget set did to the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from deepnet.learning.loop import DivergenceError
from deepnet.learning.sharpness import gradient
from deepnet.learning.task import Task
from deepnet.learning.updates import Part, Pass
from deepnet.methods.base import Method
from deepnet.methods.losses import cross_entropy
from deepnet.networks.normalization import frozen_statistics
from simulate.house import checks

__all__ = ["Influence", "damped_inverse_product"]


@dataclass(frozen=True, kw_only=True)
class Influence(Method):
    """w ← w + α (n_F / n_R) (λI + F̂)⁻¹ ∇L(F), F̂ the empirical Fisher matrix of K batch gradients of the retain set.

    Leaving the forget set out changes the minimiser by H⁻¹ (n_F/n_R) ∇L(F) to first order, and H is about the Fisher
    matrix, the mean of g gᵀ over samples. A batch gradient is a mean of b such g, whose mean is zero at a minimum, so
    √b times it stands for one of them: with these as the K columns of G, F̂ = G Gᵀ/K has rank K, and the Woodbury
    identity needs one K x K solve instead of a matrix of all weights.

    Source: Koh & Liang 2017 (arXiv 1703.04730); Izzo et al. 2021 (arXiv 2002.10077).
    """

    name: ClassVar[str] = "influence"
    title: ClassVar[str] = "Influence"
    normalises: ClassVar[tuple[Part, ...]] = ()

    alpha: float = 1.0
    """α, the length of the step; 1 is the Newton step."""
    damping: float = 0.3
    """λ, added to the diagonal of the Fisher matrix."""
    batches: int = 64
    """K, the number of batch gradients."""
    batch_size: int = 32
    """Samples behind each batch gradient."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.real("alpha", self.alpha)
        checks.real("damping", self.damping, positive=True)
        checks.integer("batches", self.batches, least=1)
        checks.integer("batch_size", self.batch_size, least=1)

    def passes(self, task: Task, epoch: int) -> Sequence[Pass]:
        """Nothing: the step is made at once."""
        return []

    @torch.no_grad()
    def edit(self, task: Task) -> None:
        """Make the step. The gradients are those of the task's optimizer, so SAM and ASAM change them."""
        forget = task.stream("forget", augment=False)
        found, sizes = _gradients(task, "forget", forget.steps_per_pass, task.training.batch_size)
        forgotten = (found * sizes).sum(1) / sizes.sum()
        found, sizes = _gradients(task, "retain", self.batches, self.batch_size)
        retained = found * sizes.sqrt()
        step = damped_inverse_product(retained, forgotten, self.damping)
        share = len(task.rows("forget")) / len(task.rows("retain"))
        _shift(task.parameters, self.alpha * share * step)


def damped_inverse_product(columns: Tensor, vector: Tensor, damping: float) -> Tensor:
    """(λI + G Gᵀ/K)⁻¹ v by the Woodbury identity, [v - G (λK I + Gᵀ G)⁻¹ Gᵀ v] / λ.

    Args:
        columns: G of shape (p, K).
        vector: v of shape (p,).
        damping: λ > 0.

    Returns:
        The product, of shape (p,).

    Raises:
        DivergenceError: if λ is so small that the matrix cannot be inverted.
    """
    small = columns.T @ columns
    small.diagonal().add_(damping * columns.shape[1])
    solution, fault = torch.linalg.solve_ex(small, columns.T @ vector)
    if fault:
        raise DivergenceError("The damped Fisher matrix is singular; a larger `damping` may help.")
    return (vector - columns @ solution) / damping


def _gradients(task: Task, part: Part, count: int, batch_size: int) -> tuple[Tensor, Tensor]:
    """Gradients of the first batches of a set, each as one long column, and the sizes of the batches."""
    found, sizes = [], []
    task.model.eval()
    batches = task.stream(part, augment=False, batch_size=batch_size).batches(start=0)
    for _, batch in zip(range(count), batches, strict=False):
        with torch.enable_grad():
            grads, _ = gradient(
                partial(cross_entropy, task.model, batch),
                task.parameters,
                task.sharpness,
                second_pass=partial(frozen_statistics, task.model),
            )
        found.append(torch.cat([grad.reshape(-1) for grad in grads]))
        sizes.append(batch.total)
    columns = torch.stack(found, dim=1)
    return columns, torch.tensor(sizes, dtype=columns.dtype, device=columns.device)


def _shift(parameters: dict[str, Tensor], step: Tensor) -> None:
    """Add a long vector to the parameters."""
    parts = step.split([weight.numel() for weight in parameters.values()])
    for weight, part in zip(parameters.values(), parts, strict=True):
        weight.add_(part.view_as(weight))
