"""What is kept of a trajectory that has ended, for many trajectories of one shape at once.

The numbers are, bit for bit, those that `simulate.runs.measure` and `Geometry` give for one trajectory.
"""

from __future__ import annotations

import numpy as np
import xarray

from simulate.dynamics.engines import Engine
from simulate.dynamics.state import Status
from simulate.dynamics.step import logistic_loss
from simulate.problems.geometry import SIGNS
from simulate.test_error.generalize import TestError

__all__ = ["AT_A_KINK", "count_kinks", "summarise"]

AT_A_KINK = 1e-12
"""Kink margin below which rounding may have decided on which side of a ReLU a pre-activation fell."""


def count_kinks(data: xarray.Dataset) -> int:
    """Number of trainings that met a ReLU kink within rounding, where engines may differ; failed ones are left out.

    Args:
        data: What `simulate.sweep` or `simulate.runs.ensemble.run_ensemble` returned.
    """
    finite = data["status"] != Status.NONFINITE.value
    return int(((data["kink_margin"] < AT_A_KINK) & finite).sum())


def summarise(machine: Engine, tests: TestError, steps: np.ndarray, failed: np.ndarray) -> dict[str, np.ndarray]:
    """Summarise where the trajectories of an engine stand.

    Args:
        machine: The engine, its last phase done.
        tests: Test errors of all its trajectories.
        steps: Steps taken in all phases, (T,).
        failed: Whether a phase of a trajectory was not finite, (T,) of bool.

    Returns:
        Arrays (T,) by name: the test error with its parts, train_loss, the accuracies, means of κ and ζ (own class),
        the steps, the kink margin (see `simulate.Result`), and the status of the last phase, "nonfinite" if anything
        in the trajectory is.
    """
    instances, z = machine.instances, machine.preactivations
    kappa, zeta = _coefficients(machine)
    margin = np.stack([instance.y for instance in instances]) * _outputs(machine)
    forget = np.stack([instance.forget for instance in instances])
    train_loss = logistic_loss(margin).mean(axis=-1)
    defined = np.array([i.test_set is not None or i.noise_law is not None for i in instances])
    infinite = np.isinf(kappa).any(axis=(1, 2)) | np.isinf(zeta).any(axis=(1, 2, 3)) | np.isinf(train_loss)
    finite = np.isfinite(z).all(axis=(1, 2, 3)) & ~infinite & (np.isfinite(tests.error) | ~defined)
    ended = [status or Status.MAX_STEPS for status in machine.status]
    own = _own_class(machine, zeta)
    return {
        "test_error": np.asarray(tests.error, dtype=float),
        "test_error_se": np.asarray(tests.standard_error, dtype=float),
        "test_error_ess": np.asarray(tests.effective_sample_size, dtype=float),
        "log_clean_error": np.asarray(tests.log_clean_error, dtype=float),
        "train_loss": train_loss,
        "retain_accuracy": _means(margin > 0, ~forget),
        "forget_accuracy": _means(margin > 0, forget),
        "kappa_mean": kappa.reshape(len(kappa), -1).mean(axis=-1),
        "zeta_mean_retain": _means(own, ~forget),
        "zeta_mean_forget": _means(own, forget),
        "steps": steps,
        "kink_margin": _kink_margin(machine),
        "status": np.where(finite & ~failed, [status.value for status in ended], Status.NONFINITE.value),
    }


def _kink_margin(machine: Engine) -> np.ndarray:
    """Smallest |pre-activation| at which a gradient was taken, relative to the largest at the end, (T,)."""
    closest = np.array([machine.closest(number) for number in range(len(machine.instances))])
    with np.errstate(divide="ignore", invalid="ignore"):
        return closest / np.abs(machine.preactivations).max(axis=(1, 2, 3))


def _coefficients(machine: Engine) -> tuple[np.ndarray, np.ndarray]:
    """κ, (T, 2, m), and ζ, (T, 2, m, n patches)."""
    c, multiplicity = machine.coefficients, machine.instances[0].multiplicity
    norms = np.stack([np.diagonal(instance.geometry.gram) for instance in machine.instances])[:, None, None]
    return SIGNS[:, None] * c[..., 0] * norms[..., 0], multiplicity * c[..., 1:] * norms[..., 1:]


def _outputs(machine: Engine) -> np.ndarray:
    """The outputs on the training samples, (T, n); see `simulate.dynamics.step.network_output`."""
    first, z = machine.instances[0], machine.preactivations
    y_true = np.stack([instance.y_true for instance in machine.instances])[:, None, None]
    signal = _activated(machine, z[..., :1] * y_true)
    noise = _activated(machine, z[..., 1:]).reshape(-1, 2, first.m, first.n, first.patches).sum(axis=-1)
    rows = SIGNS[:, None, None] * (signal + first.multiplicity * noise)
    return rows.sum(axis=(1, 2)) / first.m


def _activated(machine: Engine, x: np.ndarray) -> np.ndarray:
    """σ(x) of arrays (T, …), each trajectory's own σ."""
    kinds = {instance.activation for instance in machine.instances}
    if len(kinds) == 1:
        return kinds.pop().value(x)
    return np.stack([instance.activation.value(row) for instance, row in zip(machine.instances, x, strict=True)])


def _own_class(machine: Engine, zeta: np.ndarray) -> np.ndarray:
    """Mean ζ of each sample over the filters of its own class, and over its patches, (T, n)."""
    n = machine.instances[0].n
    means = zeta.mean(axis=2).reshape(len(zeta), 2, n, -1).mean(axis=-1)
    negative = np.stack([instance.y < 0 for instance in machine.instances])
    return np.where(negative, means[:, 1], means[:, 0])


def _means(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean of each row over its chosen entries; NaN where none is chosen."""
    if chosen.all():
        return values.mean(axis=-1)
    if not chosen.any():
        return np.full(len(values), np.nan)
    return np.array([row[mask].mean() if mask.any() else np.nan for row, mask in zip(values, chosen, strict=True)])
