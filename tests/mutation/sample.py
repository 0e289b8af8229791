"""Faults all over the project, and how many of them the default suite notices.

`python -m tests.mutation.sample` plants each fault of sample.toml in a copy of the project, runs the tests of its
room and, if they pass, the rest of the default suite, notes what became of it in docs/mutants.csv, and makes
docs/mutants.md of that. Names choose among the faults, `--of theory_faults` those of another file.
`tests.mutation.mutants` has central lines and the tests that have to notice them.

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
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from simulate.house.files import write_text
from tests.mutation.mutants import FaultFile, Mutant, fault_files
from tests.mutation.outcomes import KEPT, Outcome, read_outcomes, together, write_outcomes
from tests.mutation.page import PAGE, page
from tests.places import ROOT

__all__ = ["nearest_tests"]

_COPIED = ("simulate", "theory", "deepnet", "paper_figs", "sharpmu", "notebooks", "docs", "tests")
_LIMIT = 1800
"""Seconds after which a run counts as noticed: it does not end."""


def nearest_tests(file: str, project: Path = ROOT) -> list[str]:
    """Where tests of a source are, the nearest first: those of its room, of its package, and all others."""
    parts = Path(file).with_suffix("").parts
    folders = [Path("tests", *parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    return [folder.as_posix() for folder in folders if (project / folder).is_dir()]


def noticed_by(fault: Mutant, project: Path, *, near: bool, without: Sequence[str] = ()) -> str:
    """The first test that notices a fault, which is planted in a copy of the project and taken out again; or nothing.

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
            if found := _first_failure(project, chosen, without):
                return found
        return ""
    finally:
        path.write_text(source, encoding="utf-8")


def _first_failure(project: Path, chosen: Sequence[str], without: Sequence[str]) -> str:
    """The first test that fails among those of some places, or among all; empty if all pass."""
    unwanted = ("NUMBA_", "COV", "PYTEST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *chosen]
    texts = (
        "tests/mutation",
        "tests/test_documents.py",
        "tests/test_deep_documents.py",
    )  # they compare texts, not behaviour
    command += [f"--deselect={file}" for file in (*texts, *without)]
    try:
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return "does not end"
    if done.returncode in (0, 5):  # 5: there are no tests in this place
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", done.stdout, re.MULTILINE)
    return found[1] if found else f"pytest ends with {done.returncode}"


def run_sample(faults: Sequence[Mutant], processes: int, *, near: bool, without: Sequence[str] = ()) -> Iterable[str]:
    """What noticed each fault, in their order; each process has a copy of the project of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(processes):
            copies.put(_copy(Path(folder, str(number))))

        def in_turn(fault: Mutant) -> str:
            project = copies.get()
            try:
                return noticed_by(fault, project, near=near, without=without)
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


def main() -> None:
    """Run the sample, or some faults of it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="names of faults; none is all that were not planted yet")
    parser.add_argument("--again", action="store_true", help="plant those that were planted, too")
    parser.add_argument("--near", action="store_true", help="run the tests of a fault's package only: a lower bound")
    parser.add_argument("--processes", type=int, default=2, help="copies of the project that are tested side by side")
    parser.add_argument("--of", default="sample", choices=list(fault_files()), help="name of a file of faults")
    parser.add_argument("--without", action="append", default=[], help="a file of tests that is left out")
    options = parser.parse_args()
    files, outcomes = fault_files(), read_outcomes()
    chosen = files[options.of]
    if unknown := set(options.names) - {fault.name for fault in chosen.faults}:
        parser.error(f"{options.of} has no fault {min(unknown)}")
    done = {one.fault for one in outcomes if not options.again}
    faults = [one for one in chosen.faults if (one.name in options.names if options.names else one.name not in done)]
    random.Random(0).shuffle(faults)  # what is done so far is a sample of the whole
    found = run_sample(faults, options.processes, near=options.near, without=[*chosen.without, *options.without])
    for fault, test in zip(faults, found, strict=True):
        print(f"{fault.name}: {test or 'NOT NOTICED'}", flush=True)
        outcomes = together(outcomes, [Outcome.of(options.of, fault.name, test)])
        _write(files, outcomes)  # hours of work are not lost with the last fault
    _write(files, outcomes)
    print(f"To read: {PAGE} and {KEPT}")


def _write(files: Mapping[str, FaultFile], outcomes: Sequence[Outcome]) -> None:
    """Write the table and the page."""
    write_outcomes(outcomes, {name: [one.name for one in file.faults] for name, file in files.items()})
    write_text(PAGE, page(files, read_outcomes()))


if __name__ == "__main__":
    main()
