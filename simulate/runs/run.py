"""One run: validate, draw, train through the phases, record, measure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np
import xarray

from simulate.dynamics.engines import Engine, make_engine
from simulate.dynamics.optimizers import SharpMinMax
from simulate.dynamics.phases import Phase
from simulate.dynamics.plan import Plan, compile_phase
from simulate.dynamics.state import State, Status
from simulate.house import checks
from simulate.house.version import __version__
from simulate.problems.instance import Instance, Space
from simulate.problems.problem import Problem
from simulate.runs.measure import MOST_DIRECTIONS, is_finite, measure_fit, measure_test_error
from simulate.runs.observe import NEEDS_RADIUS, Snapshot
from simulate.runs.record import Record
from simulate.runs.result import Result
from simulate.runs.trace import Trace

__all__ = ["check_phases", "run"]

Progress = Callable[[str, int, int], None]


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
        progress: Called with the phase's name, the step reached and the steps of the phase.

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
    checks.integer("test_directions", test_directions, least=16, most=MOST_DIRECTIONS)
    record = Record() if record is None else record
    if not isinstance(record, Record):
        checks.fail("record", "be a Record", record)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported by the status
        instance = _instance(problem, seed, "ambient" if engine == "dense" else "frame")
        plans = [compile_phase(phase, instance) for phase in phases]
        radii = [_radius(plan, record) for plan in plans]
        machine = make_engine(engine, [instance])
        if start is not None:
            _check_start(start, phases, instance)
            machine.restore(0, start)
        trace, ended, total = _train(machine, plans, radii, record, start, test_directions, progress)
        attributes = _provenance(problem, phases, instance, engine, test_directions)
        return _pack(machine, trace.dataset(attributes), ended, total, test_directions)


def _train(
    machine: Engine,
    plans: list[Plan],
    radii: list[float],
    record: Record,
    start: State | None,
    directions: int,
    progress: Progress | None,
) -> tuple[Trace, dict[str, tuple[int, Status]], int]:
    """Go through the phases; returns the trace, how each phase ended and the steps of all."""
    names = [plan.phase.name for plan in plans]
    first = names.index(start.phase) if start is not None and start.phase in names else 0
    total = 0 if start is None else start.total_steps
    trace = Trace(record.observe)
    ended: dict[str, tuple[int, Status]] = {}
    for number in range(first, len(plans)):
        plan, phase = plans[number], plans[number].phase
        machine.begin([plan], resume=start is not None and number == first and phase.name == start.phase)
        before = total - int(machine.steps[0])
        for until in record.steps(phase.steps):
            if until < machine.steps[0] or machine.status[0] is not None:
                continue
            machine.advance(int(until))
            total = before + int(machine.steps[0])
            trace.add(_snapshot(machine, plan, radii[number], directions), total, int(machine.steps[0]))
            if progress is not None:
                progress(phase.name, int(machine.steps[0]), phase.steps)
        finite = np.isfinite(machine.preactivations[0]).all()
        status = (machine.status[0] or Status.MAX_STEPS) if finite else Status.NONFINITE
        ended[phase.name] = int(machine.steps[0]), status
        if status is Status.NONFINITE:
            break
    return trace, ended, total


def check_phases(phases: Sequence[Phase]) -> None:
    """Require at least one phase, and different names."""
    if not isinstance(phases, Sequence) or not all(isinstance(phase, Phase) for phase in phases):
        checks.fail("phases", "be a list of Phase", phases)
    names = [phase.name for phase in phases]
    if not names:
        raise ValueError("Argument `phases` must hold at least one phase, but is empty.")
    if len(set(names)) < len(names):
        checks.fail("phases", "have different names", names)


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
    split = {
        phase.name
        for phase in phases
        if isinstance(phase.optimizer, SharpMinMax) and phase.optimizer.partition == "filter"
    }
    if start.phase in split and start.forget_part is None:
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
    data = asdict(problem) if isinstance(problem, Problem) else {"source": instance.source}
    return {
        "problem": json.dumps(data),
        "phases": json.dumps(described),
        "seed": instance.seed,
        "engine": engine,
        "test_directions": directions,
        "version": __version__,
    }


def _pack(
    machine: Engine, trace: xarray.Dataset, ended: dict[str, tuple[int, Status]], total: int, directions: int
) -> Result:
    instance, c, z = machine.instances[0], machine.coefficients[0], machine.preactivations[0]
    weights = machine.weights(0)
    zeta = instance.geometry.zeta(c, instance.multiplicity)
    name, (steps, status) = list(ended.items())[-1]
    fit, test = measure_fit(instance, z), measure_test_error(machine, [0], directions).select(0)
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
        kink_margin=machine.closest(0) / float(np.abs(z).max()),
        state=State(
            coefficients=c.copy(),
            preactivations=z.copy(),
            phase=name,
            steps=int(machine.steps[0]),
            total_steps=total,
            forget_part=machine.forget_parts[0],
            weights=None if weights is None else weights.copy(),
        ),
        instance=instance,
    )
