"""Sweeps with the engine "cupy" from end to end, and what of them stays on the host."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numba
import numpy as np

from simulate import Instance, sweep
from simulate.dynamics.engines import Engine, make_engine
from simulate.dynamics.plan import compile_phase
from simulate.runs.measure import measure_test_error
from simulate.runs.summary import summarise
from tests.benchmarks.measurement import Figure
from tests.benchmarks.sweeps import COUPLED, PHASES, PROBLEM, map_axes

__all__ = ["host_parts", "swept"]

POINTS, SEEDS = 100, 10
"""Points of each of the two axes, and seeds: 10^5 trainings."""

DIRECTIONS = 64

ON_HOST = 2_000
"""Trainings whose parts on the host are timed."""

MANY = 10**7


def swept() -> Iterator[Figure]:
    """The map of 10^5 trainings as `sweep` gives it: drawn, compiled, trained, tested, summarised and written."""
    count = POINTS**2 * SEEDS
    _seconds("cupy", 1)  # what is loaded and compiled once
    card = _seconds("cupy", SEEDS)
    before = numba.get_num_threads()
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    try:
        cores = _seconds("numba", 1) * SEEDS
    finally:
        numba.set_num_threads(before)
    yield Figure(f'sweep(engine="cupy") of {count:,} trainings, end to end, {before} threads', f"{card:.1f} s")
    yield Figure("the same on two cores, numba, by a tenth of the seeds", f"{cores:.1f} s, {cores / card:.1f}×")
    yield Figure("10^7 trainings, end to end, extrapolated", f"{card * MANY / count:.0f} s")
    parts = host_parts()
    for name, spent in parts.items():
        yield Figure(f"10^7 trainings, {name} on one core, extrapolated", f"{spent * MANY:.0f} s")
    yield Figure("10^7 trainings, all that stays on the host, on one core", f"{sum(parts.values()) * MANY:.0f} s")


def _seconds(engine: str, seeds: int) -> float:
    """Seconds of a sweep over the map, on disk."""
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        sweep(
            PROBLEM, PHASES, axes=map_axes(POINTS), seeds=range(seeds), coupled=COUPLED, test_directions=DIRECTIONS,
            engine=engine, out=Path(folder) / "map.zarr",
        )  # fmt: skip
        return perf_counter() - begin


def host_parts() -> dict[str, float]:
    """Seconds of one training that no engine takes to the card, on one thread, by part."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        measure_test_error(_ended(_drawn(16)), range(16), DIRECTIONS)  # compiles
        times = [perf_counter()]
        drawn = _drawn(ON_HOST)
        times.append(perf_counter())
        plans = [compile_phase(PHASES[0], instance) for instance in drawn]
        machine = make_engine("numba", drawn)
        machine.begin(plans)
        times.append(perf_counter())
        machine.advance(PHASES[0].steps)
        times.append(perf_counter())
        tests = measure_test_error(machine, range(ON_HOST), DIRECTIONS)
        times.append(perf_counter())
        summarise(machine, tests, machine.steps, np.zeros(ON_HOST, dtype=bool))
        times.append(perf_counter())
    finally:
        numba.set_num_threads(before)
    names = ("drawing", "compiling phases", "steps", "test errors", "summaries")
    spent = dict(zip(names, np.diff(times) / ON_HOST, strict=True))
    return {name: float(seconds) for name, seconds in spent.items() if name != "steps"}


def _drawn(count: int) -> list[Instance]:
    drawn = [Instance.draw(PROBLEM, seed) for seed in range(count)]
    for instance in drawn:
        instance.geometry  # noqa: B018  part of drawing
    return drawn


def _ended(drawn: list[Instance]) -> Engine:
    machine = make_engine("numba", drawn)
    machine.begin([compile_phase(PHASES[0], instance) for instance in drawn])
    machine.advance(PHASES[0].steps)
    return machine
