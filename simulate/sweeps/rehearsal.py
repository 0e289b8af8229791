"""A sweep before it runs: every cell is made and tried without a step, so that nothing fails hours later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import xarray

from simulate.dynamics.engines import ENGINES
from simulate.dynamics.objectives import Loss
from simulate.dynamics.optimizers import SGD
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.problems.frame import check_dimension
from simulate.problems.problem import Problem
from simulate.runs.ensemble import Cell, run_ensemble
from simulate.sweeps.grid import Grid

__all__ = ["Template", "rehearse"]

_SHAPED = {"sample", "filter", "patch"}
"""Dimensions of observations whose lengths are those of the problem."""


@dataclass(frozen=True)
class Template:
    """What every cell of a sweep leaves.

    Attributes:
        variables: Dimensions, shape and dtype of each variable of one training.
        coordinates: Labels along these dimensions.
        work: Floating-point operations of the longest training, estimated.
    """

    variables: dict[str, tuple[tuple[str, ...], tuple[int, ...], np.dtype]]
    coordinates: dict[str, list[Any]]
    work: float


def rehearse(
    grid: Grid,
    *,
    engine: str,
    observe: Sequence[str],
    tau: float | None,
    here: bool = True,
    tried_before: bool = False,
) -> Template:
    """Try every cell, and learn what it will leave.

    Args:
        grid: The grid.
        engine: Name of the engine.
        observe: What is observed at the end of every phase.
        tau: At which radius.
        here: Whether the engine will run on this machine, and is tried itself: there may be no GPU.
        tried_before: Whether all cells were tried when the sweep began, so that the first is enough to learn from.

    Returns:
        The template of every cell.

    Raises:
        ValueError: if a cell is not possible; the message names the argument and the cell.
    """
    checks.choice("engine", engine, tuple(ENGINES))
    space = "ambient" if engine == "dense" else "frame"
    tried: set[object] = set()
    sizes: set[tuple[int, int, int]] = set()
    work = 0.0
    for point in islice(grid.points(), 1 if tried_before else None):
        try:
            problem, phases = grid.at(point)
            check_dimension(problem, space)
            _check_sizes(problem, phases)
            kind = _kind(problem, phases)
            if kind not in tried:
                _try(problem, phases, "dense" if engine == "dense" else "numpy")
                tried.add(kind)
        except ValueError as error:
            raise ValueError(f"{error} This is the cell {grid.describe_point(point)}.") from None
        sizes.add((problem.n, problem.m, problem.n_noise_patches))
        work = max(work, _work(problem, phases))
    problem, phases = grid.at(next(grid.points()))
    if here:
        _try(problem, phases, engine)
    ends = _ends(problem, phases, observe, tau)
    shaped = _SHAPED.intersection(ends.dims)
    if shaped and len(sizes) > 1:
        checks.fail(
            "observe", "not hold what differs in shape from cell to cell where n, m, P or patches vary", list(observe)
        )
    return Template(
        variables={str(name): (value.dims[1:], value.shape[1:], value.dtype) for name, value in ends.items()},  # type: ignore[misc]
        coordinates={str(name): value.values.tolist() for name, value in ends.coords.items()},
        work=work,
    )


def _check_sizes(problem: Problem, phases: Sequence[Phase]) -> None:
    """Require whole numbers that 63 bits hold; the dimension, which comes first, bounds the others."""
    for name, size in [("P", problem.P), *(("steps", phase.steps) for phase in phases)]:
        if size >= 2**63:
            checks.fail(name, "be below 2**63", size)


def _kind(problem: Problem, phases: Sequence[Phase]) -> object:
    """What decides whether a phase can be compiled: cells that share it need not all be tried."""
    parts = [value for phase in phases for value in (phase, phase.objective, phase.optimizer)]
    options = [(type(part), *(v for v in vars(part).values() if isinstance(v, str | bool | int))) for part in parts]
    rules = [(phase.needs_retain, phase.needs_forget) for phase in phases]
    return problem.n, problem.n_forget, str(options), str(rules)


def _try(problem: Problem, phases: Sequence[Phase], engine: str) -> None:
    """Run the phases without a step, on the smallest problem with the same samples."""
    small = replace(problem.without_blocks, m=1, P=2, patches="copied", patch_scales=None, d=problem.n + 3)
    still = tuple(replace(phase, steps=0) for phase in phases)
    run_ensemble([Cell(small, still, 0)], engine=engine, test_directions=16)


def _ends(problem: Problem, phases: Sequence[Phase], observe: Sequence[str], tau: float | None) -> xarray.Dataset:
    """Everything that a training leaves, of one without a step; with a radius nothing is left out."""
    still = tuple(Phase(phase.name, Loss(), SGD(), steps=0) for phase in phases)
    drawable = replace(problem.without_blocks, d=max(problem.d, problem.frame_size))
    run_ensemble([], observe=observe, tau=tau)  # its own checks of both
    ended = run_ensemble([Cell(drawable, still, 0)], engine="numpy", test_directions=16, observe=observe, tau=1.0)
    return ended.drop_dims("label")  # as `simulate.sweeps.workers` does


def _work(problem: Problem, phases: Sequence[Phase]) -> float:
    """Floating-point operations of one training at most, as dense matrix products."""
    noise = problem.n * problem.n_noise_patches
    passes = sum(phase.steps * (1 if isinstance(phase.optimizer, SGD) else 2) for phase in phases)
    return 4.0 * problem.m * noise**2 * passes
