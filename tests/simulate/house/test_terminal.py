"""How errors of the system that name no file are told, and that tables lose nothing."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from simulate.house.terminal import exit_status, table


def test_a_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert exit_status(lambda: len(os.getcwd())) == 2  # noqa: PTH109 - as NumPy and others ask for it
    assert capsys.readouterr().err == "error: The folder in which this was started is gone.\n"


def test_another_error_without_a_name_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise OSError(5, "Input/output error")

    assert exit_status(command) == 2
    assert capsys.readouterr().err == "error: [Errno 5] Input/output error\n"


def test_a_narrow_table_folds_what_is_too_long_and_cuts_nothing_off() -> None:
    rows = table("All of it", "name", "value")
    rows.add_row("a-name-much-longer-than-its-column", "0.123456789012345678901234567890")
    console = Console(file=io.StringIO(), width=30)
    console.print(rows)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in printed
    cells = [line.strip("│").split("│") for line in printed.splitlines() if line.startswith("│")]
    whole = ["".join(column).replace(" ", "") for column in zip(*cells, strict=True)]
    assert whole == ["a-name-much-longer-than-its-column", "0.123456789012345678901234567890"]
