"""How many lines and branches of each room the tests reach, as a page of Markdown.

`python -m tests.coverage_page JSON PAGE` reads what `coverage json` wrote and writes the page.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.page import machine

LOW = 90.0
"""Modules with a smaller share of lines or of branches, in per cent, are listed."""

_HEAD = """# What the tests reach

Lines and branches that run when the tests run, processes that they start included, in one run of `make coverage`:
{machine}.

The kernels that numba compiles count where the tests run them as plain Python (`tests/oracles/uncompiled.py`), the CUDA
kernel where it runs in numba's simulator of a GPU (`tests/oracles/gpu_rehearsal.py`). What runs on a GPU alone, or in a
browser alone, counts as not reached. That a line runs does not mean that a test would notice it being wrong: that is
what `tests/mutation/` is for.
"""


class Share:
    """Lines and branches, reached and all."""

    def __init__(self, summaries: Iterable[Mapping[str, int]]) -> None:
        self._sums: dict[str, int] = defaultdict(int)
        for summary in summaries:
            for name in ("covered_lines", "num_statements", "covered_branches", "num_branches"):
                self._sums[name] += summary[name]

    @property
    def lines(self) -> float:
        """Per cent of the lines."""
        return self._percent("covered_lines", "num_statements")

    @property
    def branches(self) -> float:
        """Per cent of the branches."""
        return self._percent("covered_branches", "num_branches")

    def row(self, *cells: str) -> str:
        """A row of a table that begins with these cells."""
        return "| " + " | ".join([*cells, f"{self.lines:.1f}", f"{self.branches:.1f}"]) + " |"

    def _percent(self, reached: str, there: str) -> float:
        return 100.0 * self._sums[reached] / self._sums[there] if self._sums[there] else 100.0


def page(report: Mapping[str, Any], machine: str) -> str:
    """The page for what `coverage json` wrote.

    Args:
        report: Its content.
        machine: Where it was measured, in words.
    """
    rooms: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for path, found in sorted(report["files"].items()):
        rooms[Path(path).parts[0]][path] = found
    table = ["| package | modules | lines % | branches % |", "| --- | --- | --- | --- |"]
    for room, files in rooms.items():
        table.append(Share(found["summary"] for found in files.values()).row(f"`{room}`", str(len(files))))
    everything = [found["summary"] for found in report["files"].values()]
    table.append(Share(everything).row("all", str(len(everything))))
    low = [row for files in rooms.values() for path, found in files.items() if (row := _low_row(path, found))]
    listed = ["| module | lines not reached | lines % | branches % |", "| --- | --- | --- | --- |", *low]
    below = f"Modules with less than {LOW:.0f} % of lines or branches:"
    return "\n".join([_HEAD.format(machine=machine), *table, "", *([below, "", *listed, ""] if low else [])])


def _low_row(path: str, found: Mapping[str, Any]) -> str | None:
    share = Share([found["summary"]])
    if min(share.lines, share.branches) >= LOW:
        return None
    return share.row(f"`{path}`", _ranges(found["missing_lines"]))


def _ranges(numbers: Iterable[int]) -> str:
    """Numbers in words: 1, 2, 3, 7 become "1-3, 7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


if __name__ == "__main__":
    given, made = map(Path, sys.argv[1:])
    made.write_text(page(json.loads(given.read_text(encoding="utf-8")), machine()), encoding="utf-8")
