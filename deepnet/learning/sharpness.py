r"""Sharpness-awareness as a transform of gradients: what SGD, SAM and ASAM hand to any optimizer of torch.

With g = ∇L(w) and T the identity (SAM) or diag(|w| + η) (ASAM), the perturbation is ε = ρ T² g / ‖T g‖, and the
direction is ĝ = m ⊙ [g + s λ (∇L(w + ε) - g)], s = +1 to minimise sharpness and s = -1 to maximise it, with a mask m
that acts last, so that what it hides gets exactly nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from deepnet.house.fields import of_type
from deepnet.house.parallel import sum_across_ranks_
from simulate.house import checks

__all__ = ["Goal", "Sharpness", "asam", "gradient", "sam", "sgd"]

Goal = Literal["min", "max"]
"""Whether sharpness is minimised or maximised."""
TINY = 1e-12
"""Added to ‖T g‖, so that a zero gradient gives a zero perturbation."""


@dataclass(frozen=True, kw_only=True)
class Sharpness:
    """How a gradient is made aware of sharpness.

    Source: Foret et al. 2021 (arXiv 2010.01412); Kwon et al. 2021 (arXiv 2102.11600) for the adaptive form; the
    maximising form is that of the paper's released code.

    Example:
        >>> asam(1.0).label
        'asam-1'
    """

    rho: float = 0.0
    """Radius ρ of the perturbation; 0 is plain SGD."""
    adaptive: Literal["none", "weights", "all"] = "none"
    """Which tensors are scaled by T = |w| + η: none (SAM), those named "weight" (ASAM as published), or all."""
    eta: float = 0.0
    """η, the smallest scale of an adaptive perturbation."""
    mixing: float = 1.0
    """λ, the part of the sharpness term that enters; 1 with the goal "min" is plain SAM."""
    goal: Goal = "min"
    """Whether sharpness is minimised or maximised."""
    mask_perturbation: bool = False
    """Whether a mask also confines the perturbation ε."""
    mask_site: Literal["final", "second"] = "final"
    """Where a mask acts. "final": on the direction. "second": on ∇L(w + ε) alone, a fault of the released code by
    which (1 - s λ) g leaks through and moves the hidden weights; only for comparison with it."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.real("rho", self.rho, nonnegative=True)
        checks.choice("adaptive", self.adaptive, ("none", "weights", "all"))
        checks.real("eta", self.eta, nonnegative=True)
        checks.real("mixing", self.mixing, nonnegative=True)
        checks.choice("goal", self.goal, ("min", "max"))
        checks.boolean("mask_perturbation", self.mask_perturbation)
        checks.choice("mask_site", self.mask_site, ("final", "second"))

    @property
    def leaks(self) -> bool:
        """Whether weights that a mask hides are moved all the same: (1 - s λ) g reaches them, and is not 0.

        Example:
            >>> [Sharpness(rho=0.1, goal=goal, mask_site="second").leaks for goal in ("min", "max")]
            [False, True]
        """
        return self.mask_site == "second" and self.rho > 0 and self.share != 1

    @property
    def share(self) -> float:
        """s λ, the part of ∇L(w + ε) in the direction."""
        return self.mixing if self.goal == "min" else -self.mixing

    @property
    def label(self) -> str:
        """Short name for tables and files, for example "sgd", "sam-0.1" or "asam-1".

        Where a mask acts is not part of it: that is a quirk of a whole study, which each of its rows names.
        """
        if self.rho == 0:
            return "sgd"
        unusual = {
            "weights": self.adaptive == "weights",
            f"eta{self.eta:g}": self.eta > 0,
            f"mix{self.mixing:g}": self.mixing != 1,
            "max": self.goal == "max",
            "masked": self.mask_perturbation,
        }
        family = "sam" if self.adaptive == "none" else "asam"
        return "-".join([family, f"{self.rho:g}", *(word for word, holds in unusual.items() if holds)])


def sgd() -> Sharpness:
    """The plain gradient."""
    return Sharpness()


def sam(rho: float = 0.1) -> Sharpness:
    """Sharpness-aware minimisation with the radius `rho`."""
    return Sharpness(rho=rho)


def asam(rho: float = 1.0) -> Sharpness:
    """Adaptive SAM with the radius `rho`; every tensor is scaled by its size, as in the paper's released code."""
    return Sharpness(rho=rho, adaptive="all")


def gradient(
    loss: Callable[[], Tensor],
    parameters: Mapping[str, Tensor],
    sharpness: Sharpness,
    mask: Mapping[str, Tensor] | None = None,
    *,
    second_pass: Callable[[], AbstractContextManager[None]] = nullcontext,
    loss_scale: float = 1.0,
) -> tuple[list[Tensor], Tensor]:
    """The direction ĝ, and the loss at w.

    Args:
        loss: Computes the loss of one batch at the current parameters. It is called twice if ρ > 0, and must then
            use the same batch. In a data-parallel run it gives this process's share.
        parameters: The parameters w by name; they are perturbed in place, and restored to the bit.
        sharpness: The transform.
        mask: For each name a bool tensor of the parameter's shape; False hides an entry. None hides nothing.
        second_pass: Context in which the loss at w + ε is computed, for example one that holds running statistics.
        loss_scale: Factor on the loss while it is differentiated, and off the gradient after: keeps the small
            gradients of half precision from vanishing.

    Returns:
        The direction, one tensor a parameter, summed over processes; and the detached loss of this process.

    Source: module text. Cost: one forward and backward pass if ρ = 0, else two, and two copies of the parameters.
    """
    weights = list(parameters.values())
    of_type("sharpness", sharpness, Sharpness)
    hidden = None if mask is None else _checked(mask, parameters)
    value, first = _differentiate(loss, weights, loss_scale)
    leaks = sharpness.mask_site == "second"
    if sharpness.rho == 0 or sharpness.mixing == 0:
        return (first if sharpness.leaks else _masked(first, hidden)), value
    direction = _masked(first, hidden) if sharpness.mask_perturbation else first
    epsilon = _perturbation(direction, parameters, sharpness)
    with _displaced(weights, epsilon), second_pass():
        _, second = _differentiate(loss, weights, loss_scale)
    if leaks:
        return _mixed(first, _masked(second, hidden), sharpness), value
    return _masked(_mixed(first, second, sharpness), hidden), value


def _checked(mask: Mapping[str, Tensor], parameters: Mapping[str, Tensor]) -> list[Tensor]:
    """The tensors of a mask in the order of the parameters.

    Raises:
        ValueError: if one is missing, or of another shape or type; the message names it.
    """
    of_type("mask", mask, Mapping)
    for name, weight in parameters.items():
        found = mask.get(name)
        if not isinstance(found, Tensor) or found.dtype != torch.bool or found.shape != weight.shape:
            raise ValueError(f"Argument `mask` must have a bool tensor of shape {tuple(weight.shape)} for {name}.")
    return [mask[name] for name in parameters]


def _differentiate(loss: Callable[[], Tensor], weights: list[Tensor], loss_scale: float) -> tuple[Tensor, list[Tensor]]:
    """The loss and its gradient, summed over processes."""
    value = loss()
    grads = list(torch.autograd.grad(value * loss_scale, weights, materialize_grads=True))
    sum_across_ranks_(grads)
    if loss_scale != 1:
        torch._foreach_mul_(grads, 1 / loss_scale)
    return value.detach(), grads


@torch.no_grad()
def _perturbation(grads: list[Tensor], parameters: Mapping[str, Tensor], sharpness: Sharpness) -> list[Tensor]:
    """ε = ρ T² g / ‖T g‖."""
    scales = [
        weight.abs() + sharpness.eta if _is_adaptive(name, sharpness) else None for name, weight in parameters.items()
    ]
    scaled = [g if scale is None else scale * g for g, scale in zip(grads, scales, strict=True)]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(scaled)))
    epsilon = [g.clone() if scale is None else scale.mul_(g) for g, scale in zip(scaled, scales, strict=True)]
    torch._foreach_mul_(epsilon, sharpness.rho / (norm + TINY))
    return epsilon


def _is_adaptive(name: str, sharpness: Sharpness) -> bool:
    """Whether T = |w| + η on a parameter, or 1."""
    return sharpness.adaptive == "all" or (sharpness.adaptive == "weights" and "weight" in name.rsplit(".", 1)[-1])


@contextmanager
def _displaced(weights: list[Tensor], epsilon: list[Tensor]) -> Iterator[None]:
    """Within it the weights are w + ε; afterwards they are w again, to the bit, which w + ε - ε would not be."""
    with torch.no_grad():
        before = [weight.clone() for weight in weights]
        torch._foreach_add_(weights, epsilon)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(weights, before)


def _mixed(first: list[Tensor], second: list[Tensor], sharpness: Sharpness) -> list[Tensor]:
    """g + s λ (g_ε - g)."""
    if sharpness.share == 1:
        return second
    torch._foreach_sub_(second, first)
    torch._foreach_mul_(second, sharpness.share)
    torch._foreach_add_(second, first)
    return second


def _masked(grads: list[Tensor], hidden: list[Tensor] | None) -> list[Tensor]:
    """Zero where the mask is False, whatever stands there (0 times infinity would not be)."""
    if hidden is None:
        return grads
    return [torch.where(seen, g, 0) for g, seen in zip(grads, hidden, strict=True)]
