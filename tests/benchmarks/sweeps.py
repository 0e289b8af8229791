"""Benchmarks of sweeps."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simulate import SGD, Loss, Phase, Problem
from simulate import sweep as run_sweep
from simulate.sweeps.grid import make_grid
from simulate.sweeps.refine import refine
from simulate.sweeps.workers import Job
from tests.benchmarks.measurement import Figure, paired_ratio

PROBLEM = Problem(n=20, m=10, sigma_0=1e-2, label_flip=0.1, forget=0.0)
PHASES = [Phase("train", Loss(), SGD(), steps=100)]
COUPLED = {"train.lr": "20/d"}
CHUNK = 4000
"""Trainings of a chunk, which takes more than a second."""


def sweep() -> Iterator[Figure]:
    """The map of Kou et al. 2023, what writing it down costs, how much memory it takes, what refinement saves."""
    yield from _overhead()
    yield from _memory()
    yield from _refinement()
    yield from _map()


def map_axes(points: int) -> dict[Any, Any]:
    """Axes of a map of so many points along each."""
    return {"d": range(100, 1100, 1000 // points), "signal": np.linspace(0.1, 9.9, points)}


def _map() -> Iterator[Figure]:
    """100 × 100 cells with 10 repeats: n = 20, m = 10, 100 full-batch epochs, test errors included, on disk."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        data = run_sweep(
            PROBLEM, PHASES, axes=map_axes(100), seeds=range(10), coupled=COUPLED, test_directions=64,
            out=Path(folder) / "map.zarr",
        )  # fmt: skip
        spent = time.perf_counter() - begin
    yield Figure(f"{data['test_error'].size:,} trainings, written", f"{spent:.0f} s", "≤ 20 s", spent <= 20)


def _overhead() -> Iterator[Figure]:
    """A sweep of three chunks against the same chunks computed alone."""
    axes, seeds, points = map_axes(20), range(3 * CHUNK // 400), 20
    grid = make_grid(PROBLEM, PHASES, axes, seeds, COUPLED)
    job, shape = Job(grid, "numba", 64, (), None), grid.block_shape(CHUNK)

    def alone() -> None:
        for block in grid.blocks(shape):
            job(block)

    def swept() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run_sweep(
                PROBLEM, PHASES, axes=axes, seeds=seeds, coupled=COUPLED, test_directions=64, chunk=CHUNK,
                out=Path(folder) / "map.zarr",
            )  # fmt: skip

    overhead = 100 * (paired_ratio(swept, alone, repeats=5) - 1)
    name = f"{points}² cells in chunks of {CHUNK:,}: scheduling and writing"
    yield Figure(name, f"{overhead:+.1f} % of computing", "≤ 5 %", overhead <= 5)


def _memory() -> Iterator[Figure]:
    """Peak memory of a sweep of 32 chunks less that of one of 2 chunks, each in a process of its own."""
    peaks = [_peak(points) for points in (4, 64)]
    grown = peaks[1] - peaks[0]
    name = "memory of 32 chunks (66 MiB of results) less that of 2"
    yield Figure(name, f"{grown:+.0f} MiB of {peaks[0]:.0f}", "≤ 24 MiB", grown <= 24)


def _peak(points: int) -> float:
    program = f"""
import tempfile
from pathlib import Path
import numpy as np
from simulate import *
axes = {{"signal": np.linspace(0.1, 9.9, {points}), "sigma_p": np.linspace(1, 2, 32)}}
phases = [Phase("train", Loss(), SGD(lr=0.02), steps=1)]
with tempfile.TemporaryDirectory() as folder:
    sweep(Problem(n=20, m=10, d=1000, forget=0.0), phases, axes=axes, seeds=range(10), test_directions=16,
          observe=("coefficients_full",), chunk=640, out=Path(folder) / "map.zarr")
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    return int(printed) / 1024


def _refinement() -> Iterator[Figure]:
    """Trainings of a boundary to 5 % of the signal by refinement, against those of the full grid."""
    tolerance, ends = 0.05, (0.25, 64.0)
    found = refine(
        PROBLEM, [Phase("train", Loss(), SGD(), steps=300, stop_loss=0.05)], axes={"d": [10**3, 10**4, 10**5]},
        along={"signal": np.geomspace(*ends, 5)}, level=0.3, seeds=range(8), tolerance=tolerance, test_directions=64,
        coupled={"train.lr": "20/d", "sigma_0": "0.1*sqrt(n)/d"},
    )  # fmt: skip
    full = 3 * 8 * (round(np.log(ends[1] / ends[0]) / tolerance) + 1)
    ratio = full / found.attrs["trainings"]
    yield Figure("trainings of the full grid / refinement, boundary to 5 %", f"{ratio:.1f}×", "≥ 3×", ratio >= 3)


BENCHMARKS = {"sweep": sweep}
