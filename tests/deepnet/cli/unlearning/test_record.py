"""What decides the results of `unlearn`: what its options say and its files hold, and not where files lie."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from deepnet.cli.unlearning.command import UnlearnCommand
from deepnet.cli.unlearning.results import Results
from simulate.house.records.record import write_folder_record

OTHERWISE: dict[str, Any] = {
    "data": "cifar10", "forget": ("1", "2"), "model": "resnet18", "method": "scrub", "sharpness": "sam:0.1",
    "epochs": 6, "lr": 0.1, "batch_size": 64, "seed": 1, "until": ("forget-loss",), "test": Path("elsewhere"),
    "root": Path("files"), "image_size": 16, "mean": (0.5,), "std": (0.5,), "augment": False, "format": "pt",
    "device": "cpu", "precision": "float32",
}  # fmt: skip
IDLE: dict[str, Any] = {"out": Path("there"), "overwrite": True, "download": True}


@pytest.fixture
def command(tmp_path: Path) -> UnlearnCommand:
    """Its files hold something, for they are not opened here."""
    files = {name: tmp_path / f"{name}.txt" for name in ("checkpoint", "reference", "rows")}
    for name, path in files.items():
        path.write_text(name)
    given = {name: files[name] for name in ("checkpoint", "reference")}
    return UnlearnCommand(data="digits", forget=(str(files["rows"]),), **given)


def test_every_option_decides_but_where_results_go_and_whether_they_may(command: UnlearnCommand) -> None:
    usual = command._record()
    for name, value in OTHERWISE.items():
        assert replace(command, **{name: value})._record() != usual, name
    for name, value in IDLE.items():
        assert replace(command, **{name: value})._record() == usual, name
    assert {*OTHERWISE, *IDLE, "checkpoint", "reference"} == {item.name for item in fields(UnlearnCommand)}


@pytest.mark.parametrize("name", ["checkpoint", "reference", "rows"])
def test_what_a_file_holds_decides_and_not_where_it_lies(name: str, command: UnlearnCommand, tmp_path: Path) -> None:
    usual, file = command._record(), tmp_path / f"{name}.txt"
    moved = file.rename(tmp_path / f"moved-{name}.txt")
    there = {"forget": (str(moved),)} if name == "rows" else {name: moved}
    assert replace(command, **there)._record() == usual
    file.write_text("something else")
    assert command._record() != usual


def test_results_of_which_a_file_is_gone_are_made_again(command: UnlearnCommand, tmp_path: Path) -> None:
    record = command._record()
    results = Results(tmp_path / "out", "pt", record)
    results.folder.mkdir()
    write_folder_record(results.folder, record)
    for path in results.files:
        path.write_text(json.dumps({"record": record, "told": "All went well."}))
    assert results.found(overwrite=False) == "All went well."
    for path in results.files:
        away = path.rename(tmp_path / "away")
        assert results.found(overwrite=False) == "", path.name
        away.rename(path)
    assert results.found(overwrite=False) == "All went well."
