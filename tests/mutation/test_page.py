"""The page of planted faults is made of what is noted, and adds it up."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation.mutants import FaultFile, Mutant, fault_files
from tests.mutation.outcomes import (
    MISSED,
    NOT_NOTED,
    NOTICED,
    Outcome,
    read_outcomes,
    together,
    write_outcomes,
)
from tests.mutation.page import PAGE, page
from tests.mutation.sample import nearest_tests
from tests.places import ROOT

FAULTS = tuple(
    Mutant(name=name, file=file, text="1", replacement="2", matters=f"{name} would be wrong.")
    for name, file in [("one", "simulate/runs/run.py"), ("two", "simulate/runs/run.py"), ("three", "theory/page.py")]
)
FILES = {"some_faults": FaultFile(title="Some faults", about="Some.", without=("tests/a.py",), faults=FAULTS)}
ONE, TWO, THREE = (
    Outcome.of("some_faults", name, test) for name, test in [("one", "t.py::a"), ("two", ""), ("three", "")]
)


def test_the_tracked_page_is_that_of_the_tracked_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(fault_files(), read_outcomes())


def test_the_tracked_table_names_faults_and_tests_that_are_there() -> None:
    names = {name: [fault.name for fault in file.faults] for name, file in fault_files().items()}
    for one in read_outcomes():
        assert one.fault in names[one.faults]
        assert one.when_planted in (NOTICED, MISSED, NOT_NOTED)
        if one.now not in (NOTICED, MISSED):
            file, _, test = one.now.partition("::")
            name = re.split(r"[.:]", re.split(r"[\[ ]", test)[0])[-1]  # without parameters, classes and modules
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), one


def test_faults_are_added_up() -> None:
    text = page(FILES, [ONE, TWO])
    assert "| [Some faults](#some-faults) | 3 | 2 | 1 (50 %) | 1 (50 %) |" in text
    assert "| all | 3 | 2 | 1 (50 %) | 1 (50 %) |" in text
    assert "| `simulate/runs` | 2 | 1 (50 %) | 1 (50 %) |" in text
    assert "`theory/page`" not in text
    assert (
        '`tests/mutation/some_faults.toml`: `make mutants ARGS="--of some_faults --near --without tests/a.py"`' in text
    )
    assert "- `two`: two would be wrong. It still is not.\n" in text


def test_what_is_mended_is_told_apart_from_what_was_noticed() -> None:
    text = page(FILES, [ONE, *together([TWO, THREE], [replace(TWO, when_planted=NOTICED, now="t.py::b")])])
    assert "| 3 | 3 | 1 (33 %) | 2 (67 %) |" in text
    assert "- `two`: two would be wrong. Now by `b`.\n" in text


def test_what_nobody_noted_is_not_counted_as_noticed() -> None:
    text = page(FILES, [ONE, replace(TWO, when_planted=NOT_NOTED, now=NOTICED)])
    assert "| 3 | 2 | 1 (100 %) of 1 noted | 2 (100 %) |" in text


def test_a_fault_that_is_noticed_no_longer_is_named() -> None:
    lost = together([ONE], [Outcome.of("some_faults", "one", "")])
    assert lost == (replace(ONE, now=MISSED),)
    assert "Noticed once, and no longer: `one`." in page(FILES, lost)


def test_a_table_is_kept_in_the_order_of_the_faults(tmp_path: Path) -> None:
    path = tmp_path / "kept.csv"
    gone = Outcome.of("some_faults", "gone", "")
    write_outcomes([THREE, gone, ONE], {"some_faults": ["one", "two", "three"]}, path)
    assert read_outcomes(path) == (ONE, THREE)


@pytest.mark.parametrize(
    ("file", "folders"),
    [
        ("simulate/runs/run.py", ["tests/simulate/runs", "tests/simulate"]),
        ("theory/statistics.py", ["tests/theory"]),
        ("deepnet/nowhere/at_all.py", ["tests/deepnet"]),
    ],
)
def test_the_nearest_tests_are_those_of_the_room(file: str, folders: list[str]) -> None:
    assert nearest_tests(file) == folders
