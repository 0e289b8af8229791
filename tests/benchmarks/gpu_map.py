"""The steps of the engine "cupy" beside those of two CPU cores and the limits of the card, for several problems."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numba
import numpy as np

from simulate import SGD, Instance, Loss, Phase, Problem
from simulate.dynamics.cuda.device import Gpu
from simulate.dynamics.cuda.layout import Layout, Shape, choose_layout, lay_out, resident_blocks
from simulate.dynamics.engines import Engine, make_engine
from simulate.dynamics.engines.gpu import CupyEngine
from simulate.dynamics.plan import compile_phase
from tests.benchmarks.ceilings import device_seconds, fma_per_second, shared_bytes_per_second
from tests.benchmarks.gpu_options import Options
from tests.benchmarks.measurement import Figure
from tests.benchmarks.workloads import OPTIMIZERS, instances

__all__ = ["large_problems", "map_of_steps", "problems"]

DISTINCT, STEPS, TIMES = 2_000, 100, 5
"""Networks of the map that are drawn, the others being these again; steps of larger problems; launches timed."""


def map_of_steps(device: Gpu, options: Options) -> Iterator[Figure]:
    """A map of trainings, n = 20, m = 10: the steps alone, in blocks of every size, then beside two cores."""
    problem = Problem(d=500, n=20, m=10, signal=5.0, sigma_0=1e-2, label_flip=0.1, forget=0.0)
    count, steps = options.trainings, options.steps
    distinct = instances(problem, min(DISTINCT, count))
    phase = Phase("train", Loss(), SGD(lr=20.0 / problem.d), steps=steps)
    repeated = [distinct[number % len(distinct)] for number in range(count)]
    _, first = _advanced(repeated, phase)
    yield Figure(f"map of {count:,} trainings, {steps} steps, with copies, the first time", f"{first:.2f} s")
    _, there_and_back = _advanced(repeated, phase)
    times = {}
    for layout, spent in _by_groups(device, _timed(repeated, phase), Shape(20, 10, 21, perturbs=False)):
        times[layout] = spent
        yield Figure(f"map, blocks of {layout}", f"{1e3 * spent:.1f} ms")
    best = min(times.values())
    yield Figure("map, best block", min(times, key=times.__getitem__))
    yield Figure("map, steps a second on the card", f"{count * steps / best:.2e}")
    yield Figure("map, steps a second with copies", f"{count * steps / there_and_back:.2e}")
    tried = repeated[: -(-count // 10)]
    cpu = _cpu_seconds(tried, phase) * count / len(tried)
    yield Figure("map on two cores, numba", f"{cpu:.1f} s")
    yield Figure("map, steps on the card: speed-up", f"{cpu / best:.0f}×", "≥ 100×", cpu >= 100 * best)
    yield Figure("map, with copies to and from the card", f"{there_and_back:.2f} s, {cpu / there_and_back:.0f}×")
    yield Figure("10^7 trainings, steps and copies, extrapolated", f"{there_and_back * 1e7 / count:.0f} s")
    yield from _fractions(device, count * steps / best)


def _cpu_seconds(drawn: list[Instance], phase: Phase) -> float:
    before = numba.get_num_threads()
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    try:
        _advanced(drawn[:100], phase, "numba")
        return sorted(_advanced(drawn, phase, "numba")[1] for _ in range(3))[1]
    finally:
        numba.set_num_threads(before)


def _begin(engine: str, drawn: list[Instance], phase: Phase) -> Engine:
    machine = make_engine(engine, drawn)
    machine.begin([compile_phase(phase, instance) for instance in drawn])
    return machine


def _advanced(drawn: list[Instance], phase: Phase, engine: str = "cupy") -> tuple[Engine, float]:
    """All steps of a phase, and their seconds."""
    machine = _begin(engine, drawn, phase)
    begin = perf_counter()
    machine.advance(phase.steps)
    return machine, perf_counter() - begin


class _TimedEngine(CupyEngine):
    """Launches the kernel again and again from where it stands, and stays there."""

    layout: Layout
    """How a trajectory lies in a block."""
    spent: float = np.nan
    """Seconds of all steps on the card in that layout, without copies: the median of the launches after the first."""

    def _launch(self, arrays: tuple) -> None:
        times = []
        for _ in range(1 + TIMES):
            arguments = self._arguments(arrays)
            times.append(
                device_seconds(self._gpu.cupy, lambda given=arguments: self._gpu.launch(self.layout, given))  # type: ignore[misc]
            )
        self.spent = sorted(times[1:])[TIMES // 2]


def _timed(drawn: list[Instance], phase: Phase) -> _TimedEngine:
    machine = _TimedEngine(drawn)
    machine.begin([compile_phase(phase, instance) for instance in drawn])
    return machine


def _by_groups(device: Gpu, machine: _TimedEngine, shape: Shape) -> Iterator[tuple[str, float]]:
    """Seconds of all steps on the card, for every number of groups of threads that a block may have."""
    for groups in range(1, shape.tiles + 1):
        layout = lay_out(shape, device.card.block_bytes, groups)
        if layout is not None:
            blocks = resident_blocks(layout, device.kernel.num_regs, device.card)
            yield f"{layout.lanes} × {groups}, {blocks} at a time", _kernel_seconds(machine, layout)


def _kernel_seconds(machine: _TimedEngine, layout: Layout) -> float:
    """Seconds of all steps of a phase on the card, from the initial weights, without copies."""
    machine.layout = layout
    machine.advance(machine.plans[0].phase.steps)
    return machine.spent


def _fractions(device: Gpu, work: float) -> Iterator[Figure]:
    """So many steps a second beside the card's limits; idle threads and what is not arithmetic count as lost."""
    fma, shared = (limit(device.cupy, device.card.processors) for limit in (fma_per_second, shared_bytes_per_second))
    done, moved = work * 20 * 20 * 21, work * 128 * (2 * 20 * 4 + 20 * 10)
    yield Figure("float64 limit, measured", f"{2 * fma / 1e12:.1f} TFLOP/s")
    yield Figure("map: fraction of it, counted as dense products", f"{done / fma:.1%}")
    yield Figure("shared-memory limit, measured", f"{shared / 1e12:.1f} TB/s")
    yield Figure("map: fraction of it", f"{moved / shared:.1%}")


def problems(device: Gpu, _: Options) -> Iterator[Figure]:
    """Larger problems in shared memory, and SAM."""
    for n, count in ((20, 4000), (100, 1000), (200, 500)):
        problem = Problem(d=20_000, n=n, m=10, signal=6.0, sigma_0=1e-3)
        drawn = (instances(problem, 50) * (count // 50))[:count]
        for name, make in OPTIMIZERS.items():
            phase = Phase("train", Loss(), make(problem), steps=STEPS)
            shape = Shape(n, 10, n + 1, perturbs=name == "SAM")
            layout = choose_layout(shape, device.kernel.num_regs, device.card)
            assert layout is not None
            spent = _kernel_seconds(_timed(drawn, phase), layout)
            cpu = _cpu_seconds(drawn[: count // 4], phase) * 4
            value = f"{cpu / spent:.0f}×, {1e9 * spent / count / STEPS:.0f} ns, {layout.held} of {n + 1} Gram rows near"
            yield Figure(f"{name}, n = {n}: card / two cores, per step", value)


def large_problems(device: Gpu, _: Options) -> Iterator[Figure]:
    """Lockstep: problems whose state has no room in shared memory."""
    for n, count in ((1000, 16), (4000, 4)):
        problem = Problem(d=100_000, n=n, m=10, signal=6.0, sigma_0=1e-3)
        phase = Phase("train", Loss(), OPTIMIZERS["SAM"](problem), steps=20)
        drawn = instances(problem, 2) * (count // 2)
        machine = _begin("cupy", drawn, phase)
        machine.advance(2)
        begin = perf_counter()
        machine.advance(phase.steps)
        spent = (perf_counter() - begin) * phase.steps / (phase.steps - 2)
        cpu = _cpu_seconds(drawn, phase)
        yield Figure(f"SAM, n = {n}, lockstep: card with copies / two cores", f"{cpu / spent:.1f}×")
