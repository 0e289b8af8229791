r"""What can be read off a trajectory: each observable turns a snapshot into labelled arrays.

Every quantity follows from the coefficients c and the pre-activations z of `simulate.problems.geometry`. Four losses
appear along the dimension "part": the phase's own objective, and the mean loss over all training samples, over the
retain set and over the forget set (observed labels). Quantities of an empty set are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from simulate.dynamics.curvature import largest_eigenvalue, output_kernel
from simulate.dynamics.deactivation import NEARLY_ALL, own_class, radius_of, switching_radii
from simulate.dynamics.plan import Plan
from simulate.dynamics.step import gradient, logistic_loss, network_output, output_slopes, perturbation, squared_norms
from simulate.problems.activations import Activation
from simulate.problems.instance import Instance
from simulate.test_error.generalize import TestError

__all__ = ["NEEDS_RADIUS", "OBSERVABLES", "PARTS", "RELATIONS", "SETS", "Snapshot", "refuse_observables"]

SETS = ("retain", "forget")
"""Coordinates of the dimension "set"."""
RELATIONS = ("own", "opposite")
"""Coordinates of the dimension "relation": filters whose sign j is the sample's observed label, or is not."""
PARTS = ("objective", "train", "retain", "forget")
"""Coordinates of the dimension "part"."""

Variables = Mapping[str, tuple[tuple[str, ...], object]]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One moment of one trajectory.

    Attributes:
        instance: The data.
        plan: The phase.
        c: Coefficients (2, m, 1 + n patches).
        z: Pre-activations, same shape.
        tau: Radius for deactivation and sharpness.
        test_error: Computes the test error when it is asked for.
    """

    instance: Instance
    plan: Plan
    c: np.ndarray
    z: np.ndarray
    tau: float
    test_error: Callable[[], TestError]

    @cached_property
    def output(self) -> np.ndarray:
        """Network output on the training samples, (n,)."""
        return network_output(self.instance, self.z)

    def parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Signed sample weights and labels of each loss in PARTS."""
        instance = self.instance
        sets = (np.ones(instance.n), ~instance.forget, instance.forget)
        means = [np.divide(mask, mask.sum(), where=mask.any(), out=np.full(instance.n, np.nan)) for mask in sets]
        return [(self.plan.full_weight, self.plan.target), *((weight, instance.y) for weight in means)]

    def gradient_of(self, weight: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Coefficients of the gradient of one weighted loss, (2, m, 1 + n patches)."""
        return gradient(self.instance, self.z, output_slopes(weight, target, self.output))


def coefficients(snapshot: Snapshot) -> Variables:
    """Means and extremes of κ over filters, and of ζ by relation (own or opposite class) and set."""
    instance = snapshot.instance
    kappa = instance.geometry.kappa(snapshot.c)
    zeta = instance.geometry.zeta(snapshot.c, instance.multiplicity)
    variables: Variables = {f"kappa_{name}": (("sign",), reduce(kappa, axis=1)) for name, reduce in _SUMMARIES.items()}
    groups = [[zeta[mask] for mask in row] for row in _masks(instance)]
    for name, reduce in _SUMMARIES.items():
        table = np.array([[reduce(values) for values in row] for row in groups])
        variables = {**variables, f"zeta_{name}": (("relation", "set"), table)}
    return variables


def coefficients_full(snapshot: Snapshot) -> Variables:
    """Every κ and ζ."""
    instance = snapshot.instance
    zeta = instance.geometry.zeta(snapshot.c, instance.multiplicity)
    return {
        "kappa": (("sign", "filter"), instance.geometry.kappa(snapshot.c)),
        "zeta": (("sign", "filter", "sample", "patch"), zeta.reshape(2, instance.m, instance.n, instance.patches)),
    }


def loss(snapshot: Snapshot) -> Variables:
    """Weighted sums of the logistic loss."""
    values = [weight @ logistic_loss(target * snapshot.output) for weight, target in snapshot.parts()]
    return {"loss": (("part",), values)}


def accuracy(snapshot: Snapshot) -> Variables:
    """Fraction of each set on the right side of its observed labels."""
    right = snapshot.instance.y * snapshot.output > 0
    forget = snapshot.instance.forget
    return {"accuracy": (("set",), [_mean(right[~forget]), _mean(right[forget])])}


def test_error(snapshot: Snapshot) -> Variables:
    """Test error, its standard error and effective sample size."""
    test = snapshot.test_error()
    return {
        "test_error": ((), test.error),
        "test_error_se": ((), test.standard_error),
        "test_error_ess": ((), test.effective_sample_size),
    }


def deactivation(snapshot: Snapshot) -> Variables:
    """Fraction of the active noise neurons that ε̂ = τ ∇L/‖∇L‖ of the phase's objective switches off.

    A neuron (j, r, k) is active when ⟨w_jr, ξ_k⟩ > 0, and switched off when ⟨w_jr + ε̂_jr, ξ_k⟩ ≤ 0. If the
    optimizer perturbs one set only, ε̂ follows that set's terms.
    """
    off = _switched_off(snapshot, snapshot.tau)
    active = snapshot.z[..., 1:] > 0
    return {"deactivated": (("relation", "set"), _table(snapshot.instance, lambda mask: _mean(off[mask & active])))}


def deactivation_radius(snapshot: Snapshot) -> Variables:
    """What the closed form says of `deactivation`, and what it is at the radius that the network asks for.

    See `simulate.dynamics.deactivation`: the fraction predicted at the radius τ, the radius at which 95 % of the retain
    set's own-class neurons are off by the closed form, and the fractions that are off there.
    """
    instance, plan = snapshot.instance, snapshot.plan
    radii = switching_radii(instance, plan.full_weight * _felt(plan), plan.target, snapshot.z)
    active = snapshot.z[..., 1:] > 0
    retained = (own_class(instance) & np.repeat(~instance.forget, instance.patches))[:, None]
    asked = radius_of(radii[np.broadcast_to(retained, radii.shape)], np.array(NEARLY_ALL))
    predicted = _table(instance, lambda mask: _mean(radii[mask & active] <= snapshot.tau))
    there = np.full((2, 2), np.nan)
    if np.isfinite(asked):
        off = _switched_off(snapshot, float(asked))
        there = _table(instance, lambda mask: _mean(off[mask & active]))
    return {
        "deactivated_predicted": (("relation", "set"), predicted),
        "radius_asked": ((), asked),
        "deactivated_at_radius": (("relation", "set"), there),
    }


def _felt(plan: Plan) -> Any:
    """Samples whose terms ε̂ follows, (n,) of bool, or True for all."""
    return plan.updates[0].perturbed if len(plan.updates) == 1 else True


def _switched_off(snapshot: Snapshot, tau: float) -> np.ndarray:
    """Noise neurons that are not active after ε̂ of a radius, (2, m, n patches) of bool."""
    plan, gram = snapshot.plan, snapshot.instance.geometry.gram
    b = snapshot.gradient_of(plan.full_weight * _felt(plan), plan.target)
    return np.asarray((snapshot.z + perturbation(b, gram, tau) @ gram)[..., 1:] <= 0)


def gradient_norm(snapshot: Snapshot) -> Variables:
    """‖∇L‖_F of each loss."""
    gram = snapshot.instance.geometry.gram
    norms = [np.sqrt(squared_norms(snapshot.gradient_of(*part), gram).sum()) for part in snapshot.parts()]
    return {"gradient_norm": (("part",), norms)}


def sharpness(snapshot: Snapshot) -> Variables:
    """L(W + τ ∇L/‖∇L‖) - L(W) of each loss: the sharpness SAM sees."""
    instance, values = snapshot.instance, []
    for weight, target in snapshot.parts():
        gram = instance.geometry.gram
        shift = perturbation(snapshot.gradient_of(weight, target), gram, snapshot.tau) @ gram
        outputs = network_output(instance, snapshot.z + shift), snapshot.output
        values.append(weight @ (logistic_loss(target * outputs[0]) - logistic_loss(target * outputs[1])))
    return {"sharpness": (("part",), values)}


def hessian(snapshot: Snapshot) -> Variables:
    """Largest eigenvalue of the Hessian of each loss (ReLU and leaky ReLU have no curvature off their kinks)."""
    kernel = output_kernel(snapshot.instance, snapshot.z)
    values = []
    for weight, target in snapshot.parts():
        slope = output_slopes(np.ones_like(weight), target, snapshot.output)
        values.append(largest_eigenvalue(kernel, weight * np.abs(slope) * (1.0 - np.abs(slope))))
    return {"hessian_eigenvalue": (("part",), values)}


OBSERVABLES: dict[str, Callable[[Snapshot], Variables]] = {
    observable.__name__: observable
    for observable in (
        coefficients, coefficients_full, loss, accuracy, test_error, deactivation, deactivation_radius, gradient_norm,
        sharpness, hessian,
    )
}  # fmt: skip
"""Every observable, by the name `Record.observe` uses."""

NEEDS_RADIUS = ("deactivation", "deactivation_radius", "sharpness")
"""Those that are taken at a radius τ."""


def refuse_observables(observe: Collection[str], sigma: Activation) -> None:
    """Refuse what has no meaning for an activation.

    Args:
        observe: Names of observables.
        sigma: The activation.

    Raises:
        ValueError: naming the observable.
    """
    for word in observe:
        if sigma.leak and word.startswith("deactivation"):
            raise ValueError(f'Argument `observe` must not hold "{word}" for {sigma}, whose neurons are never off.')
        if sigma.power > 1 and word == "hessian":
            raise ValueError(f'Argument `observe` must not hold "{word}" for {sigma}, which is curved itself.')


def _or_nan(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """The reduction, but NaN for what has no elements."""
    return lambda values, axis=None: reduce(values, axis=axis) if values.size else np.nan


_mean = _or_nan(np.mean)
_SUMMARIES = {"mean": _mean, "max": _or_nan(np.max), "min": _or_nan(np.min)}


def _table(instance: Instance, summary: Callable[[np.ndarray], Any]) -> np.ndarray:
    """A summary of the noise neurons by relation and set."""
    return np.array([[summary(mask) for mask in row] for row in _masks(instance)])


def _masks(instance: Instance) -> list[list[np.ndarray]]:
    """The noise neurons of each relation and set, (2, m, n patches) of bool."""
    own = own_class(instance)
    forgotten = np.repeat(instance.forget, instance.patches)
    shape = (2, instance.m, instance.n * instance.patches)
    cells = [[relation & chosen for chosen in (~forgotten, forgotten)] for relation in (own, ~own)]
    return [[np.broadcast_to(cell[:, None], shape) for cell in row] for row in cells]
