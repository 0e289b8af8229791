"""Many runs at once: cells of equal shape share one engine, chunk after chunk, and leave their summaries."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
import xarray

from simulate.dynamics.engines import ENGINES, Engine, make_engine
from simulate.dynamics.phases import Phase
from simulate.dynamics.plan import compile_phases
from simulate.dynamics.state import Status
from simulate.house import checks
from simulate.problems.activations import Activation
from simulate.problems.instance import Instance, Space
from simulate.problems.problem import Problem
from simulate.runs.lanes import Lanes, cut, leaders, side_by_side
from simulate.runs.measure import MOST_DIRECTIONS, measure_test_error
from simulate.runs.observe import NEEDS_RADIUS, OBSERVABLES, Snapshot, refuse_observables
from simulate.runs.record import Record
from simulate.runs.run import check_phases
from simulate.runs.summary import summarise
from simulate.runs.trace import COORDINATES

__all__ = ["Cell", "run_ensemble", "unfold"]

SEGMENT = 4096
"""Steps between two draws of minibatches."""


@dataclass(frozen=True)
class Cell:
    """One run of an ensemble: a problem to draw with the seed, or an instance that is there already."""

    problem: Problem | Instance
    """The law to draw from, or the instance."""
    phases: tuple[Phase, ...]
    """The phases it goes through."""
    seed: int
    """Seed of everything random in it."""

    @property
    def shape(self) -> tuple[Hashable, ...]:
        """What cells of one chunk have in common: array shapes, and the moves of a step of every phase."""
        moves = tuple(phase.optimizer.moves for phase in self.phases)
        data = "drawn" if isinstance(self.problem, Problem) else (self.problem.test_set is None, self.problem.noise_law)
        return self.problem.n, self.problem.m, self._patches, self.problem.multiplicity, data, moves

    @property
    def kinds(self) -> tuple[Hashable, ...]:
        """Objective and optimizer of every phase."""
        return tuple((type(phase.objective), type(phase.optimizer)) for phase in self.phases)

    @property
    def sigma(self) -> Activation:
        """The network's activation."""
        return self.problem.sigma if isinstance(self.problem, Problem) else self.problem.activation

    @property
    def family(self) -> Hashable:
        """What cells have in common that start from the same data and weights."""
        return self.problem, self.seed

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
        engine: Name of the engine; see `simulate.run`. "dense" draws other data from the same seeds.
        test_directions: Noise directions each test error averages over.
        observe: Names of what is observed at the end of every phase; see `Record.observe`.
        tau: Radius at which deactivation and sharpness are observed; None takes the optimizer's own, and leaves NaN
            in phases whose optimizer has none.
        progress: Called with the number of cells just finished.

    Returns:
        Dataset along "cell": test_error, test_error_se, test_error_ess, log_clean_error, train_loss,
        retain_accuracy, forget_accuracy, kappa_mean, zeta_mean_retain and zeta_mean_forget (own class), steps (of
        all phases), kink_margin (see `simulate.Result`), status (of the last phase, or "nonfinite"),
        clean_error_by_label (also along "label": the error without flips of either true class), and along "cell" and
        "phase" (0, 1, …) phase_steps and what was observed; NaN after a cell's own last phase. An observable that
        shares its name with a summary of the end (test_error, kappa_mean) is called by it with "phase_" before.

    Raises:
        ValueError: if an argument is out of range.
    """
    checks.choice("engine", engine, tuple(ENGINES))
    checks.integer("test_directions", test_directions, least=16, most=MOST_DIRECTIONS)
    record = Record(observe=tuple(checks.listed("observe", "be a list of words", observe)), tau=tau)
    for cell in cells:
        check_phases(cell.phases)
        refuse_observables(record.observe, cell.sigma)
    whole = _Whole(len(cells), max((len(cell.phases) for cell in cells), default=0))
    lanes = Lanes.of(engine, numba.get_num_threads())

    def run(numbers: list[int]) -> tuple[list[int], _Ended]:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported by the status
            return numbers, _run_chunk([cells[number] for number in numbers], engine, test_directions, record)

    for numbers, ended in side_by_side(run, list(cut(cells, lanes)), lanes):
        whole.add(numbers, ended)
        if progress is not None:
            progress(len(numbers))
    return whole.dataset()


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
"""Dimensions and value of each variable that was observed of one cell at the end of one phase."""


@dataclass(frozen=True)
class _Ended:
    """What is kept of the cells of one chunk."""

    ends: dict[str, np.ndarray]
    """Summary of each cell's end, (T,) each."""
    by_label: np.ndarray
    """Test error without label flips of each cell, by true label +1 and -1, (T, 2)."""
    phase_steps: np.ndarray
    """Steps taken in each phase, (T, phases)."""
    observed: list[list[_Observed]]
    """What was observed at the end of each phase of each cell; empty if nothing was asked for."""


def _run_chunk(cells: Sequence[Cell], engine: str, directions: int, record: Record) -> _Ended:
    """Train, observe and summarise cells of one shape; what trainings have in common is done once."""
    first = leaders([cell.family for cell in cells])  # of each cell the first that has come the same way
    machine = make_engine(engine, _instances(cells, first, "ambient" if engine == "dense" else "frame"))
    failed = np.zeros(len(cells), dtype=bool)
    steps = np.empty((len(cells), len(cells[0].phases)), dtype=np.int64)
    observed: list[list[_Observed]] = [[] for _ in cells] if record.observe else []
    named = {str(phase.stop_forget_loss_above) for cell in cells for phase in cell.phases}
    for number in range(steps.shape[1]):
        phases = [cell.phases[number] for cell in cells]
        first = leaders(list(zip(first, phases, strict=True)))
        machine.begin(compile_phases(phases, machine.instances))
        machine.follow(first)
        _advance(machine, np.array([phase.steps for phase in phases]))
        machine.catch_up(first)
        steps[:, number] = machine.steps
        failed |= [status is Status.NONFINITE for status in machine.status]
        for t, rows in enumerate(observed):
            rows.append(_observe(machine, t, directions, record) if first[t] == t else observed[first[t]][number])
        machine.end(named)
    machine.finish()
    tests = measure_test_error(machine, range(len(cells)), directions)
    return _Ended(summarise(machine, tests, steps.sum(axis=1), failed), tests.clean_error_by_label, steps, observed)


def _instances(cells: Sequence[Cell], first: Sequence[int], space: Space) -> list[Instance]:
    """The instance of each cell; cells of a family have the same."""
    drawn = {number: cells[number].instance(space) for number in sorted({*first})}
    return [drawn[number] for number in first]


def _observe(machine: Engine, t: int, directions: int, record: Record) -> _Observed:
    """What is asked for at the end of a phase."""
    plan = machine.plans[t]
    tau = plan.updates[0].tau if record.tau is None else record.tau
    snapshot = Snapshot(
        machine.instances[t], plan, machine.coefficients[t], machine.preactivations[t], tau,
        lambda: measure_test_error(machine, [t], directions).select(0),
    )  # fmt: skip
    observed: _Observed = {}
    for word in record.observe:
        if tau > 0.0 or word not in NEEDS_RADIUS:
            observed.update(OBSERVABLES[word](snapshot))
    return observed


def _advance(machine: Engine, steps: np.ndarray) -> None:
    """Advance to each cell's own last step, drawing minibatches and turned labels a segment at a time."""
    if all(plan.batches.full and plan.turns.probability == 0.0 for plan in machine.plans):
        machine.advance(steps)
        return
    for until in range(SEGMENT, int(steps.max()) + SEGMENT, SEGMENT):
        machine.advance(np.minimum(until, steps))


class _Whole:
    """One array a variable over all cells, filled chunk by chunk; NaN where a cell has no such phase or observation.

    Args:
        count: Number of cells.
        phases: Largest number of phases of a cell.
    """

    def __init__(self, count: int, phases: int) -> None:
        self._count, self._phases = count, phases
        self._packed: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}

    def add(self, numbers: list[int], ended: _Ended) -> None:
        """Take what was kept of the cells of these numbers."""
        for name, values in ended.ends.items():
            dtype = "U9" if name == "status" else values.dtype
            self._array(name, (), (self._count,), dtype)[numbers] = values
        self._array("clean_error_by_label", ("label",), (self._count, 2), float)[numbers] = ended.by_label
        steps = self._array("phase_steps", ("phase",), (self._count, self._phases), float)
        steps[numbers, : ended.phase_steps.shape[1]] = ended.phase_steps
        for cell, rows in zip(numbers, ended.observed, strict=False):  # nothing was asked for: no rows
            for number, row in enumerate(rows):
                for name, (dims, value) in row.items():
                    called = f"phase_{name}" if name in ended.ends else name
                    shape = self._count, self._phases, *np.shape(value)
                    array = self._array(called, ("phase", *dims), shape, float)
                    if array.shape[2:] != np.shape(value):
                        checks.fail("observe", "not hold what differs in shape from cell to cell", name)
                    array[cell, number] = value

    def dataset(self) -> xarray.Dataset:
        """Everything along "cell"."""
        used = {dim for dims, _ in self._packed.values() for dim in dims}
        return xarray.Dataset(self._packed, coords={dim: labels for dim, labels in COORDINATES.items() if dim in used})

    def _array(self, name: str, dims: tuple[str, ...], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        if name not in self._packed:
            empty = np.full(shape, np.nan, dtype) if np.dtype(dtype).kind == "f" else np.zeros(shape, dtype)
            self._packed[name] = ("cell", *dims), empty
        return self._packed[name][1]
