"""One run: validate, draw, train through the phases, record, measure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np
import xarray

from simulate.dynamics.engines import ENGINES, Engine, make_engine
from simulate.dynamics.phases import Phase
from simulate.dynamics.plan import Plan, compile_phase
from simulate.dynamics.state import State, Status
from simulate.house import checks
from simulate.house.version import __version__
from simulate.problems.instance import Instance, Space
from simulate.problems.problem import Problem
from simulate.runs.checkpoint import Checkpoint, Keeper
from simulate.runs.measure import MOST_DIRECTIONS, is_finite, measure_fit, measure_test_error
from simulate.runs.observe import NEEDS_RADIUS, Snapshot, refuse_observables
from simulate.runs.record import Record
from simulate.runs.result import Result
from simulate.runs.slices import Slices
from simulate.runs.trace import Trace

__all__ = ["Progress", "check_phases", "run"]

Progress = Callable[[str, int, int], None]
"""What is told the name of a phase, the step reached and the steps of the phase."""


def run(
    problem: Problem | Instance,
    phases: Sequence[Phase],
    *,
    seed: int | None = None,
    engine: str = "numba",
    record: Record | None = None,
    start: State | None = None,
    test_directions: int = 1024,
    progress: Progress | None = None,
    keeper: Keeper | None = None,
) -> Result:
    """Train one network through phases.

    Args:
        problem: A `Problem`, drawn with the seed (in the exact frame; in R^d for engine "dense"), or an `Instance`.
        phases: The phases, in order, with different names.
        seed: Seed of everything random; None takes 0 for a problem and its own seed for an instance.
        engine: "numba" (fast), "numpy" (readable), "dense" (weights in R^d) or "cupy" (a GPU). They agree to rounding
            on the same data; "dense" draws a `Problem` in R^d, and so gets other data of the same law from the seed.
        record: What the trace holds; None takes `Record()`.
        start: State to go on from. The phase of its name is resumed (its `steps` count from the phase's
            beginning) and the phases before it are skipped; if no phase has that name all phases are run.
        test_directions: Noise directions the test error averages over.
        progress: Called with the phase's name, the step reached and the steps of the phase, some four times a second
            and at every recorded step.
        keeper: What is told where the run stands, as often; see `simulate.run_to_disk`, which keeps it. None keeps
            nothing.

    Returns:
        The result; how it ended is its `status`.

    Raises:
        ValueError: if an argument is out of range or the engine cannot honour an option; it names the argument.

    Example:
        >>> from simulate import NegGrad, Loss, SAM, SGD
        >>> phases = [Phase("pretrain", Loss(), SGD(lr=0.01), steps=200, stop_loss=0.05),
        ...           Phase("unlearn", NegGrad(alpha=0.7), SAM(lr=0.01, tau=0.03), steps=20)]
        >>> result = run(Problem(d=20_000, n=20, m=5), phases, seed=0)
        >>> result.retain_accuracy, result.status
        (1.0, <Status.MAX_STEPS: 'max_steps'>)
    """
    check_phases(phases)
    checks.choice("engine", engine, tuple(ENGINES))
    checks.integer("test_directions", test_directions, least=16, most=MOST_DIRECTIONS)
    record = Record() if record is None else record
    if not isinstance(record, Record):
        checks.fail("record", "be a Record", record)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported by the status
        instance = _instance(problem, seed, "ambient" if engine == "dense" else "frame")
        refuse_observables(record.observe, instance.activation)
        plans = [compile_phase(phase, instance) for phase in phases]
        radii = [_radius(plan, record) for plan in plans]
        machine = make_engine(engine, [instance])
        keeper = Keeper() if keeper is None else keeper
        before = keeper.begun()
        start = start if before is None else before.state
        if start is not None:
            _check_start(start, phases, instance)
            start = start if start.phase in [phase.name for phase in phases] else start.back
            machine.restore(0, start)
        course = _Course(machine, plans, radii, record, test_directions, progress or (lambda *_: None), keeper, before)
        course.train(start)
        attributes = _provenance(problem, phases, instance, engine, test_directions)
        return _pack(course, course.trace.dataset(attributes))


class _Course:
    """A run on its way through the phases.

    Attributes:
        trace: What was recorded.
        ended: How each phase ended.
        total: Steps of all phases.
        last: Where the last phase that ended did so, from where it can be resumed.
    """

    last: State

    def __init__(
        self, machine: Engine, plans: list[Plan], radii: list[float], record: Record, directions: int,
        progress: Progress, keeper: Keeper, before: Checkpoint | None,
    ) -> None:  # fmt: skip
        self.machine, self.directions = machine, directions
        self._plans, self._radii, self._record = plans, radii, record
        self._progress, self._keeper, self._slices = progress, keeper, Slices()
        self.trace = Trace(record.observe) if before is None else before.trace
        self.ended: dict[str, tuple[int, Status]] = {} if before is None else before.ended
        self._closest = np.inf if before is None else before.closest
        self.total = 0

    def train(self, start: State | None) -> None:
        """Go through the phases, from a state or from the beginning."""
        names = [plan.phase.name for plan in self._plans]
        first = names.index(start.phase) if start is not None and start.phase in names else 0
        if start is not None:
            self.total = start.total_steps
        for plan, radius in list(zip(self._plans, self._radii, strict=True))[first:]:
            name = plan.phase.name
            self.machine.begin([plan], resume=start is not None and name == names[first] and name == start.phase)
            self._go_through(plan, radius)
            finite = np.isfinite(self.machine.preactivations[0]).all()
            status = (self.machine.status[0] or Status.MAX_STEPS) if finite else Status.NONFINITE
            self.ended[name] = int(self.machine.steps[0]), status
            self.last = self.state(name)
            if status is Status.NONFINITE:
                return
            self.machine.end()
        self.machine.finish()

    @property
    def closest(self) -> float:
        """Smallest |pre-activation| at which a gradient was taken, before the run was cut, too."""
        return min(self._closest, self.machine.closest(0))

    def state(self, phase: str) -> State:
        """Where it stands, in a phase."""
        machine = self.machine
        weights = machine.weights(0)
        return State(
            coefficients=machine.coefficients[0].copy(),
            preactivations=machine.preactivations[0].copy(),
            phase=phase,
            steps=int(machine.steps[0]),
            total_steps=self.total,
            forget_part=machine.forget_parts[0],
            weights=None if weights is None else weights.copy(),
            forget_coordinates=machine.forget_coordinates(0),
            forget_losses=dict(machine.forget_losses[0]),
            left=machine.left[0],
            initial_share=None if (machine.initial_shares[0] == 1.0).all() else machine.initial_shares[0].copy(),
            reference=machine.references[0],
            velocity={name: array.copy() for name, array in machine.velocities[0].items()} or None,
        )

    def _go_through(self, plan: Plan, radius: float) -> None:
        """Advance from one recorded step to the next; in between, tell how far it is."""
        machine, name = self.machine, plan.phase.name
        before = self.total - int(machine.steps[0])
        for until in self._record.steps(plan.phase.steps):
            if until < machine.steps[0] or machine.status[0] is not None:
                continue
            for _ in self._slices.advance(machine, int(until)):
                self.total = before + int(machine.steps[0])
                self._progress(name, int(machine.steps[0]), plan.phase.steps)
                self._keeper.stands(lambda: Checkpoint(self.state(name), self.ended, self.closest, self.trace))
            self.total = before + int(machine.steps[0])
            self.trace.add(_snapshot(machine, plan, radius, self.directions), self.total, int(machine.steps[0]))
            self._progress(name, int(machine.steps[0]), plan.phase.steps)


def check_phases(phases: Sequence[Phase]) -> None:
    """Require at least one phase, and different names."""
    if not isinstance(phases, Sequence) or not all(isinstance(phase, Phase) for phase in phases):
        checks.fail("phases", "be a list of Phase", phases)
    names = [phase.name for phase in phases]
    if not names:
        raise ValueError("Argument `phases` must hold at least one phase, but is empty.")
    if len(set(names)) < len(names):
        checks.fail("phases", "have different names", names)
    for number, phase in enumerate(phases):
        named = phase.stop_forget_loss_above
        if isinstance(named, str) and named not in names[:number]:
            raise ValueError(
                f'Argument `stop_forget_loss_above` of phase "{phase.name}" must name a phase before it, '
                f"but is {named!r}."
            )


def _instance(problem: Problem | Instance, seed: int | None, space: Space) -> Instance:
    if seed is not None:
        checks.integer("seed", seed, least=0)
    if isinstance(problem, Problem):
        return Instance.draw(problem, 0 if seed is None else int(seed), space=space)
    if not isinstance(problem, Instance):
        checks.fail("problem", "be a Problem or an Instance", problem)
    return problem if seed is None else replace(problem, seed=int(seed))


def _check_start(start: State, phases: Sequence[Phase], instance: Instance) -> None:
    if not isinstance(start, State):
        checks.fail("start", "be a State", start)
    if start.steps < 0 or start.total_steps < start.steps:
        checks.fail("start", "have taken its steps", (start.steps, start.total_steps))
    planned = {phase.name: phase.steps for phase in phases}.get(start.phase, start.steps)
    if start.steps > planned:
        raise ValueError(
            f'Argument `start` must not be past the {planned} steps of phase "{start.phase}", but is at {start.steps}.'
        )
    parts = {phase.name: phase.optimizer.partition_of_network() for phase in phases}.get(start.phase)
    if parts is not None and not parts.by_coordinate and start.forget_part is None:
        raise ValueError(f'Argument `start` must hold the parts of the network in phase "{start.phase}", but has none.')
    shape = instance.geometry.start.shape
    for array in (start.coefficients, start.preactivations):
        if array.shape != shape:
            raise ValueError(f"Argument `start` must fit the shape {shape}, but holds an array {array.shape}.")
    if not np.isfinite(start.preactivations).all() or np.isinf(start.coefficients).any():
        raise ValueError("Argument `start` must be finite, but holds NaN or infinity.")


def _radius(plan: Plan, record: Record) -> float:
    """The radius at which deactivation and sharpness are measured in a phase."""
    tau = plan.updates[0].tau if record.tau is None else record.tau
    wanted = set(NEEDS_RADIUS).intersection(record.observe)
    if wanted and tau == 0.0:
        raise ValueError(
            f'Argument `tau` of Record must be given to observe {sorted(wanted)} in phase "{plan.phase.name}", '
            "whose optimizer has no radius."
        )
    return tau


def _snapshot(machine: Engine, plan: Plan, tau: float, directions: int) -> Snapshot:
    return Snapshot(
        machine.instances[0],
        plan,
        machine.coefficients[0],
        machine.preactivations[0],
        tau,
        lambda: measure_test_error(machine, [0], directions).select(0),
    )


def _provenance(
    problem: Problem | Instance, phases: Sequence[Phase], instance: Instance, engine: str, directions: int
) -> dict[str, object]:
    """What is needed to make the numbers again."""
    described = [
        asdict(phase) | {"objective": repr(phase.objective), "optimizer": repr(phase.optimizer)} for phase in phases
    ]
    data = problem.described() if isinstance(problem, Problem) else {"source": instance.source}
    return {
        "problem": json.dumps(data),
        "phases": json.dumps(described),
        "seed": instance.seed,
        "engine": engine,
        "test_directions": directions,
        "version": __version__,
    }


def _pack(course: _Course, trace: xarray.Dataset) -> Result:
    machine, ended = course.machine, course.ended
    instance, c, z = machine.instances[0], machine.coefficients[0], machine.preactivations[0]
    zeta = instance.geometry.zeta(c, instance.multiplicity)
    name, (steps, status) = list(ended.items())[-1]
    fit, test = measure_fit(instance, z), measure_test_error(machine, [0], course.directions).select(0)
    if not is_finite(machine, 0, test):
        ended[name] = steps, (status := Status.NONFINITE)
    return Result(
        kappa=instance.geometry.kappa(c),
        zeta=zeta if instance.patches == 1 else zeta.reshape(2, instance.m, instance.n, instance.patches),
        trace=trace,
        test=test,
        train_loss=fit.train_loss,
        retain_accuracy=fit.retain_accuracy,
        forget_accuracy=fit.forget_accuracy,
        status=status,
        phases=ended,
        kink_margin=course.closest / float(np.abs(z).max()),
        state=course.last,
        instance=instance,
    )
