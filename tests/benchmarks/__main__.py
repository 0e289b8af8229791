"""Runs the benchmarks named on the command line, or all, and prints one table."""

from __future__ import annotations

import platform
import sys

import numpy as np
from rich.console import Console
from rich.table import Table

from simulate import __version__
from tests.benchmarks import gpu, simulator, sweeps

BENCHMARKS = {**simulator.BENCHMARKS, **sweeps.BENCHMARKS, "gpu": gpu.gpu}


def main(names: list[str]) -> int:
    """Run benchmarks; the exit status is 1 if a target was missed and 2 if a name is unknown."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"error: no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    console, missed = Console(highlight=False), False
    table = Table(title=f"sharpmu {__version__}, numpy {np.__version__}, {platform.machine()}", title_justify="left")
    for column in ("benchmark", "figure", "target", ""):
        table.add_column(column)
    for name in names or BENCHMARKS:
        with console.status(name):
            for figure in BENCHMARKS[name]():
                mark = {None: "", True: "met", False: "missed"}[figure.met]
                missed |= figure.met is False
                table.add_row(figure.name, figure.value, figure.target, mark)
    console.print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
