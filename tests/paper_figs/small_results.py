"""Results with four replicates of everything, on grids cut short, from trainings of large steps."""

from pathlib import Path
from typing import Any

from paper_figs import Results
from simulate.boundaries.maps import PhaseMap
from theory.experiments import choices

REPLICATES = 4


def fewer(*, quick: Any, full: Any) -> Any:
    """What the quick budget has, cut short."""
    if isinstance(quick, PhaseMap):
        return PhaseMap(d=(1000, 10_000), signal=(0.25, 0.5, 1.0, 2.0, 4.0, 8.0), replicates=3, test_directions=64)
    return REPLICATES if isinstance(quick, int) else quick[:2]


def small_results(folder: Path, budget: str = "quick", **options: Any) -> Results:
    results = Results(budget, folder=folder, **options)
    results.lab.choose = fewer
    results.lab.protocol = {choices.STEP.name: "large"}
    return results
