r"""The scales on which the theorems ask for initial weights, step sizes and radii.

With q = (P - 1) σ_p the scale of the noise and B the samples a step sees:

* small initial weights, σ_0 = 0.1 √n / (q d): what the theorem on SGD asks for;
* SAM's initial weights, σ_0 = 1 / (P σ_p √d), and radius τ = m √B / (P σ_p √d), at which τ / (σ_0 √(m B)) = √m;
* the step size at which an own-class noise neuron moves its sample's output by `own_step` |ℓ'| a step.

Where noise coordinates, patches or classes differ in variance, σ_p stands for the root of the mean variance. Patches
are taken as copied, as the theorems do; with independent ones a step moves an output P - 1 times less.

The two theorems ask for different initial weights: a comparison of their optimizers at one σ_0 is a different question.

Source: Chen et al. 2023 (arXiv 2310.07269), as remembered; constants are choices made here.
"""

from __future__ import annotations

import math
from dataclasses import replace

from simulate.house import checks
from simulate.problems.problem import Problem

__all__ = ["sam_radius", "step_size", "with_sam_weights", "with_small_weights"]


def with_small_weights(problem: Problem) -> Problem:
    """The problem at σ_0 = 0.1 √n / ((P - 1) σ_p d).

    Example:
        >>> with_small_weights(Problem(d=10_000, n=100)).sigma_0
        0.0001
    """
    scale = _noise_scale(problem)
    return replace(problem, sigma_0=0.1 * math.sqrt(problem.n) / (scale * problem.d))


def with_sam_weights(problem: Problem) -> Problem:
    """The problem at σ_0 = 1 / (P σ_p √d)."""
    return replace(problem, sigma_0=1.0 / (_patch_scale(problem) * math.sqrt(problem.d)))


def sam_radius(problem: Problem, batch: int | None = None) -> float:
    """SAM's radius τ = m √B / (P σ_p √d); a batch of None is the whole training set."""
    scale = _patch_scale(problem)
    samples = problem.n if batch is None else batch
    return problem.m * math.sqrt(samples / problem.d) / scale


def step_size(problem: Problem, own_step: float = 0.1) -> float:
    """Step size η at which η q² d / (n m) = own_step, for the mean loss over all samples."""
    scale = _noise_scale(problem)
    return own_step * problem.n * problem.m / (scale**2 * problem.d)


def _noise_scale(problem: Problem) -> float:
    """q = (P - 1) σ_p, of a problem whose sizes and scales floats hold with room for their squares; it comes first."""
    if problem.activation != "relu":
        checks.fail("activation", 'be "relu" where scales are those of the theorems', problem.activation)
    for name in ("d", "n", "m", "P"):
        if getattr(problem, name) >= 2**63:
            checks.fail(name, "be below 2**63", getattr(problem, name))
    scale = (problem.P - 1) * problem.noise_deviation
    if not 1e-100 <= scale <= 1e100:
        checks.fail("sigma_p", "give a scale of the noise (P - 1) σ_p from 1e-100 to 1e100", problem.sigma_p)
    return scale


def _patch_scale(problem: Problem) -> float:
    """P σ_p, within the same range."""
    _noise_scale(problem)
    return problem.P * problem.noise_deviation
