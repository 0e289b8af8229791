"""Every help page: two screens at most, whole words, every option that the parser knows."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Annotated, Any

import pytest
import tyro

from tests.sharpmu.every_door import COMMANDS, DOORS, command, printed

MAX_LINES = 60
PAGES = [
    ["--help"],
    ["verify", "--help"],
    *([name, "--help"] for name in DOORS),
    *([name, word, "--help"] for name, word in COMMANDS),
]
EVERY = [*PAGES, *([name, word, "--help-all"] for name, word in COMMANDS)]


def page(words: list[str], columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a line prints on a terminal of some columns; it ends well, and says nothing else."""
    monkeypatch.setenv("COLUMNS", str(columns))
    status, out, err = printed(words)
    assert (status, err) == (0, "")
    return out


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_help_fits_on_two_screens(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert 3 < len(page(words, 80, monkeypatch).splitlines()) <= MAX_LINES


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_words_never_break(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {columns: page(words, columns, monkeypatch) for columns in (40, 80, 100)}
    for columns, text in pages.items():
        assert text.split() == pages[100].split()
        if words[0] in DOORS:  # the pages of `sharpmu` itself are written by hand
            long = [line for line in text.splitlines() if len(line) > columns and len(line.split()) > 1]
            assert long == []


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_no_text_ends_within_brackets(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = re.sub(r"[\[(][^\[\]()]*[\])]", "", page(words, 80, monkeypatch))  # twice, for brackets within brackets
    assert set(re.sub(r"[\[(][^\[\]()]*[\])]", "", text)) & set("[]()") == set()


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_nothing_is_wider_than_eighty_columns(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(map(len, page(words, 80, monkeypatch).splitlines())) <= 80


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_no_short_text_ends_inside_of_brackets(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = re.sub(r"\[[^\]()]*\)", "", page(words, 100, monkeypatch))  # intervals such as [0, 1/2)
    assert told.count("(") == told.count(")")


@pytest.mark.parametrize(("name", "word"), COMMANDS)
def test_the_whole_page_has_every_option_of_the_parser(name: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its default: the parser's own page says which there are."""
    made = command(name, word)
    monkeypatch.setenv("COLUMNS", "80")
    theirs = io.StringIO()
    parsed: Any = Annotated[made.cls, tyro.conf.OmitSubcommandPrefixes]
    default = made.default(())
    with contextlib.redirect_stdout(theirs), contextlib.suppress(SystemExit):
        tyro.cli(parsed, args=["--help"], **({} if default is None else {"default": default}))
    known = {
        flag
        for line in theirs.getvalue().splitlines()
        for flag in re.findall(r"(?:^[\s│]*|, )(--[a-z][\w.-]*\w)", line)
    }
    spellings = {spelling for option in made.options(()) for spelling in option.spellings}
    assert known - {"--help"} == spellings
    told = page([name, word, "--help-all"], 80, monkeypatch)
    assert all(option.flag.removeprefix("--") in told.replace("[no-]", "") for option in made.options(()))
    unsaid = [
        option.flag for option in made.options(()) if not (option.default or option.required or option.positional)
    ]
    assert unsaid == []


@pytest.mark.parametrize(("name", "word"), COMMANDS)
def test_what_the_short_page_shows_exists(name: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = command(name, word)
    shown = page([name, word, "--help"], 80, monkeypatch).replace("[no-]", "")
    assert all(f"  {flag}" in shown for flag in made.usual)
    assert set(made.usual) <= {option.flag for option in made.options(())}
    assert all(option.text for option in made.options(()))


@pytest.mark.parametrize("name", DOORS)
def test_a_door_has_a_line_on_each_command(name: str) -> None:
    assert list(DOORS[name].commands) == list(DOORS[name].summaries)


def test_help_says_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(["simulate", "run", "-h"])[1].startswith("usage: sharpmu simulate run [OPTIONS]\n")
    assert printed(["figures", "list", "-h"])[1].startswith("usage: sharpmu figures list [OPTIONS]\n")
    assert DOORS["simulate"].main(["run", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: python -m simulate run [OPTIONS]\n")


def test_options_of_a_study_are_found_by_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = printed(["deepnet", "options", "Momentum"])
    assert status == 0
    flags = re.findall(r"^  (--\S+)", out, re.M)
    assert flags
    assert all(flag.endswith(".momentum") for flag in flags)
    assert f"{len(flags)} of " in out
    other = printed(["deepnet", "options", "architecture", "--preset", "cifar10-resnet18"])[1]
    assert "default: resnet18" in " ".join(other.split())
    assert printed(["deepnet", "options", "zzz"])[0] == 2
