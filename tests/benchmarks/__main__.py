"""Runs the benchmarks named on the command line, or all, and prints one table."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable
from itertools import takewhile

import numpy as np
from rich.console import Console
from rich.table import Table

from simulate import __version__
from tests.benchmarks import gpu, simulator, sweeps
from tests.benchmarks.measurement import Figure


def deepnet(words: list[str] | None = None) -> Iterable[Figure]:
    """The training loop of the deep networks, with the options of a command line."""
    import tyro

    from tests.benchmarks.deepnet import deepnet as measured
    from tests.benchmarks.deepnet_options import Options

    return measured(tyro.cli(Options, args=words or [], prog="python -m tests.benchmarks deepnet"))


BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    **simulator.BENCHMARKS,
    **sweeps.BENCHMARKS,
    "gpu": gpu.gpu,
    "deepnet": deepnet,
}


def main(words: list[str]) -> int:
    """Run benchmarks; the exit status is 1 if a target was missed and 2 if a name is unknown."""
    names = list(takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(names) :]
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"error: no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    if options and names != ["deepnet"]:
        print(f"error: {options[0]}: only the benchmark deepnet, run by itself, has options", file=sys.stderr)
        return 2
    console, missed = Console(highlight=False), False
    table = Table(title=f"sharpmu {__version__}, numpy {np.__version__}, {platform.machine()}", title_justify="left")
    for column in ("benchmark", "figure", "target", ""):
        table.add_column(column)
    for name in names or BENCHMARKS:
        with console.status(name):
            for figure in deepnet(options) if options else BENCHMARKS[name]():
                mark = {None: "", True: "met", False: "missed"}[figure.met]
                missed |= figure.met is False
                table.add_row(figure.name, figure.value, figure.target, mark)
    console.print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
