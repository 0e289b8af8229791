"""Runs the benchmarks named on the command line, or all; prints one table, and writes it as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from simulate.house.files import write_text
from tests.benchmarks import imports, simulator, sliders, sweeps
from tests.benchmarks.measurement import Figure
from tests.benchmarks.page import MARKS, machine, page

OUT = Path("results/benchmarks.md")
"""Where the figures of the last run are kept."""


def deepnet(words: list[str] | None = None) -> Iterable[Figure]:
    """The training loop of the deep networks, with the options of a command line."""
    import tyro

    from tests.benchmarks.deepnet import deepnet as measured
    from tests.benchmarks.deepnet_options import Options

    return measured(tyro.cli(Options, args=words or [], prog="python -m tests.benchmarks deepnet"))


def unlearning() -> Iterable[Figure]:
    """`deepnet.unlearn` beside a plain loop of torch."""
    from tests.benchmarks.unlearning import unlearning as measured

    return measured()


def gpu(words: list[str] | None = None) -> Iterable[Figure]:
    """The engine "cupy", with the options of a command line."""
    import tyro

    from tests.benchmarks.gpu import gpu as measured
    from tests.benchmarks.gpu_options import Options

    return measured(tyro.cli(Options, args=words or [], prog="python -m tests.benchmarks gpu"))


OPTIONED = {"gpu": gpu, "deepnet": deepnet}
"""Benchmarks that have options."""

BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    **imports.BENCHMARKS,
    **simulator.BENCHMARKS,
    **sweeps.BENCHMARKS,
    **sliders.BENCHMARKS,
    "unlearning": unlearning,
    **OPTIONED,
}


def main(words: list[str]) -> int:
    """Run benchmarks; the exit status is 1 if a target was missed and 2 if a name is unknown."""
    names = list(takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(names) :]
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"error: no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    if options and (len(names) != 1 or names[0] not in OPTIONED):
        has = " and ".join(OPTIONED)
        print(f"error: {options[0]}: only the benchmarks {has}, each run by itself, have options", file=sys.stderr)
        return 2
    console, figures = Console(highlight=False), dict[str, list[Figure]]()
    for name in names or BENCHMARKS:
        figures[name] = []
        with console.status(name):
            for figure in OPTIONED[name](options) if options else BENCHMARKS[name]():
                figures[name].append(figure)
                console.print(f"{name}: {figure.name}: {figure.value}")  # should it not come to the table
    console.print(_table(figures))
    command = " ".join(["python -m tests.benchmarks", *words])
    written = write_text(OUT, page(figures, command if words else "make bench"))
    console.print(f"The same as Markdown: {written}")
    return int(any(figure.met is False for measured in figures.values() for figure in measured))


def _table(figures: Mapping[str, Sequence[Figure]]) -> Table:
    table = Table(title=machine(), title_justify="left")
    for column in ("benchmark", "what", "figure", "target", ""):
        table.add_column(column)
    for name, measured in figures.items():
        for figure in measured:
            table.add_row(name, figure.name, figure.value, figure.target, MARKS[figure.met])
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
