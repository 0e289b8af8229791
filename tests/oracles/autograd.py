"""The definitions once more, in plain PyTorch: every patch written out, and no gradient derived by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from simulate import SAM, SGD, GradientDifference, Instance, Loss, NegGrad, Phase, SharpMinMax
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer
from simulate.dynamics.plan import compile_phase
from simulate.problems.activations import RELU, Activation

torch = pytest.importorskip("torch", reason="the autograd oracle needs PyTorch")
torch.set_num_threads(1)  # tensors are so small that threads would only wait for each other

Scalar = Callable[[Any], Any]
"""A part of an objective, as a function of the weights; all tensors are float64."""


def train(instance: Instance, phases: Sequence[Phase]) -> list[np.ndarray]:
    """Weights (2, m, D) after each phase; stopping rules are not looked at."""
    weights, after = torch.from_numpy(instance.w0.copy()), []
    for phase in phases:
        weights = train_phase(weights, phase, instance)
        after.append(weights.numpy())
    return after


def train_phase(weights, phase: Phase, instance: Instance):
    plan = compile_phase(phase, instance)  # draws the random labels and the minibatches
    patches, forget = patches_of(instance), torch.from_numpy(instance.forget)
    target = torch.from_numpy(plan.target.astype(float))

    def loss_of_each(weights):
        return -torch.nn.functional.logsigmoid(target * network(weights, patches, instance.activation))

    part = None
    if isinstance(phase.optimizer, SharpMinMax):
        part = forget_part(gradient(lambda w: loss_of_each(w)[forget].mean(), weights), phase.optimizer)
    for seen in torch.from_numpy(plan.batches.present(0, phase.steps)).expand(phase.steps, -1):

        def both(weights, seen=seen):
            return terms(phase.objective, loss_of_each(weights), seen, forget)

        weights = step(
            weights, lambda w: sum(both(w)), lambda w: both(w)[0], lambda w: both(w)[1], phase.optimizer, part
        )
    return weights


def patches_of(instance: Instance):
    """All patches of all samples, (n, P, D): the signal, then each noise vector as often as it repeats."""
    signal = instance.y_true[:, None, None] * instance.phi
    noise = np.repeat(instance.xi, instance.multiplicity, axis=1)
    return torch.from_numpy(np.concatenate([signal, noise], axis=1))


def activated(x, activation: Activation):
    """σ of each entry, as torch has it."""
    if activation.leak:
        return torch.nn.functional.leaky_relu(x, activation.leak)
    return torch.relu(x) if activation.power == 1 else torch.relu(x) ** activation.power


def network(weights, patches, activation: Activation = RELU):
    """f of every sample, (n,): each sign's filters averaged, the patches summed."""
    positive, negative = (activated(patches @ filters.T, activation).sum(dim=1).mean(dim=1) for filters in weights)
    return positive - negative


def terms(objective: Objective, losses, seen, forget):
    """The terms of the retain and of the forget samples; their sum is what is descended."""
    if isinstance(objective, GradientDifference):
        return losses[seen & ~forget].mean(), -objective.weight * losses[seen & forget].mean()
    if isinstance(objective, NegGrad):
        total = torch.mean if objective.reduction == "mean" else torch.sum
        retain_loss, forget_loss = total(losses[seen & ~forget]), total(losses[seen & forget])
        return objective.alpha * retain_loss, -(1 - objective.alpha) * forget_loss
    if isinstance(objective, Loss) and objective.on != "all":
        seen = seen & (forget if objective.on == "forget" else ~forget)
    return losses[seen & ~forget].sum() / seen.sum(), losses[seen & forget].sum() / seen.sum()


def step(weights, whole: Scalar, retain: Scalar, forget: Scalar, optimizer: Optimizer, part):
    """One step on the whole objective, or on its retain and then its forget term."""
    if isinstance(optimizer, SGD):
        return weights - optimizer.lr * gradient(whole, weights)
    if isinstance(optimizer, SAM):
        perturbed = {"joint": whole, "retain": retain, "forget": forget}[optimizer.on]
        tau, sharpness = optimizer.tau, optimizer.sharpness
        return weights - optimizer.lr * direction(weights, whole, perturbed, optimizer, tau, sharpness)
    tau = optimizer.tau
    weights = weights - optimizer.lr * (1 - part) * direction(weights, retain, retain, optimizer, tau, "min")
    tau = tau if optimizer.tau_forget is None else optimizer.tau_forget
    return weights - optimizer.lr * part * direction(weights, forget, forget, optimizer, tau, "max")


def direction(weights, whole: Scalar, perturbed: Scalar, optimizer, tau: float, sharpness: str):
    """The gradient at W, its perturbed terms moved towards (min) or away from (max) their value at W + ε."""
    here = gradient(perturbed, weights)
    scale = weights if optimizer.adaptive else torch.ones_like(weights)
    norm = (scale * here).norm()
    shift = tau * scale**2 * here / norm if norm > 0 else torch.zeros_like(weights)
    sign = {"min": 1, "max": -1}[sharpness]
    whole_here = here if whole is perturbed else gradient(whole, weights)
    return whole_here + sign * optimizer.mixing * (gradient(perturbed, weights + shift) - here)


def forget_part(forget_gradient, optimizer: SharpMinMax):
    """Which weights are of the forget part, (2, m, 1) or (2, m, D) of 1 and 0; of equals the first ones are."""
    by_filter = optimizer.partition == "filter"
    sizes = forget_gradient.norm(dim=-1, keepdim=True) if by_filter else forget_gradient.abs()
    order = torch.argsort(sizes.flatten(), descending=optimizer.polarity == "top", stable=True)
    part = torch.zeros(sizes.numel(), dtype=torch.float64)
    part[order[: round(optimizer.fraction * sizes.numel())]] = 1.0
    return part.reshape(sizes.shape)


def gradient(function: Scalar, weights):
    weights = weights.detach().requires_grad_()
    (derivative,) = torch.autograd.grad(function(weights), weights)
    return derivative
