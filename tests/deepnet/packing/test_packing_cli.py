"""Packing and unpacking from the terminal."""

from pathlib import Path

import pytest

from deepnet.cli import main
from deepnet.cli.packing import size_of
from tests.deepnet.packing.parts import contents
from tests.deepnet.small_study import numbers


def test_there_and_back_from_the_terminal(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts, out = str(tmp_path / "parts"), str(tmp_path / "out")
    assert main(["pack", str(study), "--out", parts, "--parts", "64K"]) == 0
    assert f"{len(contents(study))} files in" in capsys.readouterr().out
    last = max(path.name for path in (tmp_path / "parts").glob("*.bin"))
    (tmp_path / "parts" / last).unlink()
    assert main(["unpack", parts, "--out", out]) == 2
    assert last in capsys.readouterr().err
    assert main(["unpack", parts, "--out", out, "--available"]) == 0
    assert "wait for parts" in capsys.readouterr().out
    assert numbers(tmp_path / "out") == numbers(study)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["pack", "nowhere", "--out", "p"], "nowhere"),
        (["pack", ".", "--out", "p"], "out"),
        (["pack", "empty", "--out", "p"], "nothing to pack"),
        (["pack", "empty", "--out", "p", "--parts", "many"], "parts"),
        (["pack", "empty", "--out", "p", "--parts", "10"], "`--parts` must be 1,024 bytes at least"),
        (["unpack", "empty", "--out", "q"], "manifest.json"),
    ],
)
def test_bad_words_are_named(
    words: list[str], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert named in error


@pytest.mark.parametrize(("text", "size"), [("16M", 16 * 2**20), ("1g", 2**30), ("64K", 65536), ("5000", 5000)])
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size
