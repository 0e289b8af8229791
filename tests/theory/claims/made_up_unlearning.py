"""Experiments of unlearning at one problem, made up: every pair of optimizers, α, set and phase has its own level."""

from __future__ import annotations

import numpy as np
import xarray

from tests.theory.made_up import JITTER, back, grid
from theory.experiments.unlearning import again, alpha_grid, never_learned

NAMES = ("SGD", "SAM")
ALPHAS = (0.5, 0.7, 0.9)
FAILS = {("SGD", "SGD"): 0, ("SAM", "SGD"): 9, ("SGD", "SAM"): 4, ("SAM", "SAM"): 7}
"""The seed whose run of this pretraining and optimizer is not forgotten, at every α."""
ERROR = {("SGD", "SGD"): 0.21, ("SAM", "SGD"): 0.17, ("SGD", "SAM"): 0.26, ("SAM", "SAM"): 0.15}
"""Test error at α = 0.7."""
SHAKEN = {("SGD", "SGD"): 1e-3, ("SAM", "SGD"): 2e-3, ("SGD", "SAM"): 3e-3, ("SAM", "SAM"): 5e-3}
"""How much replicates differ."""
STEPS = {("SGD", "SGD"): 100.0, ("SAM", "SGD"): 30.0, ("SGD", "SAM"): 250.0, ("SAM", "SAM"): 20.0}
"""Steps of unlearning at α = 0.7; at 0.5 half, at 0.9 three times as many with SAM only."""
ADDED = {("SGD", "SGD"): -0.5, ("SAM", "SGD"): -0.1, ("SGD", "SAM"): -0.3, ("SAM", "SAM"): 0.2}
"""What unlearning adds to own-class ζ on F at α = 0.7; to the opposite class a tenth of it. At other α nothing."""
BEFORE = {"own": 2.0, "opposite": 0.8}
"""ζ on F when unlearning begins."""
RATE = {"hessian_eigenvalue": -1.0, "sharpness": 3.0}
"""Logarithm of the change of a measure of the retain loss over α - 1/2, under SGD after SGD."""


def test_error(pretraining: str, optimizer: str, alpha: float, seed: int) -> float:
    pair = pretraining, optimizer
    return ERROR[pair] + {0.5: 0.1, 0.7: 0.0, 0.9: -0.12}[alpha] + SHAKEN[pair] * JITTER[seed]


def _zeta(pretraining: str, optimizer: str, alpha: float, phase: int, relation: str, set: str, seed: int) -> float:
    if set == "retain" or back(pretraining, phase) not in (1, 2):
        return 77.0 + seed
    pair = pretraining, optimizer
    size = (1.0 if alpha == 0.7 else 0.0) * (1.0 if relation == "own" else 0.1)
    added = size * (ADDED[pair] + SHAKEN[pair] * JITTER[seed])
    return BEFORE[relation] + (added if back(pretraining, phase) == 1 else 0.0)


def _curvature(measure: str) -> object:
    def number(pretraining: str, optimizer: str, alpha: float, phase: int, part: str, seed: int) -> float:
        if back(pretraining, phase) != 1:
            return 4.0 if back(pretraining, phase) == 2 else 0.01
        rate = RATE[measure] * (alpha - 0.5) + (0.3 if pretraining == "SAM" else 0.0) + 1e-3 * JITTER[seed]
        other = (7.0 if optimizer == "SAM" else 0.0) + (5.0 if part == "train" else 0.0)
        return 4.0 * float(np.exp(rate + other))

    return number


def _steps(pretraining: str, optimizer: str, alpha: float, phase: int, seed: int) -> float:
    if back(pretraining, phase) <= 0:
        return np.nan
    if back(pretraining, phase) > 1:
        return 5.0 * back(pretraining, phase) + seed
    pair = pretraining, optimizer
    size = {0.5: 0.5, 0.7: 1.0, 0.9: 3.0 if optimizer == "SAM" else 1.0}[alpha]
    return STEPS[pair] * size * float(np.exp(SHAKEN[pair] * JITTER[seed]))


def unlearned() -> xarray.Dataset:
    """`alpha_grid`."""
    return grid(
        {"pretraining": NAMES, "optimizer": NAMES, "alpha": ALPHAS},
        test_error=test_error,
        status=lambda pretraining, optimizer, seed: (
            "max_steps" if FAILS[pretraining, optimizer] == seed else "converged"
        ),
        clean_error_by_label=lambda pretraining, optimizer, seed, label: (
            ERROR[pretraining, optimizer] + (0.5 if (label == 1) == (seed % 2 == 0) else 0.0)
        ),
        forget_accuracy=lambda optimizer, alpha, seed: {"SGD": 0.6, "SAM": 0.8}[optimizer] + alpha / 10 + seed / 1000,
        zeta_mean=_zeta,
        hessian_eigenvalue=_curvature("hessian_eigenvalue"),
        sharpness=_curvature("sharpness"),
        phase_steps=_steps,
    )


def repeated() -> xarray.Dataset:
    """`again`: SGD and SGD at α = 0.7; with other seeds, a hundredth off in everything."""
    return grid(
        {},
        test_error=lambda seed: test_error("SGD", "SGD", 0.7, seed) - 0.01,
        zeta_mean=lambda phase, relation, set, seed: (
            _zeta("SGD", "SGD", 0.7, phase, relation, set, seed) - (0.02 if phase == 2 else 0.0)
        ),
        phase_steps=lambda phase, seed: _steps("SGD", "SGD", 0.7, phase, seed) * float(np.exp(-0.01)),
    )


def nothing_to_forget() -> xarray.Dataset:
    """`never_learned`: seven steps after SGD, which change curvature by a logarithm of 0.2, nine after SAM."""
    return grid(
        {"pretraining": NAMES},
        phase_steps=lambda pretraining, phase, seed: (
            np.nan
            if back(pretraining, phase) <= 0
            else (7.0 if pretraining == "SGD" else 9.0) + seed % 2
            if back(pretraining, phase) == 1
            else 33.0
        ),
        status=lambda pretraining, seed: "converged" if pretraining == "SGD" or seed < 8 else "max_steps",
        hessian_eigenvalue=_unchanged,
        sharpness=_unchanged,
    )


def _unchanged(pretraining: str, phase: int, part: str, seed: int) -> float:
    late = {1: 0.2 if pretraining == "SGD" else 0.9, 2: 0.0}.get(back(pretraining, phase), 3.0)
    return float(np.exp(late + (0.5 * late if part == "train" else 0.0)))


def shelf() -> dict[object, xarray.Dataset]:
    """All three by their experiments."""
    return {alpha_grid: unlearned(), again: repeated(), never_learned: nothing_to_forget()}
