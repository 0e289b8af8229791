r"""Which noise neurons SAM's perturbation switches off, in closed form, in a network that may have been trained.

ε̂ = τ ∇L/‖∇L‖_F moves ⟨w_jr, ξ_k⟩ by τ (b_jrk ‖ξ_k‖² + Σ_l≠k b_jrl ⟨ξ_l, ξ_k⟩ + b_jr0 ⟨φ, ξ_k⟩)/‖∇L‖_F, with b the
coefficients of the gradient (`simulate.dynamics.step.gradient`). Noise vectors are nearly orthogonal to each other and
to φ, which leaves the first term: an active neuron with j = y_k goes down by

    ψ_k = τ c_k (P - 1) ‖ξ_k‖² / (m ‖∇L‖_F),   c_k = |ω_k ℓ'_k|,

if its sample is descended on, and up if it is ascended on; with j = -y_k it is the other way round. So an own-class
neuron of the retain set is off if and only if 0 < ⟨w_jr, ξ_k⟩ < ψ_k. That is exact for orthogonal vectors. What is
left out has the size √(B/(2d)) of ψ_k for B samples (half of them active) and its sign is random, so that it vanishes
as d grows. For large d, ‖ξ_k‖² = σ_p² d and ‖∇L‖_F = (P - 1) σ_p √d √(Σ c_i² N_i) / m, N_i the active noise neurons of
sample i, so that ψ_k = τ c_k σ_p √d / √(Σ c_i² N_i).

For ReLU^q c_k has σ'(⟨w_jr, ξ_k⟩) as another factor, and the neurons are off by the same rule.

At the initial weights of a ReLU network all c_k are equal and N_i = m, which is the law 2Φ(τ/(σ_0 √(m B))) - 1. In a
trained network ⟨w_jr, ξ_k⟩ is as large as it takes to fit the labels, and the radius that switches its neurons off is
another one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import SGD
from simulate.dynamics.phases import Phase
from simulate.dynamics.plan import compile_phase
from simulate.dynamics.state import State
from simulate.dynamics.step import gradient, network_output, output_slopes, squared_norms
from simulate.house import checks, ties
from simulate.problems.geometry import SIGNS
from simulate.problems.instance import Instance

__all__ = ["NEARLY_ALL", "deactivated_fraction", "deactivation_radius", "own_class", "radius_of", "switching_radii"]

NEARLY_ALL = 0.95
"""The fraction of neurons at whose radius they count as switched off."""


def deactivation_radius(
    instance: Instance, objective: Objective, state: State | None = None, *, fraction: ArrayLike = NEARLY_ALL
) -> Any:
    """The radius of SAM that switches off a fraction of the retain set's own-class noise neurons, in closed form.

    Args:
        instance: The data.
        objective: The loss whose gradient ε̂ follows, over all samples. Random labels are those of a phase "unlearn".
        state: Where the network stands, such as `Result.state`; None is at its initial weights.
        fraction: Fraction or fractions of the active neurons, in (0, 1].

    Returns:
        The least such radius, in the shape of `fraction`; infinite if no radius does it, NaN if no neuron is active.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from simulate import NegGrad, Problem, sam_radius, with_sam_weights
        >>> problem = with_sam_weights(Problem(d=20_000, n=40, m=10, signal=6.0, forget=0.25))
        >>> instance = Instance.draw(problem, seed=0)
        >>> needed = deactivation_radius(instance, NegGrad(alpha=0.75), fraction=[0.5, 0.95])
        >>> (needed / sam_radius(problem)).round(2)  # a half-normal law's median and 95 %, over √m
            array([0.23, 0.63])
    """
    wanted = checks.real_array("fraction", fraction)
    if not ((wanted > 0.0) & (wanted <= 1.0)).all():
        checks.fail("fraction", "lie in (0, 1]", wanted.tolist())
    radii = _looked_at(instance, objective, state)
    retained = own_class(instance) & _in_set(instance, ~instance.forget)
    return radius_of(radii[np.broadcast_to(retained[:, None], radii.shape)], wanted)


def deactivated_fraction(
    instance: Instance, objective: Objective, tau: ArrayLike, state: State | None = None
) -> np.ndarray:
    """The fraction of the active noise neurons that SAM of a radius switches off, in closed form.

    What the simulator measures is `Record(observe=("deactivation",), tau=…)`; it has all inner products.

    Args:
        instance: The data.
        objective: The loss whose gradient ε̂ follows; see `deactivation_radius`.
        tau: Radius or radii τ.
        state: Where the network stands; None is at its initial weights.

    Returns:
        Array (..., 2, 2) after the shape of `tau`: own and opposite class × retain and forget set, as the observable
        has them; NaN where no neuron is active.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from simulate import NegGrad, Problem, sam_radius, with_sam_weights
        >>> problem = with_sam_weights(Problem(d=20_000, n=40, m=10, signal=6.0, forget=0.25))
        >>> found = deactivated_fraction(Instance.draw(problem), NegGrad(alpha=0.75), [0.0, sam_radius(problem)])
        >>> found.shape, found[1].round(2).tolist()  # own class: off on R, on on F
        ((2, 2, 2), [[1.0, 0.0], [0.0, 1.0]])
    """
    radius = checks.real_array("tau", tau)
    if (radius < 0.0).any():
        checks.fail("tau", "not be negative", radius.tolist())
    radii = _looked_at(instance, objective, state)
    own = own_class(instance)
    found = np.full((*radius.shape, 2, 2), np.nan)
    for row, relation in enumerate((own, ~own)):
        for column, part in enumerate((~instance.forget, instance.forget)):
            chosen = np.broadcast_to((relation & _in_set(instance, part))[:, None], radii.shape)
            active = np.sort(radii[chosen & ~np.isnan(radii)])
            if active.size:
                found[..., row, column] = np.searchsorted(active, radius, side="right") / active.size
    return found


def switching_radii(instance: Instance, weight: np.ndarray, target: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The radius from which on each noise neuron is off, in closed form.

    Args:
        instance: The data.
        weight: Signed weights of the samples whose gradient ε̂ follows, (n,).
        target: Labels ±1 their losses use, (n,).
        z: Pre-activations (2, m, 1 + n patches).

    Returns:
        Array (2, m, n patches): infinite for neurons that no radius switches off, NaN for those that are off already.
    """
    b = gradient(instance, z, output_slopes(weight, target, network_output(instance, z)))
    norm = np.sqrt(squared_norms(b, instance.geometry.gram).sum())
    noise, falls = z[..., 1:], -b[..., 1:] * instance.geometry.squared_norms[1:]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        radii = np.where(falls > 0.0, noise * norm / falls, np.inf)
    return np.where(noise > 0.0, radii, np.nan)


def radius_of(radii: np.ndarray, fraction: np.ndarray) -> Any:
    """The least radius at which a fraction of neurons is off; of those that are active, (N,)."""
    active = np.sort(radii[~np.isnan(radii)])
    if not active.size:
        return np.full(fraction.shape, np.nan)[()]
    places = [ties.rounded_up(float(share) * active.size) - 1 for share in fraction.ravel()]
    return active[np.array(places, dtype=int).reshape(fraction.shape)][()]


def own_class(instance: Instance) -> np.ndarray:
    """Whether the filters of a sign are of a noise vector's own class, by the observed label; (2, n patches)."""
    return np.repeat(SIGNS[:, None] == instance.y, instance.patches, axis=1)


def _in_set(instance: Instance, part: np.ndarray) -> np.ndarray:
    """Samples as noise vectors, (n patches,)."""
    return np.repeat(part, instance.patches)


def _looked_at(instance: Instance, objective: Objective, state: State | None) -> np.ndarray:
    """Radii of all noise neurons when a phase of unlearning begins."""
    if not isinstance(instance, Instance):
        checks.fail("instance", "be an Instance", instance)
    if instance.activation.leak:
        raise ValueError(f"Argument `instance` must not have {instance.activation}, whose neurons are never off.")
    if not isinstance(objective, Objective):
        checks.fail("objective", "be an objective such as Loss()", objective)
    if not isinstance(state, State | None):
        checks.fail("state", "be a State or None", state)
    z = instance.geometry.start if state is None else state.preactivations
    checks.shape("state", z, instance.geometry.start.shape)
    plan = compile_phase(Phase("unlearn", objective, SGD(), steps=0), instance)
    return switching_radii(instance, plan.full_weight, plan.target, z)
