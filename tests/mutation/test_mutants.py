"""The suite notices wrong central lines: each fault of `tests.mutation.mutants` makes every test it names fail.

Fast: the table fits the sources. Slow (-m slow): the faults are put into copies of the project, whose tests then run.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulate.machine.compilation import SOURCES
from tests.mutation.mutants import MUTANTS, Mutant, read_faults
from tests.places import ROOT

COPIED = ("simulate", "theory", "deepnet", "tests", "pyproject.toml")
EVERY = [
    *MUTANTS,
    *read_faults("sample"),
    *(
        one
        for name in ("theory_faults", "matched_faults", "deep_faults", "step_faults", "block_faults", "scale_faults")
        for one in read_faults(name)
    ),
]
every_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def copy_of_the_project(folder: Path) -> Path:
    """What the tests need, without compiled code: numba keeps that by the path of its source."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy2(source, target)
    return folder


def where_defined(names: tuple[str, ...], project: Path = ROOT) -> list[str]:
    """Node ids of test functions, wherever in the tests they are."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((project / "tests").rglob("test_*.py"))}
    nodes = []
    for name in names:
        files = [path for path, text in texts.items() if re.search(rf"^def {name}\(", text, re.MULTILINE)]
        assert len(files) == 1, f"{name} must be defined in one file of tests/, but is in {files}"
        nodes.append(f"{files[0].relative_to(project).as_posix()}::{name}")
    return nodes


def run_there(project: Path, nodes: list[str]) -> tuple[int, set[str], str]:
    """Run tests of a copy; returns pytest's exit status, the functions that failed, and all it said."""
    unwanted = ("NUMBA_", "COV", "PYTEST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=line", "--durations=5", "-p", "no:cacheprovider", *nodes],
        cwd=project,
        env=environment | {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    failed = set(re.findall(r"^FAILED \S+?::(\w+)", done.stdout, re.MULTILINE))
    return done.returncode, failed, done.stdout + done.stderr


# --- the table -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_the_fault_fits_its_file(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    changed = mutant.apply(source)
    assert changed != source
    compile(changed, mutant.file, "exec")


@every_mutant
def test_the_tests_it_names_are_there(mutant: Mutant) -> None:
    assert mutant.tests
    assert len(where_defined(mutant.tests)) == len(mutant.tests)


def test_names_are_told_apart() -> None:
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1


@pytest.mark.parametrize("source", ["x = 2", "x = 1; x = 1"])
def test_a_text_that_is_not_there_once_is_refused(source: str) -> None:
    mutant = Mutant(name="it", file="it.py", text="x = 1", replacement="x = 3", matters="", tests=("test_it",))
    assert mutant.apply("x = 1") == "x = 3"
    with pytest.raises(ValueError, match=r"it\.py must hold"):
        mutant.apply(source)


# --- the faults ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that all faults outside of kernels share, each for its own time: kernels are compiled there once."""
    return copy_of_the_project(tmp_path_factory.mktemp("sound"))


@contextmanager
def faulty(project: Path, mutant: Mutant) -> Iterator[None]:
    """A copy of the project with the fault, within the context."""
    path = project / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(mutant.apply(source), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(source, encoding="utf-8")


@pytest.mark.slow
def test_without_a_fault_all_of_them_pass(sound_copy: Path) -> None:
    nodes = where_defined(tuple(dict.fromkeys(name for mutant in MUTANTS for name in mutant.tests)), sound_copy)
    status, failed, told = run_there(sound_copy, nodes)
    assert (status, failed) == (0, set()), told


@pytest.mark.slow
@every_mutant
def test_the_fault_is_noticed(mutant: Mutant, sound_copy: Path, tmp_path: Path) -> None:
    compiled = mutant.file.removeprefix("simulate/").removesuffix(".py") in SOURCES
    project = copy_of_the_project(tmp_path) if compiled else sound_copy
    with faulty(project, mutant):
        status, failed, told = run_there(project, where_defined(mutant.tests, project))
    assert status == 1, told  # 2 to 5 would be errors of collection or of use, no failures
    assert failed == set(mutant.tests), told
