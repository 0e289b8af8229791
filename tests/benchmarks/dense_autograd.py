"""The baseline: what one would write in PyTorch, float64, weights in R^d."""

from __future__ import annotations

from collections.abc import Callable

import torch

from simulate import SAM, Instance, Problem
from simulate.dynamics.optimizers import Optimizer

__all__ = ["dense_steps"]


def dense_steps(problem: Problem, optimizer: Optimizer, count: int, threads: int) -> Callable[[], None]:
    """A piece of work: train one dense instance for `count` full-batch steps of the plain loss.

    It is as lean as the model allows: one noise patch for all copies, the signal patch as a single vector.
    """
    instance = Instance.draw(problem, 0, space="ambient")
    phi, xi, w0 = (torch.from_numpy(array) for array in (instance.phi, instance.xi[:, 0], instance.w0))
    y, y_true = (torch.from_numpy(array).double() for array in (instance.y, instance.y_true))
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64)[:, None, None]

    def gradient(w: torch.Tensor) -> torch.Tensor:
        w = w.detach().requires_grad_()
        signal = torch.relu((w @ phi)[..., None] * y_true)
        noise = torch.relu(w @ xi.T)
        output = (signs * (signal + instance.multiplicity * noise)).sum((0, 1)) / problem.m
        return torch.autograd.grad(torch.nn.functional.softplus(-y * output).mean(), w)[0]

    def work() -> None:
        torch.set_num_threads(threads)
        w = w0.clone()
        for _ in range(count):
            step = gradient(w)
            if isinstance(optimizer, SAM):
                step = gradient(w + optimizer.tau / step.norm() * step)
            w = w - optimizer.lr * step

    return work
