"""What importing a room costs, in a process of its own."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.measurement import Figure

ROOMS = {
    "simulate": "from simulate import Problem, run, sweep",
    "theory": "from theory import all_claims, run_claims",
    "paper_figs": "from paper_figs import find_sheets",
    "deepnet": "import deepnet",
}
"""What is imported of each room: names that most programs use, since a room is loaded as it is used."""
MOST = {"simulate": 1.0}
"""Seconds that importing a room may take."""


def imports() -> Iterator[Figure]:
    """Processor seconds of importing each room, the median of five fresh processes."""
    for room in ROOMS:
        spent = statistics.median(_seconds(room) for _ in range(5))
        most = MOST.get(room)
        target, met = ("", None) if most is None else (f"≤ {most:g} s", spent <= most)
        yield Figure(f"import {room}", f"{spent:.2f} s of CPU", target, met)


def _seconds(room: str) -> float:
    program = f"import time; start = time.process_time(); {ROOMS[room]}; print(time.process_time() - start)"
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    return float(printed)


BENCHMARKS = {"imports": imports}
