r"""One training step in coefficient space, as a student reads it.

All arrays of one trajectory: pre-activations z_jrk = ⟨w_jr, s_k⟩ and coefficients c_jrk are (2, m, 1 + n patches)
with s_0 = φ and s_1, s_2, … the noise vectors; what belongs to samples is (n,). The same step is written as loops
in `simulate.dynamics.kernels`; tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulate.dynamics.updates import Descent, Update
from simulate.problems.geometry import SIGNS
from simulate.problems.instance import Instance

__all__ = [
    "damping",
    "descend",
    "direction",
    "forget_saliency",
    "gradient",
    "logistic_loss",
    "network_output",
    "output_slopes",
    "perturbation",
    "squared_norms",
]

_SECOND_LAYER = SIGNS[:, None, None]


def network_output(instance: Instance, z: np.ndarray) -> np.ndarray:
    """The network's output on every training sample.

    f_i = (1/m) Σ_jr j [σ(ŷ_i ⟨w_jr, φ⟩) + Σ_p σ(⟨w_jr, ξ_ip⟩)].

    Args:
        instance: The instance.
        z: Pre-activations (2, m, 1 + n patches).

    Returns:
        Array (n,).
    """
    sigma = instance.activation.value
    signal = sigma(z[..., :1] * instance.y_true)
    noise = sigma(z[..., 1:]).reshape(2, instance.m, instance.n, instance.patches).sum(axis=-1)
    return (_SECOND_LAYER * (signal + instance.multiplicity * noise)).sum(axis=(0, 1)) / instance.m


def logistic_loss(margin: np.ndarray) -> np.ndarray:
    """log(1 + exp(-margin)), without overflow, elementwise; NaN stays NaN."""
    with np.errstate(invalid="ignore"):
        return np.logaddexp(0.0, -margin)


def output_slopes(weight: np.ndarray, target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """∂L/∂f_i = ω_i t_i ℓ'(t_i f_i) with ℓ'(x) = -1/(1 + exp(x)), all (n,)."""
    with np.errstate(over="ignore"):
        return -weight * target / (1.0 + np.exp(target * output))


def damping(bound: float, reference: np.ndarray | None, target: np.ndarray, output: np.ndarray) -> np.ndarray | float:
    """What the slopes of negative preference are multiplied by: 2 (p/p₀)^β / (1 + (p/p₀)^β), and 1 outside of F.

    Args:
        bound: β; 0 damps nothing.
        reference: log p₀ of the forget set's labels, (n,), NaN for other samples; None where nothing is damped.
        target: Labels the loss uses, (n,).
        output: The network's output, (n,).
    """
    if reference is None:
        return 1.0
    with np.errstate(over="ignore"):
        damped = 2.0 / (1.0 + np.exp(bound * (logistic_loss(target * output) + reference)))
    return np.where(np.isnan(reference), 1.0, damped)


def gradient(instance: Instance, z: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Coefficients of the gradient of a weighted loss: ∂L/∂w_jr = Σ_k b_jrk s_k.

    b_jr0 = (j/m) Σ_i ∂L/∂f_i ŷ_i σ'(ŷ_i ⟨w_jr, φ⟩) and b_jrk = (j/m) (multiplicity) ∂L/∂f_i σ'(⟨w_jr, s_k⟩) for the
    noise vector k of sample i.

    Args:
        instance: The instance.
        z: Pre-activations (2, m, 1 + n patches).
        slopes: ∂L/∂f_i, (n,).

    Returns:
        Array b (2, m, 1 + n patches).
    """
    slope = instance.activation.slope
    facing = slope(z[..., :1] * instance.y_true)
    b = np.empty_like(z)
    b[..., 0] = (facing * slopes * instance.y_true).sum(axis=-1)
    b[..., 1:] = instance.multiplicity * np.repeat(slopes, instance.patches) * slope(z[..., 1:])
    return b * _SECOND_LAYER / instance.m


def squared_norms(b: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """‖Σ_k b_jrk s_k‖² of every filter, (2, m)."""
    return np.maximum(np.sum(b * (b @ gram), axis=-1), 0.0)


def perturbation(b: np.ndarray, gram: np.ndarray, tau: float) -> np.ndarray:
    """Coefficients of SAM's ε̂ = τ ∇L/‖∇L‖_F, the norm over all filters; zero where the gradient is.

    Args:
        b: Coefficients of the gradient, (2, m, 1 + n patches).
        gram: Gram matrix (1 + n patches, 1 + n patches).
        tau: Radius τ.

    Returns:
        Array (2, m, 1 + n patches).
    """
    norm = np.sqrt(squared_norms(b, gram).sum())
    return tau / norm * b if norm > 0 else 0.0 * b


def direction(
    instance: Instance,
    c: np.ndarray,
    share: np.ndarray,
    update: Update,
    target: np.ndarray,
    present: np.ndarray,
    damped: Callable[[np.ndarray], np.ndarray | float],
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Coefficients of the direction ĝ of an update.

    Args:
        instance: The instance.
        c: Coefficients (2, m, 1 + n patches).
        share: How much of each initial filter is left, (2, m).
        update: The update.
        target: Labels the loss uses, (n,).
        present: Samples of this step's batch, (n,) of bool.
        damped: What slopes at some outputs (n,) are multiplied by.

    Returns:
        The coefficients (2, m, 1 + n patches), and the pre-activations at which gradients were taken.
    """
    geometry = instance.geometry
    weight = update.weight * present
    z = geometry.preactivations(c, share)
    output = network_output(instance, z)
    slopes = output_slopes(weight, target, output) * damped(output)
    step = gradient(instance, z, slopes)
    visited = [z]
    if not update.is_plain:
        felt = gradient(instance, z, slopes * update.perturbed)
        ahead = perturbation(felt, geometry.gram, update.tau) if update.normalised else update.tau * felt
        z_perturbed = geometry.preactivations(c + ahead, share)
        output = network_output(instance, z_perturbed)
        slopes_perturbed = output_slopes(weight * update.perturbed, target, output) * damped(output)
        step = step + update.mixing * (gradient(instance, z_perturbed, slopes_perturbed) - felt)
        visited.append(z_perturbed)
    return step, visited


def descend(
    descent: Descent, lr: float, norm: float, places: Mapping[str, np.ndarray], moves: Mapping[str, np.ndarray],
    directions: Mapping[str, np.ndarray], velocities: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:  # fmt: skip
    """Move along a direction; the same recursion for coefficients, for shares of initial weights, and for weights.

    Args:
        descent: How the direction becomes a move.
        lr: Step size η of this step.
        norm: ‖ĝ‖ over what moves.
        places: What moves, by name.
        moves: Which entries of each do, arrays that broadcast.
        directions: ĝ of each.
        velocities: v of each; updated.

    Returns:
        The new places.
    """
    scale = min(1.0, descent.clip / norm) if norm > 0 else 1.0
    after = {}
    for name, place in places.items():
        d = scale * directions[name] + descent.weight_decay * place
        velocities[name] = np.where(moves[name], descent.momentum * velocities[name] + d, velocities[name])
        step = d + descent.momentum * velocities[name] if descent.nesterov else velocities[name]
        after[name] = place - lr * np.where(moves[name], step, 0.0)
    return after


def forget_saliency(instance: Instance, z: np.ndarray) -> np.ndarray:
    """‖∂L(F)/∂w_jr‖ of the mean loss over the forget set: how much each filter matters to it, (2, m)."""
    weight = instance.forget / instance.forget.sum()
    b = gradient(instance, z, output_slopes(weight, instance.y, network_output(instance, z)))
    return np.sqrt(squared_norms(b, instance.geometry.gram))
