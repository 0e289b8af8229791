"""A sample of plausible faults all over the project, and how many of them the default suite notices.

`python -m tests.mutation.sample` plants each fault of sample.toml in a copy of the project, runs the tests of its
room and, if they pass, the rest of the default suite, and writes the table that docs/mutants.md holds. The sample was
drawn without a look at the tests; `tests.mutation.mutants` has central lines and the tests that have to notice them.

`--of theory_faults` plants those of theory_faults.toml, `--of matched_faults` those of matched_faults.toml, and
`--without FILE` leaves tests out: the ledger of few replicates, which notices much by running everything, is no help to
who looks for a fault.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from simulate.house.files import write_text
from tests.mutation.mutants import Mutant, read_faults
from tests.places import ROOT

__all__ = ["Outcome", "nearest_tests", "page"]

_COPIED = ("simulate", "theory", "deepnet", "paper_figs", "sharpmu", "notebooks", "docs", "tests")
_LIMIT = 1800
"""Seconds after which a run counts as noticed: it does not end."""

_HEAD = """# What the tests notice

{noticed} of {all} planted faults are noticed by the default suite ({share:.0f} %). Each is one wrong line, chosen
without a look at the tests; `make mutants` plants them one at a time and writes this page.

| room | planted | noticed |
| --- | --- | --- |
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a fault."""

    fault: Mutant
    """The fault."""
    noticed_by: str
    """The first test that failed; empty if none did."""


def nearest_tests(file: str, project: Path = ROOT) -> list[str]:
    """Where tests of a source are, the nearest first: those of its room, of its package, and all others."""
    parts = Path(file).with_suffix("").parts
    folders = [Path("tests", *parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    return [folder.as_posix() for folder in folders if (project / folder).is_dir()]


def outcome_of(fault: Mutant, project: Path, *, near: bool, without: Sequence[str] = ()) -> Outcome:
    """Plant a fault in a copy of the project, run tests until one notices it, and take it out again.

    Args:
        fault: The fault.
        project: The copy.
        near: Whether only the tests of its package are run, and not the rest of the suite.
        without: Files of tests that are left out.
    """
    path = project / fault.file
    source = path.read_text(encoding="utf-8")
    path.write_text(fault.apply(source), encoding="utf-8")
    try:
        everything: list[list[str]] = [] if near else [[]]
        for chosen in [*([folder] for folder in nearest_tests(fault.file, project)), *everything]:
            if noticed_by := _first_failure(project, chosen, without):
                return Outcome(fault=fault, noticed_by=noticed_by)
        return Outcome(fault=fault, noticed_by="")
    finally:
        path.write_text(source, encoding="utf-8")


def _first_failure(project: Path, chosen: Sequence[str], without: Sequence[str]) -> str:
    """The first test that fails among those of some places, or among all; empty if all pass."""
    unwanted = ("NUMBA_", "COV", "PYTEST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *chosen]
    texts = ("tests/mutation", "tests/test_documents.py")  # they compare texts, not behaviour
    command += [f"--deselect={file}" for file in (*texts, *without)]
    try:
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return "does not end"
    if done.returncode in (0, 5):  # 5: there are no tests in this place
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return found[1] if found else f"pytest ends with {done.returncode}"


def run_sample(
    faults: Sequence[Mutant], processes: int, *, near: bool, without: Sequence[str] = ()
) -> Iterable[Outcome]:
    """Outcomes in the order of the faults; each process has a copy of the project of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(processes):
            copies.put(_copy(Path(folder, str(number))))

        def in_turn(fault: Mutant) -> Outcome:
            project = copies.get()
            try:
                return outcome_of(fault, project, near=near, without=without)
            finally:
                copies.put(project)

        with ThreadPoolExecutor(processes) as pool:
            yield from pool.map(in_turn, faults)


def _copy(folder: Path) -> Path:
    """What the tests need, without compiled code."""
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy2(path, folder)
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    return folder


def page(outcomes: Sequence[Outcome], planned: int) -> str:
    """The page for some outcomes, of so many faults that there are."""
    noticed = sum(bool(each.noticed_by) for each in outcomes)
    text = _HEAD.format(noticed=noticed, all=len(outcomes), share=100 * noticed / len(outcomes))
    rooms = sorted({_room(each.fault) for each in outcomes})
    for room in rooms:
        here = [each for each in outcomes if _room(each.fault) == room]
        text += f"| `{room}` | {len(here)} | {sum(bool(each.noticed_by) for each in here)} |\n"
    left = planned - len(outcomes)
    if left > 0:
        text += f"\n{left} faults of the sample were not planted in this run; which ones were is a matter of chance.\n"
    missed = [each.fault for each in outcomes if not each.noticed_by]
    if missed:
        text += "\nNot noticed:\n\n"
        text += "".join(f"- `{fault.name}` in `{fault.file}`: {fault.matters}\n" for fault in missed)
    text += "\n| fault | file | noticed by |\n| --- | --- | --- |\n"
    for each in outcomes:
        by = f"`{each.noticed_by}`" if each.noticed_by else "not noticed"
        text += f"| {each.fault.name} | `{each.fault.file}` | {by} |\n"
    return text


def _room(fault: Mutant) -> str:
    return "/".join(Path(fault.file).parts[:2]).removesuffix(".py")


def main() -> None:
    """Run the sample, or some faults of it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="names of faults; none is all of them")
    parser.add_argument("--near", action="store_true", help="run the tests of a fault's package only: a lower bound")
    parser.add_argument("--out", type=Path, default=Path("results/mutants.md"), help="the page")
    parser.add_argument("--processes", type=int, default=2, help="copies of the project that are tested side by side")
    parser.add_argument("--of", default="sample", help="name of the file of faults beside this module")
    parser.add_argument("--without", action="append", default=[], help="a file of tests that is left out")
    options = parser.parse_args()
    every = read_faults(options.of)
    faults = [fault for fault in every if not options.names or fault.name in options.names]
    random.Random(0).shuffle(faults)  # what is done so far is a sample of the whole
    outcomes = []
    for outcome in run_sample(faults, options.processes, near=options.near, without=options.without):
        outcomes.append(outcome)
        print(f"{outcome.fault.name}: {outcome.noticed_by or 'NOT NOTICED'}", flush=True)
        write_text(options.out, page(outcomes, len(every)))  # hours of work are not lost with the last fault
    print(f"To read: {options.out}")


if __name__ == "__main__":
    main()
