"""Benchmarks of the interactive pages."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from typing import get_args, get_type_hints

from tests.benchmarks.measurement import Figure

MOVES = 9
"""Moves of the slider for α, of which the median is told."""


def sliders() -> Iterator[Figure]:
    """One move of a slider at n = 100, from the new setting to the picture, for every pair of optimizers."""
    try:
        from simulate.interactive import TrajectorySettings, trajectory_explorer
    except ImportError:
        yield Figure("one move of a slider", "not measured: the extra `notebooks` is not installed", "≤ 50 ms")
        return
    words = get_type_hints(TrajectorySettings)
    for pretraining, optimizer in itertools.product(get_args(words["pretraining"]), get_args(words["optimizer"])):
        explorer = trajectory_explorer(n=100, pretraining=pretraining, optimizer=optimizer)
        taken = []
        for move in range(MOVES + 1):  # the first is not counted
            begin = time.perf_counter()
            explorer.move(alpha=0.6 + 0.02 * move)
            taken.append(1000 * (time.perf_counter() - begin))
        median = statistics.median(taken[1:])
        name = f"one move of a slider, n = 100, {pretraining} then {optimizer}"
        yield Figure(name, f"{median:.0f} ms (most: {max(taken[1:]):.0f})", "≤ 50 ms", median <= 50)


BENCHMARKS = {"sliders": sliders}
