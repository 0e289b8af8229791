"""Many runs at once: cells of equal shape share one engine, chunk after chunk, and leave their summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray

from simulate import checks
from simulate.engines import Engine, make_engine
from simulate.instance import Instance, Space
from simulate.measure import is_finite, measure_fit, measure_test_error
from simulate.phases import Phase
from simulate.plan import compile_phase
from simulate.problem import Problem
from simulate.result import Status
from simulate.run import check_phases

__all__ = ["Cell", "run_ensemble"]

CHUNK_BYTES = 256 * 2**20
"""Memory that the arrays of one chunk may take."""

SEGMENT = 4096
"""Steps between two draws of minibatches."""


@dataclass(frozen=True)
class Cell:
    """One run of an ensemble."""

    problem: Problem
    phases: tuple[Phase, ...]
    seed: int

    @property
    def shape(self) -> tuple[object, ...]:
        """What cells of one chunk have in common: array shapes and the kind of every step."""
        kinds = tuple((type(phase.objective), type(phase.optimizer)) for phase in self.phases)
        return self.problem.n, self.problem.m, self.problem.P, self.problem.patches, kinds

    @property
    def n_bytes(self) -> int:
        """Estimate of the memory its arrays take."""
        size = self.problem.frame_size
        return 8 * (2 * size**2 + 8 * self.problem.m * size)


def run_ensemble(
    cells: Sequence[Cell],
    *,
    engine: str = "numba",
    test_directions: int = 256,
    progress: Callable[[int], None] | None = None,
) -> xarray.Dataset:
    """Run every cell and summarise its end.

    A cell's numbers are those `simulate.run` gives, whatever other cells it shares a chunk with.

    Args:
        cells: The cells; they may differ in everything.
        engine: Name of the engine.
        test_directions: Noise directions each test error averages over.
        progress: Called with the number of cells just finished.

    Returns:
        Dataset along "cell": test_error, test_error_se, test_error_ess, log_clean_error, train_loss,
        retain_accuracy, forget_accuracy, kappa_mean, zeta_mean_retain and zeta_mean_forget (own class), steps (of
        all phases) and status (of the last phase, or "nonfinite").

    Raises:
        ValueError: if an argument is out of range.
    """
    checks.integer("test_directions", test_directions, least=16)
    for cell in cells:
        check_phases(cell.phases)
    rows: list[dict[str, object]] = [{} for _ in cells]
    for numbers in _chunks(cells):
        chunk = [cells[number] for number in numbers]
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported by the status
            finished = _run_chunk(chunk, engine, test_directions)
        for number, row in zip(numbers, finished, strict=True):
            rows[number] = row
        if progress is not None:
            progress(len(chunk))
    names = list(rows[0]) if rows else []
    return xarray.Dataset({name: ("cell", np.array([row[name] for row in rows])) for name in names})


def _chunks(cells: Sequence[Cell]) -> Iterator[list[int]]:
    """Numbers of cells that fit in one chunk, in order within each shape."""
    by_shape: dict[tuple[object, ...], list[int]] = {}
    for number, cell in enumerate(cells):
        by_shape.setdefault(cell.shape, []).append(number)
    for numbers in by_shape.values():
        per_chunk = max(1, CHUNK_BYTES // cells[numbers[0]].n_bytes)
        for first in range(0, len(numbers), per_chunk):
            yield numbers[first : first + per_chunk]


def _run_chunk(chunk: Sequence[Cell], engine: str, directions: int) -> list[dict[str, object]]:
    space: Space = "ambient" if engine == "dense" else "frame"
    instances = [Instance.draw(cell.problem, cell.seed, space=space) for cell in chunk]
    machine = make_engine(engine, instances)
    totals = np.zeros(len(chunk), dtype=np.int64)
    failed = np.zeros(len(chunk), dtype=bool)
    for number in range(len(chunk[0].phases)):
        phases = [cell.phases[number] for cell in chunk]
        machine.begin([compile_phase(phase, instance) for phase, instance in zip(phases, instances, strict=True)])
        _advance(machine, np.array([phase.steps for phase in phases]))
        totals += machine.steps
        failed |= [status is Status.NONFINITE for status in machine.status]
    tests = measure_test_error(machine, range(len(chunk)), directions)
    rows: list[dict[str, object]] = []
    for t in range(len(chunk)):
        estimate = tests.select(t)
        failed[t] |= not is_finite(machine, t, estimate)
        status = Status.NONFINITE if failed[t] else machine.status[t] or Status.MAX_STEPS
        rows.append(
            {
                "test_error": float(estimate.error),
                "test_error_se": float(estimate.standard_error),
                "test_error_ess": float(estimate.effective_sample_size),
                "log_clean_error": float(estimate.log_clean_error),
                **_summary(machine, t),
                "steps": int(totals[t]),
                "status": status.value,
            }
        )
    return rows


def _advance(machine: Engine, steps: np.ndarray) -> None:
    """Advance to each cell's own last step, drawing minibatches a segment at a time."""
    if all(plan.batches.full for plan in machine.plans):
        machine.advance(steps)
        return
    for until in range(SEGMENT, int(steps.max()) + SEGMENT, SEGMENT):
        machine.advance(np.minimum(until, steps))


def _summary(machine: Engine, t: int) -> dict[str, float]:
    instance, c = machine.instances[t], machine.coefficients[t]
    zeta = instance.geometry.zeta(c, instance.multiplicity).mean(axis=1).reshape(2, instance.n, -1).mean(axis=-1)
    own = zeta[(instance.y < 0).astype(int), np.arange(instance.n)]
    return {
        **vars(measure_fit(instance, machine.preactivations[t])),
        "kappa_mean": float(instance.geometry.kappa(c).mean()),
        "zeta_mean_retain": float(own[~instance.forget].mean()) if not instance.forget.all() else np.nan,
        "zeta_mean_forget": float(own[instance.forget].mean()) if instance.forget.any() else np.nan,
    }
