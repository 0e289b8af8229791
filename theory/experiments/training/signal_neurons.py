"""What SAM's perturbation does to the signal neurons: own-class ones switched off, and the next step of κ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from simulate import Instance, Problem
from simulate.dynamics.step import gradient, network_output, output_slopes, perturbation
from simulate.problems.geometry import SIGNS
from simulate.problems.scales import sam_radius, with_sam_weights
from theory.experiments.course import STANDARD
from theory.experiments.lab import Lab
from theory.experiments.protocols import TINY_WEIGHTS, tiny_radius
from theory.formulas import symbols as s
from theory.formulas.statements import STATEMENTS

__all__ = ["CELLS", "Neurons", "at_the_radius", "depth_of", "look", "over_cells", "predicted_depth"]


@dataclass(frozen=True)
class Neurons:
    """What one look at an instance finds.

    Attributes:
        off: Share of the own-class signal neurons, those with j ⟨w_jr, φ⟩ > 0, that ε̂ switches off.
        opposite: The same of the opposite class.
        noise: The same of the own-class noise neurons.
        plain: Mean step of κ, per η, with the gradient at W.
        sharp: The same at W + ε̂.
    """

    off: float
    opposite: float
    noise: float
    plain: float
    sharp: float


def look(instance: Instance, tau: float) -> Neurons:
    """Look at an instance at its initial weights, all samples in the batch."""
    geometry = instance.geometry
    weight, z = np.full(instance.n, 1.0 / instance.n), geometry.start
    b = _gradient(instance, z, weight)
    moved = z + perturbation(b, geometry.gram, tau) @ geometry.gram
    facing, after = SIGNS[:, None] * z[..., 0], SIGNS[:, None] * moved[..., 0]
    own = np.repeat(SIGNS[:, None] == instance.y, instance.patches, axis=1)[:, None] & (z[..., 1:] > 0)
    steps = [
        -(SIGNS[:, None] * g[..., 0]).mean() * geometry.gram[0, 0] for g in (b, _gradient(instance, moved, weight))
    ]
    return Neurons(
        off=float((after[facing > 0] <= 0).mean()),
        opposite=float((after[facing < 0] >= 0).mean()),
        noise=float((moved[..., 1:][own] <= 0).mean()),
        plain=float(steps[0]),
        sharp=float(steps[1]),
    )


def _gradient(instance: Instance, z: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return gradient(instance, z, output_slopes(weight, instance.y, network_output(instance, z)))


CELLS = tuple((d, signal, ratio) for d in (20_000, 200_000) for signal in (2.0, 4.0) for ratio in (0.5, 1.0))
"""d, ‖φ‖ and τ/(σ_0 √(m n)) of the law's cells."""
_LAW = Problem(n=160, m=10, sigma_0=TINY_WEIGHTS, forget=0.0)


def over_cells(lab: Lab) -> np.ndarray:
    """Shares of own-class signal neurons switched off in every cell, (instances, cells)."""
    seeds = lab.seeds("signal neurons", lab.choose(quick=400, full=3000))
    rows = []
    for seed in seeds:
        found = []
        for d, signal, ratio in CELLS:
            instance = Instance.draw(replace(_LAW, d=d, signal=signal), seed)
            found.append(look(instance, tiny_radius(ratio, _LAW.m, _LAW.n)).off)
        rows.append(found)
    return np.array(rows)


def predicted_depth(d: float, signal: float, ratio: float) -> float:
    """z of the law's fraction 2Φ(z) - 1 in a cell."""
    shift = STATEMENTS["signal_deactivation"].function(s.tau, s.signal, s.m, s.n, s.d, s.P, s.sigma_p, s.sigma_0)
    tau = tiny_radius(ratio, _LAW.m, _LAW.n)
    return float(shift(tau, signal, _LAW.m, _LAW.n, d, _LAW.P, _LAW.sigma_p, TINY_WEIGHTS)[0]) / (TINY_WEIGHTS * signal)


def depth_of(share: np.ndarray) -> np.ndarray:
    """z of a measured fraction 2Φ(z) - 1."""
    return np.asarray(ndtri(0.5 * (1.0 + share)))


def at_the_radius(lab: Lab, ratio: float) -> list[Neurons]:
    """Instances of the standard problem at SAM's weights, at a multiple of the theory's radius."""
    problem = with_sam_weights(STANDARD)
    seeds = lab.seeds("signal step", lab.choose(quick=200, full=2000))
    return [look(Instance.draw(problem, seed), ratio * sam_radius(problem)) for seed in seeds]
