"""`python -m simulate map`: phase maps of SGD and SAM."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from simulate.boundaries.boundary import Boundary, check_level, fit_boundary
from simulate.boundaries.maps import OPTIMIZERS, PhaseMap, phase_map
from simulate.house import checks
from simulate.house.drawing.saving import check_figure, save_figure
from simulate.house.records.record import make_record
from simulate.house.storage import MADE_BY, check_store, load, save
from simulate.house.terminal import console, progress_bar, table
from simulate.house.verdicts import Region, decide

__all__ = ["MARGIN", "PREDICTED", "Map", "draw_and_judge", "verdict"]

PREDICTED = {"SGD": 0.25, "SAM": 0.0}
"""Exponent of d in the boundary: ‖φ‖ ∝ d^¼ for SGD (Theorem 3.2), none for SAM (Theorem 3.3)."""

MARGIN = 0.05
"""How far from its prediction an exponent may lie and still count as equal."""


@dataclass(frozen=True, kw_only=True)
class Map:
    """Draw the test error over dimension and signal strength, SGD beside SAM."""

    grid: PhaseMap = field(default_factory=PhaseMap)
    """The grid and the data."""
    level: float = 0.3
    """Test error that defines the boundary."""
    out: Path = Path("results/map")
    """Folder for maps.zarr (the data) and maps.png (the figure)."""
    overwrite: bool = False
    """Replace the data of another map in `--out`, which are refused otherwise."""

    def __call__(self) -> int:
        """Run, or open the map that is there; draw and judge."""
        check_level(self.level)
        check_figure(self.out / "maps.png", name="out")
        there = check_map(self.grid, self.out, overwrite=self.overwrite)
        draw_and_judge(self.grid, self.level, self.out, there=there)()
        return 0


def check_map(grid: PhaseMap, out: Path, *, overwrite: bool) -> bool:
    """Whether the data of a map are there already.

    Raises:
        ValueError: if others are, which may not be replaced.
    """
    return check_store(out / "maps.zarr", _record(grid), overwrite=overwrite)


def draw_and_judge(grid: PhaseMap, level: float, out: Path, *, there: bool = False) -> Callable[[], None]:
    """Write the data of the maps and their figure.

    Args:
        grid: The grid.
        level: The level of the boundaries.
        out: The folder.
        there: Whether the data are opened, and not made.

    Returns:
        Prints the boundaries and a verdict on each slope.
    """
    from simulate.boundaries.plots import draw_phase_maps  # matplotlib, only when something is drawn

    path = out / "maps.zarr"
    maps = load(path, name="out") if there else _run_maps(grid)
    boundaries = {name: fit_boundary(maps["test_error"].sel(optimizer=name), level) for name in OPTIMIZERS}
    slopes = {name: [boundary.slope, *boundary.slope_interval] for name, boundary in boundaries.items()}
    told = {"level": level, "slopes": json.dumps(slopes), MADE_BY: json.dumps(_record(grid))}
    if any(maps.attrs.get(name) != value for name, value in told.items()):  # another level, read off the same data
        save(maps.assign_attrs(told), path, overwrite=True)
    figure = save_figure(draw_phase_maps(maps, boundaries, PREDICTED), out / "maps.png")

    def tell() -> None:
        _print_boundaries(boundaries, level)
        for name, boundary in boundaries.items():
            console.print(f"{name}: {verdict(boundary, PREDICTED[name])}")
        console.print(f"Data: {path}\nFigure: {figure}")

    return tell


def _record(grid: PhaseMap) -> dict[str, Any]:
    return make_record("simulate map", json.loads(json.dumps(asdict(grid), default=checks.plain_number)))


def verdict(boundary: Boundary, predicted: float) -> str:
    """One line on whether the boundary's exponent is the predicted one.

    Its 95 % interval is judged by the region within MARGIN of the prediction, as every claim is.
    """
    low, high = boundary.slope_interval
    if not np.isfinite([boundary.slope, low, high]).all():
        return f"boundary at error {boundary.level:g} leaves the map: inconclusive"
    word = decide((low, high), Region.around(predicted, MARGIN)).value
    found = f"boundary ∝ d^{boundary.slope:.3f}, 95 % interval [{low:.3f}, {high:.3f}]"
    return f"{found}, predicted {predicted:g} ± {MARGIN:g}: {word}"


def _run_maps(grid: PhaseMap) -> xarray.Dataset:
    total = len(OPTIMIZERS) * len(grid.d) * len(grid.signal) * grid.replicates
    with progress_bar() as bar:
        task = bar.add_task("phase maps", total=total)
        return phase_map(grid, progress=lambda done: bar.advance(task, done))


def _print_boundaries(boundaries: dict[str, Boundary], level: float) -> None:
    rows = table(f"Critical signal ‖φ‖ at test error {level:g} [95 %]", "d", *boundaries)
    for number, d in enumerate(next(iter(boundaries.values())).d):
        cells = [(boundary.signal[number], *boundary.interval[number]) for boundary in boundaries.values()]
        rows.add_row(f"{d:.0e}", *(f"{signal:.3g} [{low:.3g}, {high:.3g}]" for signal, low, high in cells))
    console.print(rows)
