"""Momentum, decay, clipping and schedules as PyTorch has them: its own optimizers, one parameter a filter."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from simulate import SAM, BoundedNegGrad, Instance, Phase, SharpMinMax
from simulate.dynamics.optimizers import Optimizer
from simulate.dynamics.plan import compile_phase
from tests.oracles import autograd

torch = pytest.importorskip("torch", reason="the oracle needs PyTorch")


def train(instance: Instance, phases: list[Phase] | tuple[Phase, ...]) -> np.ndarray:
    """Weights (2, m, D) after all phases; stopping rules are not looked at."""
    filters = [torch.nn.Parameter(torch.from_numpy(w.copy())) for w in instance.w0.reshape(2 * instance.m, -1)]
    for phase in phases:
        _train_phase(filters, phase, instance)
    return torch.stack(filters).detach().numpy().reshape(instance.w0.shape)


def _train_phase(filters: list, phase: Phase, instance: Instance) -> None:
    plan, chosen = compile_phase(phase, instance), phase.optimizer  # draws minibatches and labels
    patches, forget = autograd.patches_of(instance), torch.from_numpy(instance.forget)
    target = torch.from_numpy(plan.target.astype(float))
    seen = torch.from_numpy(plan.batches.present(0, phase.steps)).expand(phase.steps, -1)
    turned = torch.from_numpy(plan.turns.turned(0, phase.steps)).expand(phase.steps, -1)
    parts = [filters]
    if isinstance(chosen, SharpMinMax):
        whole = torch.stack(filters).detach().reshape(2, instance.m, -1)

        def of_forget(w):
            return -torch.nn.functional.logsigmoid(target * autograd.network(w, patches, instance.activation))[
                forget
            ].mean()

        marks = autograd.forget_part(autograd.gradient(of_forget, whole), chosen).flatten() > 0
        parts = [[w for w, mark in zip(filters, marks, strict=True) if bool(mark) is side] for side in (False, True)]
    machines = [_machine(part, chosen) for part in parts]
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, lambda step: _rate(chosen, step, phase.steps)) for one in machines
    ]
    whole = torch.stack(filters).detach().reshape(2, instance.m, -1)
    before = -torch.nn.functional.logsigmoid(target * autograd.network(whole, patches, instance.activation))
    for now, turns in zip(seen, turned, strict=True):
        labels = torch.where(turns, -target, target)

        def terms(group=None, now=now, labels=labels, before=before):
            w = torch.stack(filters).reshape(2, instance.m, -1)
            losses = -torch.nn.functional.logsigmoid(labels * autograd.network(w, patches, instance.activation))
            if isinstance(phase.objective, BoundedNegGrad):
                beta = phase.objective.beta  # (2/β) log(1 + (p/p₀)^β), descended: less of it is ascent
                preference = 2.0 / beta * torch.nn.functional.softplus(beta * (before - losses))
                losses = torch.where(forget, -preference, losses)
            return autograd.terms(phase.objective, losses if group is None else losses * group, now, forget)

        if isinstance(chosen, SharpMinMax):
            _moved(machines[0], filters, parts[0], lambda: terms()[0], chosen, chosen.tau, 1)
            tau = chosen.tau if chosen.tau_forget is None else chosen.tau_forget
            _moved(machines[1], filters, parts[1], lambda: terms()[1], chosen, tau, -1)
        elif isinstance(chosen, SAM):
            total = [torch.zeros_like(w) for w in filters]
            for number in range(chosen.micro_batches):
                group = (torch.arange(len(target)) % chosen.micro_batches == number).double()
                found = _sharp(filters, lambda group=group: sum(terms(group)), chosen, chosen.tau, 1)
                total = [a + b for a, b in zip(total, found, strict=True)]
            _step(machines[0], filters, total, chosen)
        else:
            _step(machines[0], filters, _gradients(filters, lambda: sum(terms())), chosen)
        for schedule in schedules:
            schedule.step()


def _machine(part: list, chosen: Optimizer):
    return torch.optim.SGD(
        part, lr=chosen.lr, momentum=chosen.momentum, nesterov=chosen.nesterov, weight_decay=chosen.weight_decay
    )


def _rate(chosen: Optimizer, step: int, steps: int) -> float:
    """The schedule, written out once more."""
    warm = chosen.warmup * steps
    if step < warm:
        return (step + 1) / (warm + 1)
    if chosen.schedule == "cosine":
        return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / (steps - warm))
    if chosen.schedule == "steps":
        return 1.0 if 2 * step < steps else 0.1 if 4 * step < 3 * steps else 0.01
    return 1.0


def _gradients(filters: list, loss: Callable) -> list:
    return [g.detach().clone() for g in torch.autograd.grad(loss(), filters)]


def _sharp(filters: list, loss: Callable, chosen, tau: float, sign: int) -> list:
    """The direction of SAM, from gradients at W and at W + ε."""
    here = _gradients(filters, loss)
    norm = torch.stack(here).norm() if getattr(chosen, "normalised", True) else torch.ones(())
    with torch.no_grad():
        for w, g in zip(filters, here, strict=True):
            w += tau * g / norm if norm > 0 else 0 * g
    there = _gradients(filters, loss)
    with torch.no_grad():
        for w, g in zip(filters, here, strict=True):
            w -= tau * g / norm if norm > 0 else 0 * g
    return [a + sign * chosen.mixing * (b - a) for a, b in zip(here, there, strict=True)]


def _moved(machine, filters: list, part: list, loss: Callable, chosen, tau: float, sign: int) -> None:
    """Move a part along the direction that the whole network has."""
    found = {id(w): g for w, g in zip(filters, _sharp(filters, loss, chosen, tau, sign), strict=True)}
    _step(machine, part, [found[id(w)] for w in part], chosen)


def _step(machine, part: list, gradients: list, chosen: Optimizer) -> None:
    for w, g in zip(part, gradients, strict=True):
        w.grad = g
    if chosen.clip is not None:
        norm = torch.stack(gradients).norm()  # torch's clip_grad_norm_ has a constant of 1e-6 beside it
        for w in part:
            w.grad *= min(1.0, chosen.clip / float(norm)) if norm > 0 else 1.0
    machine.step()
