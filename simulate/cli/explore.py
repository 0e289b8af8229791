"""`python -m simulate explore`: a page to play with, made of trajectories that are computed beforehand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from simulate.house import checks
from simulate.house.files import check_files, write_text
from simulate.house.records.record import check_folder_of, make_record, write_folder_record
from simulate.house.terminal import console, progress_bar
from simulate.interactive.explorable import Grid, measure, page

__all__ = ["Explore"]


@dataclass(frozen=True, kw_only=True)
class Explore:
    """Make a page with sliders that works offline, without a kernel or server: all its runs are computed beforehand."""

    grid: Grid = field(default_factory=Grid)
    """What the sliders can be set to."""
    out: Path = Path("results/explorable")
    """Folder for explorable.html, which is the whole page."""
    overwrite: bool = False
    """Replace the page of another grid in `--out`, which is refused otherwise."""

    def __call__(self) -> int:
        """Run the grid and write the page."""
        file = self.out / "explorable.html"
        check_files(file)
        settings = json.loads(json.dumps(asdict(self.grid), default=checks.plain_number))
        record = make_record("simulate explore", settings)
        check_folder_of([file], record, overwrite=self.overwrite)
        with progress_bar() as bar:
            task = bar.add_task("trajectories", total=self.grid.n_runs)
            series = measure(self.grid, lambda: bar.update(task, advance=1))
        write_folder_record(self.out, record)
        written = write_text(file, page(self.grid, series))
        console.print(f"{self.grid.n_runs:,} runs. To play with: {written}")
        return 0
