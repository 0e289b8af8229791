"""What the benchmark of the GPU engine is asked: `python -m tests.benchmarks gpu --help`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from simulate.house import checks

__all__ = ["PARTS", "Options", "Part"]

Part = Literal["kernel", "lockstep", "map", "sweep", "problems", "large"]
"""Parts of the benchmark: the two ways through the card against numba, then speeds."""

PARTS: tuple[Part, ...] = get_args(Part)
"""All of them, in their order."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The engine "cupy" beside numba: the same steps, and how much faster."""

    parts: tuple[Part, ...] = PARTS
    """Which parts to measure, in this order."""
    plans: int = 96
    """Random plans that the kernel and lockstep are compared on."""
    plan_steps: int = 200
    """Their steps."""
    trainings: int = 100_000
    """Trainings of the map."""
    steps: int = 100
    """Their steps."""
    points: int = 100
    """Points of each of the two axes of the sweep."""
    seeds: int = 10
    """Seeds at each of them."""
    on_host: int = 2_000
    """Trainings whose parts on the host are timed."""
    limit: float = 3600.0
    """Seconds after which no further figure is begun."""
    out: Path = Path("results/gpu.json")
    """Where all figures are kept, each as soon as it is there, with the names of the card and of the processor."""

    def __post_init__(self) -> None:
        """Validate every field."""
        for name in ("plans", "plan_steps", "trainings", "steps", "points", "seeds", "on_host"):
            checks.integer(name, getattr(self, name), least=1)
        checks.real("limit", self.limit, positive=True)
