"""What the processor is called, for records of what numbers and times were made with."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

__all__ = ["processor_name"]

_TOLD = Path("/proc/cpuinfo")
"""Where Linux tells it; elsewhere Python knows it, or the architecture."""


@cache
def processor_name(told: Path = _TOLD) -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = told.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(filter(None, named), "") or platform.processor() or platform.machine()
