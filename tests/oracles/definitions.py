"""The model, its losses and their derivatives, written out in R^d."""

from dataclasses import dataclass, replace

import numpy as np

from simulate import Instance, Loss, NegGrad, Phase, RandomLabel

SIGNS = np.array([1, -1])
"""Signs of the two layers."""


def outputs(instance: Instance, w: np.ndarray) -> np.ndarray:
    """f of every sample at the weights w (2, m, D)."""
    signal = np.maximum(instance.y_true * (w @ instance.phi)[..., None], 0)
    noise = np.maximum(np.einsum("jrd,npd->jrnp", w, instance.xi), 0).sum(axis=-1)
    return np.einsum("j,jrn->n", SIGNS, signal + instance.multiplicity * noise) / w.shape[1]


def output_gradients(instance: Instance, w: np.ndarray) -> np.ndarray:
    """∇f of every sample, (n, 2mD)."""
    on_signal = instance.y_true * (w @ instance.phi)[..., None] > 0
    on_noise = np.einsum("jrd,npd->jrnp", w, instance.xi) > 0
    gradients = np.einsum("jrn,n,d->njrd", on_signal, instance.y_true, instance.phi)
    gradients = gradients + instance.multiplicity * np.einsum("jrnp,npd->njrd", on_noise, instance.xi)
    return (SIGNS[:, None, None] * gradients).reshape(instance.n, -1) / w.shape[1]


@dataclass(frozen=True)
class WeightedLoss:
    """Σ ω_i log(1 + exp(-t_i f_i)) with its derivatives."""

    instance: Instance
    weight: np.ndarray
    label: np.ndarray

    def __call__(self, w: np.ndarray) -> float:
        """The loss at the weights w (2, m, D)."""
        return float(self.weight @ np.log1p(np.exp(-self.label * outputs(self.instance, w))))

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """∇L, (2, m, D)."""
        slope = -self.label / (1 + np.exp(self.label * outputs(self.instance, w)))
        return ((self.weight * slope) @ output_gradients(self.instance, w)).reshape(w.shape)

    def perturbation(self, w: np.ndarray, radius: float) -> np.ndarray:
        """ε̂ = τ ∇L / ‖∇L‖, (2, m, D)."""
        gradient = self.gradient(w)
        return radius * gradient / np.linalg.norm(gradient)

    def hessian(self, w: np.ndarray) -> np.ndarray:
        """∇²L away from kinks, (2mD, 2mD), for signs t_i = ±1."""
        sigmoid = 1 / (1 + np.exp(-outputs(self.instance, w)))
        gradients = output_gradients(self.instance, w)
        return (gradients.T * (self.weight * sigmoid * (1 - sigmoid))) @ gradients

    def on(self, part: np.ndarray) -> "WeightedLoss":
        """The same loss of some samples only."""
        return replace(self, weight=self.weight * part)


def mean_over(part: np.ndarray) -> np.ndarray:
    """Weights of the mean over some samples."""
    return part / part.sum()


def objective_of(phase: Phase, instance: Instance) -> WeightedLoss:
    """The objective of a phase over all its samples; random labels are all flipped."""
    forget = instance.forget
    match phase.objective:
        case Loss(on=on):
            part = {"all": np.ones(instance.n), "retain": ~forget, "forget": forget}[on]
            return WeightedLoss(instance, mean_over(part), instance.y)
        case NegGrad(alpha=alpha, reduction="mean"):
            weight = alpha * mean_over(~forget) - (1 - alpha) * mean_over(forget)
        case NegGrad(alpha=alpha, reduction="sum"):
            weight = alpha * ~forget - (1 - alpha) * forget
        case RandomLabel(flip=1.0):
            return WeightedLoss(instance, mean_over(np.ones(instance.n)), np.where(forget, -instance.y, instance.y))
    return WeightedLoss(instance, weight, instance.y)


def losses_of(phase: Phase, instance: Instance) -> list[WeightedLoss]:
    """The four losses of a trace: the phase's objective, and the means over all, retained and forgotten samples."""
    parts = (np.ones(instance.n), ~instance.forget, instance.forget)
    return [
        objective_of(phase, instance),
        *(WeightedLoss(instance, mean_over(part), instance.y) for part in parts),
    ]
