"""What this process may use of the machine: cores and memory."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["free_memory", "usable_cores"]

_LIMITS = Path("/sys/fs/cgroup")
"""Where Linux keeps the limits of a container."""


def usable_cores(limits: Path = _LIMITS) -> int:
    """Number of cores that the system, and the container it may be in, give to this process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    words = _read(limits / "cpu.max").split()
    if len(words) == 2 and words[0].isdigit() and int(words[1]):
        cores = min(cores, max(1, int(words[0]) // int(words[1])))
    return cores


def free_memory(limits: Path = _LIMITS, told: Path = Path("/proc/meminfo")) -> int | None:
    """Bytes of memory that are free, or can be freed, for this process; None if the system does not say."""
    lines = [line.split() for line in _read(told).splitlines()]
    found = [1024 * int(words[1]) for words in lines if words[:1] == ["MemAvailable:"]]
    most, used = (_read(limits / name).strip() for name in ("memory.max", "memory.current"))
    if most.isdigit() and used.isdigit():
        found.append(max(0, int(most) - int(used)))
    return min(found, default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
