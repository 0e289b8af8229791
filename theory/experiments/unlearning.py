"""Unlearning at matched forgetting: every run stops when its forget set has fallen to the same accuracy."""

from __future__ import annotations

from dataclasses import replace

import xarray

from simulate import SAM, SGD, NegGrad, Phase, Problem
from simulate.dynamics.optimizers import Optimizer
from simulate.problems.scales import with_sam_weights, with_small_weights
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import BASE, Line, Lines, noise_scale, predicted_boundary, run_lines
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, fit, pretrain, unlearn, unlearning_radius

__all__ = [
    "ALPHA", "ALPHAS", "PRETRAINED_LOSS", "STANDARD", "after_sam", "after_sgd", "alpha_grid", "both_sam", "forgettable",
    "from_start", "phase_from_end", "snr_line",
]  # fmt: skip

PRETRAINED_LOSS = 0.05
"""Training loss at which pretraining hands over to unlearning."""
ALPHA = 0.7
"""Weight of the retain loss unless it is varied."""
ALPHAS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
"""Weights of the retain set that are tried."""

STANDARD = Problem(d=8000, n=40, m=10, signal=6.0, label_flip=0.1, forget=0.1)
"""One problem at which SGD is benign before unlearning."""

_UNLEARNED = replace(BASE, n=40, forget=0.1)


def phase_from_end(data: xarray.Dataset, name: str, back: int = 1) -> xarray.DataArray:
    """What was observed at the end of each run's own last phase (back = 1), or of the one before it (2)."""
    count = data["phase_steps"].notnull().sum("phase")
    return data[name].isel(phase=count - back)


# --- boundaries after unlearning -----------------------------------------------------------------------


def after_sgd(lab: Lab) -> Lines:
    """SGD from small weights, then NegGrad with SGD until the forget set is forgotten."""

    def phases(problem: Problem) -> tuple[Phase, ...]:
        return fit(problem, loss=PRETRAINED_LOSS), unlearn(problem, NegGrad(alpha=ALPHA), SGD())

    places = (0.25, 0.5, 0.8, 1.1, 1.4, 1.8, 2.5, 4.0)
    return run_lines(
        lab, "neggrad after sgd", (Line("d", (10**4, 10**5, 10**6, 10**7, 10**8)),), places, scale=predicted_boundary,
        prepare=with_small_weights, phases=phases, base=_UNLEARNED, replicates=lab.choose(quick=64, full=400),
    )  # fmt: skip


def from_start(lab: Lab) -> Lines:
    """NegGrad with SGD from the initial weights, until the retain loss is 0.01."""

    def phases(problem: Problem) -> tuple[Phase, ...]:
        return (replace(unlearn(problem, NegGrad(alpha=0.9), SGD(), until=None), stop_loss=0.01),)

    return run_lines(
        lab, "neggrad from start", (Line("d", (10**4, 10**6, 10**8)),), (0.5, 1.1, 2.5, 4.0), scale=predicted_boundary,
        prepare=with_small_weights, phases=phases, base=_UNLEARNED, replicates=lab.choose(quick=40, full=300),
    )  # fmt: skip


def after_sam(lab: Lab) -> Lines:
    """SAM and SGD at SAM's weights, then NegGrad with SGD until the forget set is forgotten."""

    def phases(problem: Problem) -> tuple[Phase, ...]:
        return *pretrain(problem, "SAM", loss=PRETRAINED_LOSS), unlearn(problem, NegGrad(alpha=ALPHA), SGD())

    return run_lines(
        lab, "neggrad after sam", (Line("d", (4000, 8000, 16_000)),), (0.35, 0.5, 0.7, 1.0, 1.5, 3.0),
        scale=noise_scale, prepare=with_sam_weights, phases=phases, base=_UNLEARNED,
        replicates=lab.choose(quick=40, full=200),
    )  # fmt: skip


def both_sam(lab: Lab) -> Lines:
    """SAM and SGD at SAM's weights, then NegGrad with SAM until the forget set is forgotten."""

    def phases(problem: Problem) -> tuple[Phase, ...]:
        last = unlearn(problem, NegGrad(alpha=ALPHA), SAM(tau=unlearning_radius(problem)), steps=40_000)
        return *pretrain(problem, "SAM", loss=PRETRAINED_LOSS), last

    return run_lines(
        lab, "neggrad sam both", (Line("d", (2000, 3000, 4000)),), (1.5, 3.0, 6.0), scale=noise_scale,
        prepare=with_sam_weights, phases=phases, base=_UNLEARNED, replicates=lab.choose(quick=32, full=200),
    )  # fmt: skip


def forgettable(lab: Lab) -> xarray.Dataset:
    """How many runs NegGrad with SGD makes forget within its steps, over pretraining and d."""

    def make(seed: int, pretraining: Pretraining, d: int) -> Cell:
        problem = with_sam_weights(replace(_UNLEARNED, d=d, signal=1.5))
        last = unlearn(problem, NegGrad(alpha=ALPHA), SGD())
        return Cell(problem, (*pretrain(problem, pretraining, loss=PRETRAINED_LOSS), last), seed)

    axes = {"pretraining": ("SGD", "SAM"), "d": (10**4, 10**5, 10**6)}
    return lab.grid("forgettable", make, axes, replicates=lab.choose(quick=24, full=200))


# --- one problem, many ways to unlearn -----------------------------------------------------------------


def _optimizer(problem: Problem, name: str) -> Optimizer:
    return SGD() if name == "SGD" else SAM(tau=unlearning_radius(problem))


def alpha_grid(lab: Lab) -> xarray.Dataset:
    """The standard problem over α, pretraining and unlearning optimizer; coefficients and curvature observed."""
    problem = with_sam_weights(STANDARD)

    def make(seed: int, pretraining: Pretraining, optimizer: str, alpha: float) -> Cell:
        last = unlearn(problem, NegGrad(alpha=alpha), _optimizer(problem, optimizer))
        return Cell(problem, (*pretrain(problem, pretraining, loss=PRETRAINED_LOSS), last), seed)

    return lab.grid(
        "alpha", make, {"pretraining": ("SGD", "SAM"), "optimizer": ("SGD", "SAM"), "alpha": ALPHAS},
        replicates=lab.choose(quick=40, full=200), observe=("coefficients", "hessian", "sharpness"),
        tau=unlearning_radius(problem),
    )  # fmt: skip


def snr_line(lab: Lab) -> xarray.Dataset:
    """SGD pretraining and unlearning over the signal strength, at the same loss when unlearning begins."""

    def make(seed: int, signal: float) -> Cell:
        problem = with_sam_weights(replace(STANDARD, signal=signal))
        last = unlearn(problem, NegGrad(alpha=ALPHA), SGD())
        return Cell(problem, (*pretrain(problem, "SGD", loss=PRETRAINED_LOSS), last), seed)

    return lab.grid(
        "snr", make, {"signal": (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0)}, replicates=lab.choose(quick=150, full=800)
    )
