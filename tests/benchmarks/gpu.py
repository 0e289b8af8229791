r"""The engine "cupy" against two CPU cores and against its card: `python -m tests.benchmarks gpu`.

What to expect of an H100 (132 multiprocessors at 1.7 GHz), counted before any measurement. A step of n = 20, m = 10
without SAM is 2m n L = 8,400 multiplications with addition, 130 cycles of a multiprocessor's 64 float64 lanes if all
of them worked; 21 of a warp's 32 threads do, which makes 200. Its shared memory moves 128 bytes a cycle and is asked
for 4 of them for each tile and noise vector and 10 a filter: 360 cycles. The compiled kernel (122 registers, nothing
in local memory) issues 60 instructions for each tile and noise vector and some 1,500 besides: 1,000 cycles at four a
cycle, and so the limit. 10^7 steps, a map of 10^5 trainings, should thus take 0.05 to 0.1 s once the data are there;
16 warps are resident, limited by registers, which may cost a factor of two. The copies to the card (1 GB) take as long
again, and drawing the problems and estimating test errors, which stay on the host, far longer than both: the sweep
from end to end is limited by the host, and so is what is reported of 10^7 trainings.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest import mock

import numba
import numpy as np
from rich.markup import escape

from simulate import SGD, Instance, Loss, Phase, Problem
from simulate.dynamics.cuda.device import Gpu, find_gpu
from simulate.dynamics.cuda.layout import Layout, Shape, choose_layout, lay_out, resident_blocks
from simulate.dynamics.engines import Engine, make_engine
from simulate.dynamics.engines.gpu import CupyEngine
from simulate.dynamics.plan import compile_phase
from tests.benchmarks.ceilings import device_seconds, fma_per_second, shared_bytes_per_second
from tests.benchmarks.gpu_sweep import swept
from tests.benchmarks.measurement import Figure
from tests.benchmarks.workloads import OPTIMIZERS, instances
from tests.oracles.configurations import configurations

__all__ = ["RESULTS", "gpu"]

RESULTS = Path("results/gpu.json")
"""Where the figures of the last run are kept, with the names of the card and of the processor."""

TRAININGS, DISTINCT, STEPS, ON_CPU = 100_000, 2_000, 100, 10_000
TOLERANCE, KINK = 1e-9, 1e-10


def gpu() -> Iterator[Figure]:
    """All figures of the GPU engine; a single sentence where there is none."""
    try:
        device = find_gpu()
    except ValueError as error:
        yield Figure("GPU", escape(f"not measured: {error}"))
        return
    figures = []
    for part in (_equality, _map, lambda _: swept(), _problems, _large):
        for figure in part(device):
            figures.append(figure)
            yield figure
    properties = device.cupy.cuda.runtime.getDeviceProperties(device.cupy.cuda.Device().id)
    machine = {
        "card": properties["name"].decode(), "processor": platform.processor() or platform.machine(),
        "cupy": device.cupy.__version__, "numba": numba.__version__,
        "registers": device.kernel.num_regs, "local bytes": device.kernel.local_size_bytes,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "figures": [asdict(each) for each in figures]}, indent=2))


def _begin(engine: str, drawn: list[Instance], phase: Phase) -> Engine:
    machine = make_engine(engine, drawn)
    machine.begin([compile_phase(phase, instance) for instance in drawn])
    return machine


def _equality(device: Gpu) -> Iterator[Figure]:
    """Both ways through the GPU against numba, over random plans of every kind."""
    for name, layout in (("kernel", choose_layout), ("lockstep", lambda *_: None)):
        errors, on_kink, runs = [], 0, configurations(96, steps=200)
        for each in runs:
            instance = replace(Instance.draw(each.problem, each.seed), noise_law=None)
            ends = []
            for engine in ("numba", "cupy"):
                machine = make_engine(engine, [instance])
                with mock.patch("simulate.dynamics.engines.gpu.choose_layout", layout), np.errstate(all="ignore"):
                    for phase in each.phases:
                        machine.begin([compile_phase(phase, instance)])
                        machine.advance(phase.steps)
                ends.append(machine)
            if min(machine.closest(0) for machine in ends) < KINK:
                on_kink += 1
                continue
            here, there = (machine.preactivations for machine in ends)
            errors.append(float(np.abs(here - there).max() / np.abs(there).max()))
        value = f"{max(errors):.1e} (of {len(runs)} plans, {on_kink} on a kink)"
        yield Figure(f"{name}: largest relative error", value, f"≤ {TOLERANCE:g}", max(errors) <= TOLERANCE)


def _map(device: Gpu) -> Iterator[Figure]:
    """The map of 10^5 trainings, n = 20, m = 10, 100 epochs: the steps alone."""
    problem = Problem(d=500, n=20, m=10, signal=5.0, sigma_0=1e-2, label_flip=0.1, forget=0.0)
    distinct = instances(problem, DISTINCT)
    phase = Phase("train", Loss(), SGD(lr=20.0 / problem.d), steps=STEPS)
    repeated = [distinct[number % DISTINCT] for number in range(TRAININGS)]
    cpu = _cpu_seconds(repeated[:ON_CPU], phase) * TRAININGS / ON_CPU
    machine = _begin("cupy", repeated, phase)
    begin = perf_counter()
    machine.advance(STEPS)
    first = perf_counter() - begin
    machine = _begin("cupy", repeated, phase)
    begin = perf_counter()
    machine.advance(STEPS)
    there_and_back = min(first, perf_counter() - begin)
    times = dict(_by_groups(device, machine, Shape(20, 10, 21, perturbs=False)))
    yield from (Figure(f"map, blocks of {layout}", f"{1e3 * spent:.1f} ms") for layout, spent in times.items())
    best = min(times.values())
    yield Figure("map on two cores, numba", f"{cpu:.1f} s")
    yield Figure("map, steps on the card: speed-up", f"{cpu / best:.0f}×", "≥ 100×", cpu >= 100 * best)
    yield Figure("map, with copies to and from the card", f"{there_and_back:.2f} s, {cpu / there_and_back:.0f}×")
    yield from _fractions(device, best)
    yield Figure("10^7 trainings, steps and copies, extrapolated", f"{there_and_back * 1e7 / TRAININGS:.0f} s")


def _cpu_seconds(drawn: list[Instance], phase: Phase) -> float:
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    _begin("numba", drawn[:100], phase).advance(phase.steps)
    times = []
    for _ in range(3):
        machine = _begin("numba", drawn, phase)
        begin = perf_counter()
        machine.advance(phase.steps)
        times.append(perf_counter() - begin)
    return sorted(times)[1]


def _by_groups(device: Gpu, machine: Engine, shape: Shape) -> Iterator[tuple[str, float]]:
    """Seconds of all steps on the card, for every number of groups of threads that a block may have."""
    for groups in range(1, shape.tiles + 1):
        layout = lay_out(shape, device.card.block_bytes, groups)
        if layout is not None:
            blocks = resident_blocks(layout, device.kernel.num_regs, device.card)
            yield f"{layout.lanes} × {groups}, {blocks} at a time", _kernel_seconds(device, machine, layout)


def _kernel_seconds(device: Gpu, machine: Any, layout: Layout) -> float:
    """Seconds of all steps of a phase on the card, from the initial weights, without copies."""
    assert isinstance(machine, CupyEngine)
    cupy, shape, T = device.cupy, machine._gram.shape, len(machine.instances)
    start = cupy.asarray(np.stack([each.geometry.start for each in machine.instances]).reshape(T, -1, shape[-1]))
    until = np.array([plan.phase.steps for plan in machine.plans])
    labels, updates, rules = machine._constants
    present = cupy.asarray(machine._present(until, np.zeros(T, dtype=np.int64)))
    times = []
    for _ in range(6):
        c, z, closest = cupy.zeros_like(start), start.copy(), cupy.full((T, shape[-1]), np.inf)
        steps, status = cupy.zeros(T, dtype=cupy.int64), cupy.zeros(T, dtype=cupy.int64)
        arguments = (
            c, z, machine._gram_there, labels, updates, present, rules, cupy.asarray(until), closest,
            float(machine.instances[0].multiplicity), steps, status,
        )  # fmt: skip
        times.append(device_seconds(cupy, lambda given=arguments: device.launch(layout, given)))
    return sorted(times[1:])[2]


def _fractions(device: Gpu, spent: float) -> Iterator[Figure]:
    """The map beside the card's measured limits; idle threads and what is not arithmetic count as lost."""
    fma, shared = (limit(device.cupy, device.card.processors) for limit in (fma_per_second, shared_bytes_per_second))
    work = TRAININGS * STEPS / spent
    done, moved = work * 20 * 20 * 21, work * 128 * (2 * 20 * 4 + 20 * 10)
    yield Figure("float64 limit, measured", f"{2 * fma / 1e12:.1f} TFLOP/s")
    yield Figure("map: fraction of it, counted as dense products", f"{done / fma:.1%}")
    yield Figure("shared-memory limit, measured", f"{shared / 1e12:.1f} TB/s")
    yield Figure("map: fraction of it", f"{moved / shared:.1%}")


def _problems(device: Gpu) -> Iterator[Figure]:
    """Larger problems in shared memory, and SAM."""
    for n, count in ((20, 4000), (100, 1000), (200, 500)):
        problem = Problem(d=20_000, n=n, m=10, signal=6.0, sigma_0=1e-3)
        drawn = (instances(problem, 50) * (count // 50))[:count]
        for name, make in OPTIMIZERS.items():
            phase = Phase("train", Loss(), make(problem), steps=STEPS)
            shape = Shape(n, 10, n + 1, perturbs=name == "SAM")
            layout = choose_layout(shape, device.kernel.num_regs, device.card)
            assert layout is not None
            spent = _kernel_seconds(device, _begin("cupy", drawn, phase), layout)
            cpu = _cpu_seconds(drawn[: count // 4], phase) * 4
            value = f"{cpu / spent:.0f}×, {1e9 * spent / count / STEPS:.0f} ns, {layout.held} of {n + 1} Gram rows near"
            yield Figure(f"{name}, n = {n}: card / two cores, per step", value)


def _large(device: Gpu) -> Iterator[Figure]:
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
