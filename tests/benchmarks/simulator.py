"""Benchmarks of the simulator."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numba
import numpy as np

from simulate import SGD, Loss, Phase, Problem
from simulate.runs.ensemble import Cell, run_ensemble
from tests.benchmarks.measurement import Figure, paired_ratio, seconds
from tests.benchmarks.workloads import OPTIMIZERS, instances, steps

THREADS = min(2, numba.config.NUMBA_NUM_THREADS)
WANTED = {"SGD": 2000, "SAM": 2500}
"""How many steps should be taken in the time of one of PyTorch's."""


def autograd() -> Iterator[Figure]:
    """A step of PyTorch autograd on dense weights against one of the numba engine, on the same threads and cores."""
    try:
        from tests.benchmarks.dense_autograd import dense_steps
    except ImportError:
        yield Figure("autograd / numba", "not measured: torch is not installed", "≥ 2000×")
        return
    problem, replicates = Problem(d=20_000, n=100, m=10, signal=6.0, sigma_0=1e-3), 64
    dense_count, count = 10, 500
    drawn = instances(problem, replicates)
    for name, make in OPTIMIZERS.items():
        wanted = WANTED[name]
        dense = seconds(dense_steps(problem, make(problem), dense_count, THREADS), repeats=3) / dense_count
        many = seconds(steps(drawn, make(problem), count, THREADS)) / (count * replicates)
        single = seconds(steps(drawn[:1], make(problem), count, 1)) / count
        yield Figure(
            f"{name}: autograd / numba, replicates", f"{dense / many:.0f}×", f"≥ {wanted}×", dense >= wanted * many
        )
        yield Figure(f"{name}: autograd / numba, one run, one thread", f"{dense / single:.0f}×")


def dimension() -> Iterator[Figure]:
    """Drawing and training at d = 10^9 against d = 10^3."""
    ensembles = {
        d: [Cell(_unit_problem(d), (Phase("train", Loss(), SGD(lr=100 / d), steps=200),), seed) for seed in range(32)]
        for d in (10**3, 10**9)
    }
    ratio = paired_ratio(lambda: run_ensemble(ensembles[10**9]), lambda: run_ensemble(ensembles[10**3]))
    yield Figure("cost at d = 10^9 / cost at d = 10^3", f"{ratio:.2f}", "≤ 1.1", ratio <= 1.1)


def _unit_problem(d: int) -> Problem:
    """Initial and learned pre-activations of the same size for every d, so that as many neurons are active."""
    return Problem(d=d, n=100, m=10, signal=1.0, sigma_0=0.03 / d**0.5)


def arithmetic() -> Iterator[Figure]:
    """Floating-point rate of the step at n = 200, beside this machine's matrix product."""
    problem, count, replicates = Problem(d=20_000, n=200, m=10, signal=6.0), 100, 16
    drawn = instances(problem, replicates)
    matrix = np.random.default_rng(0).random((1500, 1500))
    product = 2 * 1500**3 / seconds(lambda: matrix @ matrix) / 1e9
    yield Figure("matrix product, float64, all cores", f"{product:.0f} GFLOP/s")
    for name, make in OPTIMIZERS.items():
        products = 1 if name == "SGD" else 2
        dense = products * 2 * (2 * problem.m) * problem.n**2 * count * replicates
        rate = dense / seconds(steps(drawn, make(problem), count, THREADS)) / 1e9
        yield Figure(f"{name}: step at n = 200, as dense products", f"{rate:.0f} GFLOP/s, {rate / product:.2f}×")


def threads() -> Iterator[Figure]:
    """One thread against two, many replicates."""
    problem = Problem(d=20_000, n=100, m=10, signal=6.0)
    drawn = instances(problem, 128)
    for name, make in OPTIMIZERS.items():
        ratio = paired_ratio(*(steps(drawn, make(problem), 200, used) for used in (1, THREADS)))
        yield Figure(f"{name}: one thread / two threads", f"{ratio:.2f}×", "≥ 1.7×", ratio >= 1.7)


def memory() -> Iterator[Figure]:
    """Peak memory of a process that runs n = 2,000, m = 50 through both optimizers (read as Linux tells it)."""
    program = """
from pathlib import Path
from simulate import *
problem = Problem(d=20_000, n=2_000, m=50)
unlearn = Phase("unlearn", NegGrad(alpha=0.7), SAM(lr=0.5, tau=0.5), steps=20)
phases = [Phase("pretrain", Loss(), SGD(lr=0.5), steps=20), unlearn]
run(problem, phases, record=Record(every=20))
status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent's memory before exec
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    mebibytes = int(printed) / 1024
    yield Figure("peak memory at n = 2000, m = 50", f"{mebibytes:.0f} MiB", "≤ 1024 MiB", mebibytes <= 1024)


BENCHMARKS = {benchmark.__name__: benchmark for benchmark in (autograd, dimension, arithmetic, threads, memory)}
