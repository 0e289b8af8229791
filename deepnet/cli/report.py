"""`python -m deepnet report`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from simulate.house.command_line.options import Shown
from simulate.house.terminal import console

__all__ = ["ReportCommand"]


@dataclass(frozen=True, kw_only=True)
class ReportCommand:
    """Write tables, paired tests and figures of a study's results, and print the table."""

    folder: Annotated[Path, tyro.conf.Positional, Shown(value="FOLDER", positional=True)]
    """The study's folder, with its results.jsonl."""

    def __call__(self) -> int:
        """Write the report; returns the exit status."""
        from deepnet.report import read_rows, terminal_table, write_report

        written = write_report(self.folder)
        console.print(terminal_table(read_rows(self.folder / "results.jsonl")))
        for path in written:
            console.print(str(path))
        return 0
