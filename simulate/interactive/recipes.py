r"""Step sizes and phases short enough for a slider: a hundred steps of pretraining, at every d and ‖φ‖.

Two numbers bound every step size: the step by which an own-class noise neuron moves its sample's output,
η q² d / (n m), and the one by which the signal moves it, η ‖φ‖² / m, both per |ℓ'|; q = (P - 1) σ_p. The steps are
larger than those of `simulate.boundaries.maps`, so that fewer of them do; the weights and radii are those of
`simulate.problems.scales`.
"""

from __future__ import annotations

import math

from simulate.dynamics.objectives import Loss, NegGrad
from simulate.dynamics.optimizers import SAM, SGD, Optimizer, SharpMinMax
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.problems.problem import Problem
from simulate.problems.scales import sam_radius, step_size

__all__ = ["OWN_STEP", "UNLEARNING_STEPS", "fit", "sam_stage", "unlearn"]

OWN_STEP = 0.5
"""Largest own-noise step of pretraining."""
OWN_STEP_UNLEARNING = 3.0
"""Largest own-noise step of unlearning, of a forget sample when α = 0."""
SIGNAL_TIME = 2.0
"""Time η T q² / m after which the SAM stage ends: a signal of strength q is learned in it, at every d."""
UNLEARNING_STEPS = 200
"""Steps of unlearning at most."""


def fit(problem: Problem, *, steps: int, stop_loss: float | None = None) -> Phase:
    """SGD on all samples, until the training loss is at most `stop_loss`."""
    return Phase("fit", Loss(), SGD(lr=_bounded(problem, OWN_STEP)), steps=steps, stop_loss=stop_loss)


def sam_stage(
    problem: Problem, *, steps: int, tau: float = 1.0, own_step: float = math.inf, stop_loss: float | None = None
) -> Phase:
    """SAM on all samples, for the time η T q² / m = 2 unless the signal or `own_step` bounds its step size.

    Args:
        problem: The problem.
        steps: Number of steps T at most.
        tau: Radius in units of the one that SAM's theorem asks for.
        own_step: Largest own-noise step. It may be far above that of SGD, since SAM switches noise neurons off.
        stop_loss: Training loss at which the stage ends.

    Returns:
        The phase.
    """
    q = (problem.P - 1) * problem.sigma_p
    lr = min(_bounded(problem, own_step), SIGNAL_TIME * problem.m / (q**2 * steps))
    return Phase("sam", Loss(), SAM(lr=lr, tau=tau * sam_radius(problem)), steps=steps, stop_loss=stop_loss)


def unlearn(problem: Problem, *, optimizer: str, alpha: float, tau: float, stop: float) -> Phase:
    """NegGrad until the accuracy on the forget set is at most `stop`, or for `UNLEARNING_STEPS` steps.

    The radius of SAM and Sharp MinMax is τ / √m, where τ is `tau` times that of SAM's theorem: at τ itself the slopes
    of the forget set vanish, and forgetting all but stops. The step size does not depend on α.

    Args:
        problem: The problem.
        optimizer: "SGD", "SAM" or "SharpMinMax".
        alpha: Weight α of the retain loss.
        tau: Radius in units of the theorem's.
        stop: Accuracy on the forget set.

    Returns:
        The phase.
    """
    share = max(problem.n_forget, 1) / problem.n
    lr = _bounded(problem, OWN_STEP_UNLEARNING) * share
    radius = tau * sam_radius(problem) / math.sqrt(problem.m)
    optimizers: dict[str, Optimizer] = {
        "SGD": SGD(lr=lr),
        "SAM": SAM(lr=lr, tau=radius),
        "SharpMinMax": SharpMinMax(lr=lr, tau=radius),
    }
    objective = NegGrad(alpha=alpha)
    return Phase("unlearn", objective, optimizers[optimizer], steps=UNLEARNING_STEPS, stop_forget_below=stop)


def _bounded(problem: Problem, own_step: float) -> float:
    """Step size of a given own-noise step, cut where the signal would move an output by more than 1."""
    if not 1e-100 <= problem.signal <= 1e100:  # beyond, floats do not hold its square
        checks.fail("signal", "be from 1e-100 to 1e100", problem.signal)
    return min(step_size(problem, own_step), problem.m / problem.signal**2)
