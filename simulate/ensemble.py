"""Many runs at once: cells of equal shape share one engine, chunk after chunk, and leave their summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray

from simulate import checks
from simulate.engines import Engine, make_engine
from simulate.instance import Instance, Space
from simulate.measure import is_finite, measure_fit, measure_test_error
from simulate.observe import NEEDS_RADIUS, OBSERVABLES, Snapshot
from simulate.phases import Phase
from simulate.plan import Plan, compile_phase
from simulate.problem import Problem
from simulate.record import Record
from simulate.result import Status
from simulate.run import check_phases
from simulate.trace import COORDINATES

__all__ = ["Cell", "run_ensemble", "unfold"]

CHUNK_BYTES = 256 * 2**20
"""Memory that the arrays of one chunk may take."""

SEGMENT = 4096
"""Steps between two draws of minibatches."""


@dataclass(frozen=True)
class Cell:
    """One run of an ensemble: a problem to draw with the seed, or an instance that is there already."""

    problem: Problem | Instance
    phases: tuple[Phase, ...]
    seed: int

    @property
    def shape(self) -> tuple[object, ...]:
        """What cells of one chunk have in common: array shapes and the kind of every step."""
        kinds = tuple((type(phase.objective), type(phase.optimizer)) for phase in self.phases)
        data = "drawn" if isinstance(self.problem, Problem) else (self.problem.test_set is None, self.problem.noise_law)
        return self.problem.n, self.problem.m, self._patches, self.problem.multiplicity, data, kinds

    @property
    def n_bytes(self) -> int:
        """Estimate of the memory its arrays take."""
        size = 1 + self.problem.n * self._patches + 2 * self.problem.m
        return 8 * (2 * size**2 + 8 * self.problem.m * size)

    @property
    def _patches(self) -> int:
        return self.problem.n_noise_patches if isinstance(self.problem, Problem) else self.problem.patches

    def instance(self, space: Space) -> Instance:
        """The instance it runs on."""
        if isinstance(self.problem, Problem):
            return Instance.draw(self.problem, self.seed, space=space)
        return replace(self.problem, seed=self.seed)


def run_ensemble(
    cells: Sequence[Cell],
    *,
    engine: str = "numba",
    test_directions: int = 256,
    observe: Sequence[str] = (),
    tau: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> xarray.Dataset:
    """Run every cell and summarise its end.

    A cell's numbers are those `simulate.run` gives, whatever other cells it shares a chunk with.

    Args:
        cells: The cells; they may differ in everything.
        engine: Name of the engine.
        test_directions: Noise directions each test error averages over.
        observe: Names of what is observed at the end of every phase; see `Record.observe`.
        tau: Radius at which deactivation and sharpness are observed; None takes the optimizer's own, and leaves NaN
            in phases whose optimizer has none.
        progress: Called with the number of cells just finished.

    Returns:
        Dataset along "cell": test_error, test_error_se, test_error_ess, log_clean_error, train_loss,
        retain_accuracy, forget_accuracy, kappa_mean, zeta_mean_retain and zeta_mean_forget (own class), steps (of
        all phases), status (of the last phase, or "nonfinite"), and along "cell" and "phase" (0, 1, …) phase_steps
        and what was observed; NaN after a cell's own last phase. An observable that shares its name with a summary
        of the end (test_error, kappa_mean) is called by it with "phase_" before.

    Raises:
        ValueError: if an argument is out of range.
    """
    checks.integer("test_directions", test_directions, least=16)
    record = Record(observe=tuple(observe), tau=tau)
    for cell in cells:
        check_phases(cell.phases)
    ends: list[_Observed] = [{} for _ in cells]
    phases: list[list[_Observed]] = [[] for _ in cells]
    for numbers in _chunks(cells):
        chunk = _Chunk([cells[number] for number in numbers], engine, test_directions, record)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported by the status
            chunk.run()
        for place, number in enumerate(numbers):
            ends[number], phases[number] = chunk.ends[place], chunk.phases[place]
        if progress is not None:
            progress(len(numbers))
    return _pack(ends, phases)


def unfold(flat: xarray.Dataset, axes: Mapping[str, Sequence[Any]]) -> xarray.Dataset:
    """Give an ensemble the axes of the grid its cells came from.

    Args:
        flat: Dataset along "cell", the last axis of the grid varying fastest.
        axes: Labels of each axis; their numbers multiply to the number of cells.

    Returns:
        The dataset with the axes in place of "cell".

    Example:
        >>> flat = xarray.Dataset({"error": ("cell", np.arange(6))})
        >>> unfold(flat, {"d": [10, 20], "seed": [0, 1, 2]}).error.sel(d=20, seed=1).item()
        4
    """
    shape = tuple(len(labels) for labels in axes.values())
    variables = {
        name: ((*axes, *value.dims[1:]), value.values.reshape(*shape, *value.shape[1:])) for name, value in flat.items()
    }
    labels = {axis: (axis, list(values)) for axis, values in axes.items()}
    return xarray.Dataset(variables, coords={**flat.coords, **labels}, attrs=flat.attrs)


_Observed = dict[str, tuple[tuple[str, ...], Any]]
"""Dimensions and value of each variable of one cell."""


def _chunks(cells: Sequence[Cell]) -> Iterator[list[int]]:
    """Numbers of cells that fit in one chunk, in order within each shape."""
    by_shape: dict[tuple[object, ...], list[int]] = {}
    for number, cell in enumerate(cells):
        by_shape.setdefault(cell.shape, []).append(number)
    for numbers in by_shape.values():
        per_chunk = max(1, CHUNK_BYTES // cells[numbers[0]].n_bytes)
        for first in range(0, len(numbers), per_chunk):
            yield numbers[first : first + per_chunk]


class _Chunk:
    """Cells of one shape on their way through their phases.

    Attributes:
        ends: Summary of each cell's end.
        phases: What was observed at the end of each phase of each cell.
    """

    def __init__(self, cells: Sequence[Cell], engine: str, directions: int, record: Record) -> None:
        space: Space = "ambient" if engine == "dense" else "frame"
        self.cells, self.directions, self.record = cells, directions, record
        self.instances = [cell.instance(space) for cell in cells]
        self.machine = make_engine(engine, self.instances)
        self.phases: list[list[_Observed]] = [[] for _ in cells]
        self.ends: list[_Observed] = []

    def run(self) -> None:
        """Train, observe, summarise."""
        machine, count = self.machine, len(self.cells)
        totals, failed = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
        for number in range(len(self.cells[0].phases)):
            phases = [cell.phases[number] for cell in self.cells]
            pairs = zip(phases, self.instances, strict=True)
            machine.begin([compile_phase(phase, instance) for phase, instance in pairs])
            _advance(machine, np.array([phase.steps for phase in phases]))
            totals += machine.steps
            failed |= [status is Status.NONFINITE for status in machine.status]
            for t in range(count):
                self.phases[t].append(self._observe(t, machine.plans[t]))
        tests = measure_test_error(machine, range(count), self.directions)
        for t in range(count):
            estimate = tests.select(t)
            failed[t] |= not is_finite(machine, t, estimate)
            status = Status.NONFINITE if failed[t] else machine.status[t] or Status.MAX_STEPS
            summary = {
                "test_error": float(estimate.error),
                "test_error_se": float(estimate.standard_error),
                "test_error_ess": float(estimate.effective_sample_size),
                "log_clean_error": float(estimate.log_clean_error),
                **_summary(machine, t),
                "steps": int(totals[t]),
                "status": status.value,
            }
            self.ends.append({name: ((), value) for name, value in summary.items()})

    def _observe(self, t: int, plan: Plan) -> _Observed:
        """What is asked for at the end of a phase."""
        machine = self.machine
        tau = plan.updates[0].tau if self.record.tau is None else self.record.tau
        snapshot = Snapshot(
            self.instances[t], plan, machine.coefficients[t], machine.preactivations[t], tau,
            lambda: measure_test_error(machine, [t], self.directions).select(0),
        )  # fmt: skip
        observed: _Observed = {"phase_steps": ((), float(machine.steps[t]))}
        for word in self.record.observe:
            if tau > 0.0 or word not in NEEDS_RADIUS:
                observed.update(OBSERVABLES[word](snapshot))
        return observed


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


def _pack(ends: Sequence[_Observed], phases: Sequence[Sequence[_Observed]]) -> xarray.Dataset:
    """One array a variable, over all cells; NaN where a cell has no such phase or observation."""
    packed: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for name in ends[0] if ends else ():
        packed[name] = ("cell",), np.array([row[name][1] for row in ends])
    longest = max(map(len, phases), default=0)
    for t, rows in enumerate(phases):
        for number, row in enumerate(rows):
            for name, (dims, value) in row.items():
                called = f"phase_{name}" if name in ends[0] else name
                if called not in packed:
                    shape = (len(phases), longest, *np.shape(value))
                    packed[called] = ("cell", "phase", *dims), np.full(shape, np.nan)
                packed[called][1][t, number] = value
    used = {dim for dims, _ in packed.values() for dim in dims}
    return xarray.Dataset(packed, coords={dim: labels for dim, labels in COORDINATES.items() if dim in used})
