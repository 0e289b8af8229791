"""Claims are found by where their file lies, and told apart by their names."""

import sys
from pathlib import Path

import pytest

from theory.ledger.registry import claims_in

CLAIM = """
from theory.ledger import Claim, Control, Region

CLAIMS = (
    Claim(
        name="{name}", number={number}, family="open", measure=print, title="t", source="s", statement="x", effect="e",
        supported=Region(low=0.0), refuted_if="r", experiment="e", stopping_rule="s", statistic="s",
        control=Control(name="c", region=Region(high=0.0)),
    ),
)
"""


def package(folder: Path, name: str, files: dict[str, tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write a package of claims; returns its `__path__`."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").touch()
    for file, (claim, number) in files.items():
        (folder / name / f"{file}.py").write_text(CLAIM.format(name=claim, number=number))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return [str(folder / name)]


def test_a_file_is_enough_and_numbers_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = package(tmp_path, "claims_told_apart", {"a": ("late", 9), "b": ("early", 2)}, monkeypatch)
    assert [claim.name for claim in claims_in("claims_told_apart", folders)] == ["early", "late"]


def test_two_claims_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = package(tmp_path, "claims_of_one_name", {"a": ("same", 1), "b": ("same", 2)}, monkeypatch)
    with pytest.raises(ValueError, match="different for every claim, but same is not"):
        claims_in("claims_of_one_name", folders)
