"""The script that checks the homework knows right answers from wrong ones, and runs nothing that it is given."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT

FOLDER = ROOT / "notebooks/homework"
RIGHT = {
    "ratio_factor": "0.0625", "signal_factor": "3", "switched_off": "0.683", "threshold": "0.75", "tug_of_war": "0.821",
    "verdicts": "['supported', 'Inconclusive', 'refuted']", "best_forget_accuracy": "'c'",
}  # fmt: skip
WRONG = {
    "ratio_factor": "0.25", "signal_factor": "9", "switched_off": "0.841", "threshold": "0.25", "tug_of_war": "0.81",
    "verdicts": "['supported', 'refuted', 'refuted']", "best_forget_accuracy": "'a'", "test_error": "0.5",
}  # fmt: skip


@pytest.fixture(scope="module")
def check() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "check.py"))


def written(path: Path, answers: dict[str, str]) -> Path:
    path.write_text("".join(f"{name} = {answer}\n" for name, answer in answers.items()), encoding="utf-8")
    return path


def test_right_answers(check: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = check["trained_error"]()
    assert 0.1 < error < 0.5
    path = written(tmp_path / "answers.py", RIGHT | {"test_error": f"{error:.3f}"})
    assert check["main"]([str(path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.endswith(": right") for line in said] == [True] * 8 + [False]
    assert said[-1] == "8 of 8 are right."


def test_wrong_answers(check: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check["main"]([str(written(tmp_path / "answers.py", WRONG))]) == 1
    said = capsys.readouterr().out.splitlines()
    assert all(": not right. " in line for line in said[:-1])
    assert said[-1] == "0 of 8 are right."


def test_one_wrong_answer_is_named(check: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check["main"]([str(written(tmp_path / "answers.py", RIGHT | {"threshold": "0.7"}))]) == 1
    said = capsys.readouterr().out
    assert re.findall(r"(\w+): not right", said) == ["threshold"]
    assert re.findall(r"(\w+): not answered", said) == ["test_error"]


@pytest.mark.parametrize(
    ("name", "answer", "wanted"),
    [
        ("ratio_factor", "'0,0625'", "a number, with a point and without quotation marks, but is '0,0625'."),
        ("best_forget_accuracy", "3", "a word in quotation marks, but is 3."),
        ("verdicts", "'supported'", "a list of 3 words, each in quotation marks, but is 'supported'."),
    ],
)
def test_an_answer_of_another_kind_is_told(
    name: str, answer: str, wanted: str, check: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check["main"]([str(written(tmp_path / "answers.py", {name: answer}))]) == 1
    assert f"{name}: not right. The answer is {wanted}" in capsys.readouterr().out


def test_without_a_file_the_command_is_told(check: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert check["main"]([]) == check["main"](["a.py", "b.py"]) == 2
    assert capsys.readouterr().err.count("Name the file of your answers, one: python ") == 2


def test_the_sheet_of_answers_is_empty_and_whole(check: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    answers = check["read_answers"](FOLDER / "answers.py")
    assert answers == dict.fromkeys(check["QUESTIONS"])
    sheet = (FOLDER / "sheet.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\d\. `(\w+)`", sheet) == list(answers)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("threshold = print('run')", "Answer `threshold` must be a number, a word or a list, not a computation."),
        ("threshold = ", "answers.py is not Python: line 1 cannot be read."),
        (None, "There is no file '"),
    ],
)
def test_what_cannot_be_read(
    check: dict[str, Any], source: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers.py"
    if source is not None:
        path.write_text(source, encoding="utf-8")
    assert check["main"]([str(path)]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
