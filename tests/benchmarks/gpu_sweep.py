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

DIRECTIONS = 64

MANY = 10**7


def swept(points: int, seeds: int, on_host: int) -> Iterator[Figure]:
    """A map as `sweep` gives it: drawn, compiled, trained, tested, summarised and written.

    Args:
        points: Points of each of the two axes.
        seeds: Seeds at each of them.
        on_host: Trainings whose parts on the host are timed.
    """
    count = points**2 * seeds
    _seconds("cupy", points, 1)  # what is loaded and compiled once
    card = _seconds("cupy", points, seeds)
    before = numba.get_num_threads()
    yield Figure(f'sweep(engine="cupy") of {count:,} trainings, end to end, {before} threads', f"{card:.1f} s")
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    try:
        cores = _seconds("numba", points, 1) * seeds
    finally:
        numba.set_num_threads(before)
    yield Figure("the same on two cores, numba, by one of the seeds", f"{cores:.1f} s, {cores / card:.1f}×")
    yield Figure("10^7 trainings, end to end, extrapolated", f"{card * MANY / count:.0f} s")
    parts = host_parts(on_host)
    for name, spent in parts.items():
        yield Figure(f"10^7 trainings, {name} on one core, extrapolated", f"{spent * MANY:.0f} s")
    yield Figure("10^7 trainings, all that stays on the host, on one core", f"{sum(parts.values()) * MANY:.0f} s")


def _seconds(engine: str, points: int, seeds: int) -> float:
    """Seconds of a sweep over the map, on disk."""
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        sweep(
            PROBLEM, PHASES, axes=map_axes(points), seeds=range(seeds), coupled=COUPLED, test_directions=DIRECTIONS,
            engine=engine, out=Path(folder) / "map.zarr",
        )  # fmt: skip
        return perf_counter() - begin


def host_parts(on_host: int) -> dict[str, float]:
    """Seconds of one training that no engine takes to the card, on one thread, by part."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        measure_test_error(_ended(_drawn(16)), range(16), DIRECTIONS)  # compiles
        times = [perf_counter()]
        drawn = _drawn(on_host)
        times.append(perf_counter())
        plans = [compile_phase(PHASES[0], instance) for instance in drawn]
        machine = make_engine("numba", drawn)
        machine.begin(plans)
        times.append(perf_counter())
        machine.advance(PHASES[0].steps)
        times.append(perf_counter())
        tests = measure_test_error(machine, range(on_host), DIRECTIONS)
        times.append(perf_counter())
        summarise(machine, tests, machine.steps, np.zeros(on_host, dtype=bool))
        times.append(perf_counter())
    finally:
        numba.set_num_threads(before)
    names = ("drawing", "compiling phases", "steps", "test errors", "summaries")
    spent = dict(zip(names, np.diff(times) / on_host, strict=True))
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
