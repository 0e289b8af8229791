"""What every engine executes: moves of the weights, and how a direction becomes one.

Objectives and optimizers say what they do in these words; the engines know nothing of either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Descent", "Partition", "Update"]


@dataclass(frozen=True, eq=False)
class Update:
    """One move of the weights: W ← W - η ĝ on the chosen filters.

    ĝ = g + mixing (g_ε - g), where g = Σ_i ω_i ∇ℓ_i(W) over the batch and g_ε differs from g in the perturbed
    samples, whose gradients are taken at W + ε̂; ε̂ = τ g'/‖g'‖ with g' the perturbed samples' part of g.

    Attributes:
        weight: Signed weights ω_i of the samples' losses, (n,).
        perturbed: Samples that define ε̂ and feel it, (n,) of bool.
        lr: Step size η.
        tau: Radius τ; 0 leaves ĝ = g.
        mixing: s λ of `simulate.dynamics.optimizers.SAM`: 1 for SAM, negative to maximise sharpness.
        adaptive: Whether ε̂ is ASAM's.
        part: Which part of a partitioned network moves: "all", "retain" or "forget".
        normalised: Whether ε̂ has the length τ; otherwise it is τ g'.
        gathers: Whether ĝ waits to be added to that of the next update, and nothing moves yet.
    """

    weight: np.ndarray
    perturbed: np.ndarray
    lr: float
    tau: float = 0.0
    mixing: float = 0.0
    adaptive: bool = False
    part: str = "all"
    normalised: bool = True
    gathers: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the perturbation plays no role, as in SGD."""
        return self.tau == 0.0 or self.mixing == 0.0


@dataclass(frozen=True)
class Descent:
    """How the direction ĝ of an update becomes a move, in PyTorch's order: clip, decay, momentum, step.

    d = ĝ min(1, clip/‖ĝ‖) + λ W, v ← μ v + d, and W ← W - η v, or W - η (d + μ v) with Nesterov's momentum; the norm is
    over the filters that move, and v = 0 when a phase begins.
    """

    momentum: float = 0.0
    """μ."""
    nesterov: bool = False
    """Whether Nesterov's momentum is used."""
    weight_decay: float = 0.0
    """λ."""
    clip: float = np.inf
    """Largest norm of a direction."""

    @property
    def is_plain(self) -> bool:
        """Whether W ← W - η ĝ is all there is."""
        return self == Descent()


@dataclass(frozen=True)
class Partition:
    """How the network is split when a phase begins."""

    fraction: float
    """Fraction in the forget part."""
    largest: bool
    """Whether the forget part holds the largest forget gradients."""
    by_coordinate: bool
    """Whether single coordinates are ranked instead of filters."""
