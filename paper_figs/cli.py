"""The commands of `python -m paper_figs`: draw, and list."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich import box
from rich.table import Table
from rich.text import Text

from paper_figs import registry
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import OUT, Sheet, check_formats
from simulate.house.command_line.door import Command, Door
from simulate.house.command_line.options import Shown
from simulate.house.drawing.saving import Format
from simulate.house.files import check_files
from simulate.house.terminal import console
from theory.experiments.lab import Budget

__all__ = ["DOOR", "Draw", "List", "main"]

_PROGRAM = "python -m paper_figs"


@dataclass(frozen=True)
class Draw:
    """Draw figures and tables of the paper, running the simulations that are missing; `list` lists the names."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional, Shown(value="NAME", positional=True)] = ()
    """Names of figures and tables, or all."""
    budget: Budget = "full"
    """quick: few replicates, minutes for all figures, wider intervals; full: up to an hour."""
    formats: tuple[Format, ...] = ("pdf",)
    """Formats of the figures; tables are written as Markdown and LaTeX."""
    out: Path = OUT
    """Folder of the files."""
    preset: Annotated[str | None, Shown(value="SCALE", default="every one")] = None
    """Scale that the figures of deep networks show, a folder in paper_figs/data."""

    def __call__(self) -> int:
        """Draw one after another; what cannot be drawn is told, and stops no other."""
        if not self.names:
            raise ValueError(f"Argument `names` must name a figure or a table, or be all; see `{_PROGRAM} list`.")
        check_formats(self.formats)
        chosen = registry.find_sheets(self.names)
        check_files(*(self.out / f"{sheet.name}.md" for sheet in chosen))
        results = Results(self.budget, preset=self.preset)
        if any(sheet.deep for sheet in chosen):
            _ = results.scales  # one that is not published is an error before all work
        failed = [sheet for sheet in chosen if not self._draw(sheet, results)]
        return 2 if failed else 0

    def _draw(self, sheet: Sheet, results: Results) -> bool:
        try:
            written = sheet.make(results, self.formats, self.out)
        except (ValueError, OSError) as error:
            print(f"error: {sheet.name}: {error}", file=sys.stderr)
            return False
        console.print(f"{sheet.name}: {', '.join(map(str, written))}")
        return True


@dataclass(frozen=True)
class List:
    """List all figures and tables."""

    def __call__(self) -> int:
        """Print one line each."""
        rows = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for head in ("kind", "#", "name", "shows"):
            rows.add_column(head, justify="right" if head == "#" else "left", overflow="fold", no_wrap=head != "shows")
        for sheet in registry.all_sheets():
            rows.add_row(sheet.kind, str(sheet.number), sheet.name, Text(sheet.title))
        console.print(rows)
        return 0


DOOR = Door(
    package="paper_figs",
    about="Figures and tables of the paper.",
    commands={"list": lambda: Command(cls=List)},
    summaries={"list": "all figures and tables"},
    wordless=lambda: Command(cls=Draw),
    extra="figures",
)
"""All commands, as `sharpmu` finds them, too."""

main = DOOR.main
