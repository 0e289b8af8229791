"""How errors of the system that name no file are told."""

import os
from pathlib import Path

import pytest

from simulate.house.terminal import exit_status


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
